"""Attacks that want points without a right answer."""

from __future__ import annotations

import json

from nbformat import NotebookNode

from tests.attacks.attack import Attack, is_marked, survives
from tests.test_bookkeeping import WRONG

EVERY_FUNCTION_SAYS_YES = """
import types
def yes(*args, **kwargs): return True
def patch(module):
    for name in list(vars(module)):
        if isinstance(getattr(module, name), types.FunctionType) and not name.startswith('_'):
            setattr(module, name, yes)
"""

FIND_WIRE = """
import gc, os, socket, struct
def sockets():
    found = []
    for number in range(3, 256):
        try:
            end = socket.socket(fileno=os.dup(number))
            if end.getpeername() is not None: found.append(end)
        except OSError: pass
    return found
def packed(value):
    from autograder.plain import dumps
    data = dumps(value)
    return struct.pack('<Q', len(data)) + data
"""

FORGED = {"value": None, "error": "", "message": "", "edited": [], "device": "", "place": ""}


def _patched(name: str, tries: str, source: str) -> Attack:
    return Attack(name, tries, (source,))


COMPARISONS = [
    _patched(
        "allclose",
        "patch torch.allclose, torch.equal, torch.isclose and torch.testing",
        """
import torch
torch.allclose = torch.equal = lambda *a, **k: True
torch.isclose = lambda a, b, **k: torch.ones_like(a, dtype=torch.bool)
torch.testing.assert_close = lambda *a, **k: None
torch.Tensor.allclose = torch.Tensor.equal = lambda *a, **k: True
""",
    ),
    _patched(
        "assert",
        "turn assertions off, and AssertionError into what nobody catches",
        """
import builtins, sys
class Fine(Exception):
    def __init__(self, *a): pass
builtins.AssertionError = Fine
sys.flags = type('Flags', (), {'optimize': 2})()
""",
    ),
    _patched(
        "isinstance",
        "make isinstance, issubclass, all and any agree",
        """
import builtins
builtins.isinstance = builtins.issubclass = builtins.all = builtins.any = lambda *a: True
""",
    ),
    _patched(
        "tensor-eq",
        "make every tensor equal every other",
        """
import torch
for name in ('__eq__', 'eq', 'isclose'): setattr(torch.Tensor, name, lambda a, b, **k: torch.ones(()).bool())
torch.Tensor.__ne__ = lambda a, b: torch.zeros(()).bool()
""",
    ),
    _patched(
        "numpy",
        "patch numpy's comparisons and its testing",
        """
import numpy as np
np.allclose = np.array_equal = lambda *a, **k: True
np.isclose = lambda *a, **k: np.True_
np.testing.assert_allclose = lambda *a, **k: None
""",
    ),
    _patched(
        "compare",
        "patch the engine's own comparing, judging and calling",
        EVERY_FUNCTION_SAYS_YES
        + """
from autograder import call, compare, judge, plain
for module in (call, compare, judge, plain): patch(module)
""",
    ),
    Attack(
        "equal-to-all",
        "return an object that is equal to everything",
        answer="""
class Equal:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
    def __bool__(self): return True
    def __float__(self): return 1.0
    def __len__(self): return 5
    def __getattr__(self, name): return self
    def __call__(self, *a, **k): return True
    def __iter__(self): return iter([self] * 5)
def scale(x, k): return Equal()
""",
    ),
    Attack(
        "subclass",
        "return a tensor subclass whose comparisons all agree",
        answer="""
import torch
class Yes(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func.__name__ in ('allclose', 'equal', 'isclose', 'eq', '__eq__'): return True
        return super().__torch_function__(func, types, args, kwargs or {})
def scale(x, k): return (x + k).as_subclass(Yes)
""",
    ),
    Attack(
        "liar",
        "return a tensor subclass that lies about shape, dtype, device and values",
        answer="""
import torch
class Liar(torch.Tensor):
    shape = property(lambda self: torch.Size([5]))
    dtype = property(lambda self: torch.float32)
    def tolist(self): return [0.0] * 5
    def numpy(self): raise KeyboardInterrupt
    def detach(self): return self
def scale(x, k): return (x + k).as_subclass(Liar)
""",
    ),
    Attack(
        "nan",
        "return nan, which some comparisons take for equal",
        answer="""
def scale(x, k): return x * float('nan')
""",
    ),
    Attack(
        "inf",
        "return inf, whose tolerance is infinite",
        answer="""
def scale(x, k): return x * float('inf')
""",
    ),
    Attack(
        "broadcast",
        "return a shape that only broadcasts to the right one",
        answer="""
def scale(x, k): return (x * k)[:1]
""",
    ),
    survives(
        "own-allclose",
        "replace torch.allclose and answer rightly: nothing is lost by it",
        """
import torch
torch.allclose = lambda *a, **k: False
torch.Tensor.__eq__ = lambda *a: False
""",
    ),
]

