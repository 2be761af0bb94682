"""What a warm parent imports once, so that its forks need not, and how a fork starts afresh, with streams of its own.

A parent may fork only while it has one thread: OpenMP's and OpenBLAS's threads do not survive a
fork, and code that counts on them hangs. It never touches CUDA: each fork initialises its own.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import io
import logging
import os
import sys
import sysconfig
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

SHELL = (
    "IPython.core.completer",
    "IPython.core.magics",
    "asttokens",
    "executing",
    "ipykernel.compiler",
    "ipykernel.eventloops",
    "ipykernel.kernelbase",
    "ipykernel.zmqshell",
    "jupyter_client.session",
    "matplotlib.pyplot",
    "pygments.formatters.terminal256",
    "pygments.lexers.python",
    "pygments.styles.default",
    "stack_data",
)
MODELS = ("torch", "torch._dynamo", "transformers.modeling_utils", "peft")
# Names that transformers resolves only when they are asked for.
LAZY = ("AutoModelForCausalLM", "AutoTokenizer", "GPT2LMHeadModel", "LlamaForCausalLM", "Trainer")
_ONCE_LOGGERS = ("transformers.utils.logging",)
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # pyarrow, where peft finds it, starts a thread for its memory otherwise.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    # Asks the driver's library whether there is a GPU, without initialising CUDA.
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
}

MAX_READ = 800_000  # bytes that are taken at once from what was written to a descriptor


class NotSingleThreaded(RuntimeError):
    """The parent has several threads, so a fork of it might hang."""


def one_thread() -> None:
    """Keep numpy and torch, which must not have been imported yet, to one thread in this process and its forks."""
    os.environ |= ONE_THREAD


def preload(modules: Sequence[str] = (*SHELL, *MODELS)) -> None:
    """Import what most notebooks import; `ONE_THREAD` must have been set before numpy's first import."""
    with _without_warnings():
        for name in modules:
            importlib.import_module(name)
        if "transformers" in sys.modules:
            transformers = importlib.import_module("transformers")
            for name in LAZY:
                getattr(transformers, name)
        for rehearse in _rehearsals():
            rehearse()
    _forget_warnings()
    assert_single_threaded()
    gc.collect()
    gc.freeze()


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Show no warning; filters that libraries add while they are imported stay."""
    shown, warnings.showwarning = warnings.showwarning, lambda *arguments, **more: None
    try:
        yield
    finally:
        warnings.showwarning = shown


def _rehearsals() -> Iterator[Callable[[], None]]:
    """What the first use of a library sets up, done once for all forks."""
    if "matplotlib.pyplot" in sys.modules:
        yield _draw
    torch = sys.modules.get("torch")
    if torch is None:
        return
    torch.set_num_threads(1)
    # Where torch is built for GPUs a backward pass starts threads and CUDA, and neither survives a fork.
    if torch.version.cuda or torch.version.hip:
        return
    yield _train
    if "peft" in sys.modules:
        yield _adapt


def _draw() -> None:
    """Draw a figure once: fonts and their metrics are loaded at the first one."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.plot([0, 1], label="line")
    axes.set(title="title", xlabel="label")
    axes.legend()
    figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")


def _train() -> None:
    """Take one optimiser step: much of torch is set up at the first one."""
    import torch

    layers = torch.nn.Sequential(
        torch.nn.Embedding(4, 4), torch.nn.LayerNorm(4), torch.nn.Linear(4, 4), torch.nn.GELU()
    )
    optimiser = torch.optim.AdamW(layers.parameters())
    torch.nn.functional.cross_entropy(layers(torch.arange(4)), torch.arange(4)).backward()
    optimiser.step()


def _adapt() -> None:
    """Put an adapter on a tiny model and run it once."""
    import peft
    import torch
    import transformers

    config = transformers.GPT2Config(vocab_size=8, n_positions=8, n_embd=8, n_layer=1, n_head=1)
    model = peft.get_peft_model(transformers.GPT2LMHeadModel(config), peft.LoraConfig(fan_in_fan_out=True))
    tokens = torch.arange(8)[None]
    model(input_ids=tokens, labels=tokens).loss.backward()


def _forget_warnings() -> None:
    """Let a notebook see warnings that are given once, though the parent has met them."""
    for module in list(sys.modules.values()):
        registry = getattr(module, "__dict__", {}).get("__warningregistry__")
        if registry:
            registry.clear()
    for logger in filter(None, map(sys.modules.get, _ONCE_LOGGERS)):
        for name in ("warning_once", "info_once"):
            getattr(logger, name).cache_clear()


def assert_single_threaded() -> None:
    count = len(os.listdir("/proc/self/task"))
    if count != 1:
        raise NotSingleThreaded(f"The parent of the forks has {count} threads; it may have only one.")


def start_afresh() -> None:
    """In a fork: random numbers of its own."""
    import random

    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "torch" in sys.modules:
        # Not torch.seed(), which also queues seeds for CUDA, at the price of a formatted stack each.
        sys.modules["torch"].default_generator.seed()


def look_launched() -> None:
    """Set sys.argv and sys.path as a kernel's launcher leaves them: the folder comes after Python's own library."""
    launcher = importlib.util.find_spec("ipykernel_launcher")
    sys.argv = [str(launcher and launcher.origin), "-f", "/tmp/kernel.json"]
    library = sysconfig.get_config_var("DESTSHARED")
    sys.path.insert(sys.path.index(library) + 1 if library in sys.path else 0, "")


def rebind_loggers(streams: dict[Any, Any]) -> None:
    """Point handlers that preloaded modules made at new streams; `streams` maps old ones to new."""
    for reference in list(vars(logging)["_handlerList"]):
        handler: Any = reference()
        stream = getattr(handler, "stream", None)
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            for old, new in streams.items():
                if stream is old:
                    handler.stream = new


class OutStream(io.TextIOBase):
    """Stands in for stdout or stderr, with the name and manners of ipykernel's class.

    `outputs` has the methods write(name, text) and flush(name). In a fork of the process that made
    the stream, text goes to descriptor `number` instead.
    """

    encoding = "UTF-8"

    def __init__(self, name: str, number: int, outputs: Any) -> None:
        self.name = name
        self._number, self._outputs, self._pid = number, outputs, os.getpid()
        self._terminal = os.open(os.devnull, os.O_WRONLY)

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        if os.getpid() == self._pid:
            self._outputs.write(self.name, text)
        else:
            os.write(self._number, text.encode("utf-8", "replace"))
        return len(text)

    def flush(self) -> None:
        if os.getpid() == self._pid:
            self._outputs.flush(self.name)

    def fileno(self) -> int:
        """As in a kernel, a terminal that the notebook does not show; here nobody sees it."""
        return self._terminal

    def writable(self) -> bool:
        return True


class LowLevelFile:
    """The file behind descriptor 1 or 2, into which C code and child processes write."""

    def __init__(self, number: int) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the process)
        self._read = 0
        os.dup2(self._file.fileno(), number)

    def new_text(self) -> str:
        """What was written since the last call; of very much, the beginning."""
        size = os.fstat(self._file.fileno()).st_size
        if size <= self._read:
            return ""
        text = os.pread(self._file.fileno(), min(size - self._read, MAX_READ), self._read)
        self._read = size
        return text.decode("utf-8", "replace")

    def forget(self) -> None:
        """Give back the disk space of what was read; all who write here share one place in the file."""
        if self._read:
            os.ftruncate(self._file.fileno(), 0)
            os.lseek(self._file.fileno(), 0, os.SEEK_SET)
            self._read = 0
