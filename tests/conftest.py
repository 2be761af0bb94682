"""Every test has a home of its own; the toy lab is built once for those that only read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder.preload import one_thread

one_thread()

import torch  # noqa: E402

from autograder.compose import build  # noqa: E402
from autograder.course import Answer, Course, Lab  # noqa: E402
from tests.toy import add_toy_lab  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent

torch.set_num_threads(1)


def answers(lab: str) -> Callable[[str], Answer]:
    """What gives the answer to an exercise of one of our labs by its name."""
    return lambda name: Course.at(ROOT).exercise(f"{lab}.{name}").answer


def references(lab: str) -> Callable[[str], Callable]:
    """What gives the reference function of an exercise of one of our labs by its name."""
    return lambda name: answers(lab)(name).reference


@pytest.fixture
def one_thread_and_no_figure_left() -> Iterator[None]:
    """For suites of experiments, whose networks are small and whose figures nobody closes."""
    import matplotlib.pyplot as plt

    from course.common import device as devices

    with devices.threads(1):
        yield
    plt.close("all")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep records and caches of a test out of the user's home."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("WINNING_TICKET_HOME", str(home / "record"))
    monkeypatch.delenv("WINNING_TICKET_ROOT", raising=False)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    return home


@pytest.fixture(scope="session")
def toy_lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The toy lab, built; tests must not write into it."""
    lab = add_toy_lab(tmp_path_factory.mktemp("toy"))
    build(lab, lab.course.root / "build")
    return lab


@pytest.fixture
def own_toy_lab(tmp_path: Path) -> Lab:
    """A toy lab that a test may change; built."""
    lab = add_toy_lab(tmp_path / "course")
    build(lab, lab.course.root / "build")
    return lab