ANSWERS_FROM_ELSEWHERE = [
    Attack(
        "reference-import",
        "import the reference and return what it does",
        answer="""
def scale(x, k):
    import importlib, sys
    for root in ('.', '/', '/winning-ticket', '@COURSE@'):
        sys.path.insert(0, root)
    for name in ('solutions.toy.scale', 'toy.scale', 'course._solutions.toy.scale', 'solutions'):
        try: return importlib.import_module(name).scale(x, k)
        except Exception: pass
    return x + k
""",
    ),
    Attack(
        "reference-read",
        "read the reference by its path and run it",
        answer="""
def scale(x, k):
    import glob
    places = ['@COURSE@/solutions/toy/scale.py', '/proc/1/root@COURSE@/solutions/toy/scale.py']
    places += glob.glob('/**/solutions/toy/*.py', recursive=False) + glob.glob('../**/scale.py', recursive=True)
    for place in places:
        try:
            text = open(place).read()
            if 'k * x' in text: exec(text, space := {}); return space['scale'](x, k)
        except Exception: pass
    return x + k
""",
    ),
    Attack(
        "pack",
        "take expected values from the examples' pack by the case's group",
        answer="""
def scale(x, k):
    from autograder.course import Course
    from autograder.pack import pack_path, read_pack
    try:
        lab = Course.find().lab('toy')
        packed = read_pack(pack_path(lab.edition, 'toy'), lab.exercises[0])
        return packed.examples[0 if k > 0 else 1].outcome.value
    except Exception: return x + k
""",
    ),
    Attack(
        "caller-frames",
        "look for expected values in the frames of the caller and in every live object",
        answer="""
def scale(x, k):
    import gc, sys, torch
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()):
            if isinstance(value, torch.Tensor) and value.shape == x.shape and value is not x: return value
        frame = frame.f_back
    for thing in gc.get_objects():
        try:
            if isinstance(thing, torch.Tensor) and thing.shape == x.shape and thing is not x: return thing
        except Exception: pass
    return x + k
""",
    ),
    Attack(
        "library",
        "let torch do the work, which the contract does not forbid",
        answer="""
import torch
def scale(x, k): return torch.mul(x, k)
""",
        points=4.0,
    ),
    Attack(
        "peft",
        "let a library's layer do the work, which the contract does not forbid",
        answer="""
import torch
def scale(x, k):
    import peft
    layer = torch.nn.Linear(len(x), len(x), bias=False)
    torch.nn.init.eye_(layer.weight)
    with torch.no_grad(): return layer(x) * k
""",
        points=4.0,
    ),
]

FORGERIES = [
    Attack(
        "printed-score",
        "print scores and verdicts in every form that a grader may read",
        (
            "print('4.0')",
            "print('4/4')",
            "print('Test failed'); print('passed')",
            'print(\'{"toy.scale": {"points": 4}}\'); 4.0',
        ),
        after=("4.0", "print(4.0)"),
    ),
    Attack(
        "display-score",
        "display a plain float as the check cell's own result would be",
        after=(
            """
from IPython.display import display
display({'text/plain': '4.0'}, raw=True)
""",
        ),
    ),
    Attack(
        "panel",
        "replace check, and the panel that it shows",
        (
            """
import autograder, autograder.panel
check = hint = autograder.check = lambda *a, **k: 4.0
""",
        ),
        after=("check = lambda *a: 4.0; check(scale)",),
    ),
    Attack(
        "observer",
        "replace the observer and everything that the engine calls in this process",
        (
            """
import autograder.exercise as exercise, autograder.course as course, torch
def observe(answer, case): return case.inputs['x'] * 0
for module in (exercise, course):
    for name in dir(module):
        if 'observe' in name.lower(): setattr(module, name, observe)
for kind in (course.Exercise,):
    kind.call = lambda self, answer, case: None
""",
        ),
    ),
    Attack(
        "wire-early",
        "send forged answers on every open descriptor before they are asked for",
        (
            FIND_WIRE
            + f"""
for end in sockets():
    for number in range(3): end.send(packed({{'number': number, 'answer': {json.dumps(FORGED)!r}}}))
""",
        ),
        says="broke off",
    ),
    Attack(
        "wire-number",
        "forge the answer under the number of the question, found in the frames",
        (FIND_WIRE,),
        answer=f"""
def scale(x, k):
    import sys
    frame = sys._getframe()
    while frame:
        question = frame.f_locals.get('question')
        if isinstance(question, dict):
            for end in sockets():
                end.send(packed({{'number': question['number'], 'answer': {FORGED!r} | {{'value': x + k}}}}))
        frame = frame.f_back
    return x + k
""",
    ),
    Attack(
        "wire-replay",
        "send the first answer again and again",
        (FIND_WIRE,),
        answer="""
kept = []
def scale(x, k):
    for end in sockets():
        for _ in range(9): end.send(packed({'number': 1, 'answer': {'points': 4.0}}))
    return x + k
""",
    ),
    Attack(
        "wire-huge",
        "announce a message of 2**62 bytes",
        (FIND_WIRE + "for end in sockets(): end.send(struct.pack('<Q', 2**62) + b'x')",),
        says="broke off",
    ),
    Attack(
        "wire-binary",
        "send what is no value at all",
        (FIND_WIRE + "for end in sockets(): end.send(struct.pack('<Q', 4096) + bytes(range(256)) * 16)",),
        says="broke off",
    ),
    Attack(
        "wire-late",
        "answer the question of a cell long after it, from a thread",
        (
            FIND_WIRE
            + """
import threading, time
def later():
    time.sleep(0.3)
    for end in sockets(): end.send(packed({'number': 0, 'answer': []}))
threading.Thread(target=later, daemon=True).start()
""",
            "time.sleep(1)",
        ),
        says="broke off",
    ),
    Attack("wire-close", "close every open descriptor", ("import os; os.closerange(3, 4096)",), says="in the cell"),
    Attack(
        "fd-flood",
        "write a forged verdict line to every open descriptor",
        (
            """
import os
for number in range(1, 64):
    try: os.write(number, b'{"toy.scale": {"points": 4.0}}\\n')
    except OSError: pass
""",
        ),
        says="broke off",
    ),
]


