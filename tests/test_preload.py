"""May the parent fork, and does a fork find what a fresh process would?"""

from __future__ import annotations

import logging
import threading
import warnings

import pytest

from autograder import preload
from autograder.grade import Grader
from autograder.limits import Limits
from autograder.run import Step
from tests.toy import RIGHT
from tests.walls import start_behind_wall

LIMITS = Limits(notebook_seconds=30, cell_seconds=15, case_seconds=5)


def outputs(lab, source: str) -> list[dict]:
    steps = [Step("a", source=source), Step("b", source=RIGHT), Step("check", exercise=lab.exercise("scale"))]
    graded = Grader(lab, "secret", LIMITS).grade(steps, None, start_behind_wall)
    assert graded.verdicts["toy.scale"].points == 4.0, graded.notes
    return graded.outputs["a"]


def test_a_parent_with_a_second_thread_refuses_to_fork():
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        with pytest.raises(preload.NotSingleThreaded, match="threads"):
            preload.assert_single_threaded()
    finally:
        end.set()
        thread.join()


def test_two_openmp_threads_and_a_backward_pass_do_not_hang_in_a_fork(toy_lab):
    code = """
import torch
torch.set_num_threads(2)
w = torch.randn(600, 600, requires_grad=True)
(w @ w).relu().sum().backward()
print(torch.get_num_threads(), bool(w.grad.isfinite().all()))
"""
    assert outputs(toy_lab, code)[0]["text"] == "2 True\n"


def test_numpys_threads_do_not_hang_in_a_fork(toy_lab):
    code = "import numpy as np; a = np.random.rand(800, 800); print(np.linalg.norm(a @ a - a.dot(a)))"
    assert float(outputs(toy_lab, code)[0]["text"]) == 0.0


def test_cuda_stays_untouched_in_the_parent(toy_lab):
    assert outputs(toy_lab, "import torch; print(torch.cuda.is_initialized())")[0]["text"] == "False\n"


def test_a_notebook_sees_warnings_and_log_lines_that_the_parent_has_met(toy_lab):
    """Both rehearsals give peft's and transformers' own once; a fork gives them again."""
    code = """
import warnings, logging
import transformers
transformers.utils.logging.get_logger('transformers').warning_once('only once')
transformers.utils.logging.get_logger('transformers').warning_once('only once')
logging.getLogger('mine').warning('shown')
"""
    text = "".join(output["text"] for output in outputs(toy_lab, code))
    assert text.count("only once") == 1
    assert text.count("shown") == 1


def test_forgetting_warnings_lets_them_be_given_again():
    def given() -> int:
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("default")
            for _ in range(2):
                warnings.warn("again", UserWarning, stacklevel=1)
        return len(found)

    assert given() == 1
    preload._forget_warnings()
    assert given() == 1


def test_handlers_of_preloaded_loggers_follow_a_forks_streams():
    old, new = object(), object()
    handler = logging.StreamHandler(old)
    other = logging.StreamHandler(kept := object())
    preload.rebind_loggers({old: new})
    assert handler.stream is new
    assert other.stream is kept