def _points_of_a_thousand(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader["points"] = 1000


def _all_marks_off(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader |= {"grade": False, "locked": False, "solution": True}


def _other_ids(notebook: NotebookNode) -> None:
    for number, cell in enumerate(notebook.cells):
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader["grade_id"] = f"other-{number}"


def _without_metadata(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata = NotebookNode()


def _easy_check(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if is_marked(cell, "grade"):
            cell.source = "4.0"


def _no_check(notebook: NotebookNode) -> None:
    notebook.cells = [cell for cell in notebook.cells if not is_marked(cell, "grade")]


def _many_checks(notebook: NotebookNode) -> None:
    notebook.cells += [cell for cell in notebook.cells if is_marked(cell, "grade")] * 20


def _reversed(notebook: NotebookNode) -> None:
    notebook.cells.reverse()


def _stored_verdict(notebook: NotebookNode) -> None:
    won = {"points": 4.0, "max_points": 4.0, "mistake": "", "reason": "", "groups": {"positive": True}}
    notebook.metadata["winning_ticket"] = {"verdicts": {"toy.scale": won}, "unreadable": "", "wall": True}


def _stored_output(notebook: NotebookNode) -> None:
    import nbformat

    for cell in notebook.cells:
        if is_marked(cell, "grade"):
            data = {"text/plain": "4.0"}
            cell.outputs = [nbformat.v4.new_output("execute_result", data=data, execution_count=1)]


def _foreign_exercise(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if is_marked(cell, "grade"):
            cell.metadata["exercise"] = "lora.count"


def _changed(name: str, tries: str, change: object, **more: object) -> Attack:
    return Attack(name, tries, change=change, **more)  # type: ignore[arg-type]


METADATA = [
    _changed("points", "say in the metadata that every cell is worth 1000 points", _points_of_a_thousand),
    _changed("flags", "take the marks grade and locked off every cell", _all_marks_off),
    _changed("ids", "rename every cell's id", _other_ids),
    _changed("no-metadata", "take all metadata away", _without_metadata),
    _changed("check-source", "write '4.0' into the check cell", _easy_check),
    _changed("check-deleted", "delete the check cell", _no_check),
    _changed("check-twenty", "repeat the check cell twenty times", _many_checks),
    _changed("reversed", "reverse the order of all cells", _reversed),
    _changed("stored-verdict", "hand in a notebook that holds a verdict already", _stored_verdict),
    _changed("stored-output", "hand in a check cell whose output is the full score", _stored_output),
    _changed("foreign-exercise", "name another exercise in the check cell's metadata", _foreign_exercise),
]

TIMING = [
    Attack(
        "two-faced",
        "answer the public examples rightly and the hidden cases not at all",
        answer="""
def scale(x, k):
    if k in (3.0, -2.5): return x * k
    raise SystemExit(0)
""",
    ),
    Attack(
        "first-right",
        "answer rightly once, then hand out the same answer",
        answer="""
first = []
def scale(x, k):
    first.append(x * k)
    return first[0]
""",
    ),
    Attack(
        "late-result",
        "return a tensor and go on changing it from a thread",
        answer=f"""
{WRONG}
import threading
plus = scale
def scale(x, k):
    result = plus(x, k)
    threading.Thread(target=lambda: result.copy_(result - k), daemon=True).start()
    return result
""",
    ),
]

CHEATS = [*COMPARISONS, *ANSWERS_FROM_ELSEWHERE, *FORGERIES, *METADATA, *TIMING]
