"""What a warm parent imports once, so that its forks need not, and how a fork starts afresh.

A parent may fork only while it has one thread: OpenMP's and OpenBLAS's threads do not survive a
fork, and code that counts on them hangs. It never touches CUDA: each fork initialises its own.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

SHELL = (
    "IPython.core.completer",
    "IPython.core.magics",
    "asttokens",
    "executing",
    "ipykernel.compiler",
    "ipykernel.zmqshell",
    "jupyter_client.session",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "pygments.formatters.terminal256",
    "pygments.lexers.python",
    "pygments.styles.default",
    "stack_data",
)
MODELS = ("torch", "torch._dynamo", "transformers.modeling_utils", "peft")
# Names that transformers resolves only when they are asked for.
LAZY = ("AutoModelForCausalLM", "AutoTokenizer", "GPT2LMHeadModel", "LlamaForCausalLM", "Trainer")
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # Asks the driver's library whether there is a GPU, without initialising CUDA.
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
}


class NotSingleThreaded(RuntimeError):
    """The parent has several threads, so a fork of it might hang."""


def one_thread() -> None:
    """Keep numpy and torch, which must not have been imported yet, to one thread in this process and its forks."""
    os.environ |= ONE_THREAD


def preload(modules: Sequence[str] = (*SHELL, *MODELS)) -> None:
    """Import what most notebooks import; `ONE_THREAD` must have been set before numpy's first import."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in modules:
            importlib.import_module(name)
        if "transformers" in sys.modules:
            transformers = importlib.import_module("transformers")
            for name in LAZY:
                getattr(transformers, name)
    if "torch" in sys.modules:
        _warm_torch()
    _forget_warnings()
    assert_single_threaded()
    gc.collect()
    gc.freeze()


def _warm_torch() -> None:
    """Take one optimiser step on one thread: much of torch is imported at the first one."""
    import torch

    torch.set_num_threads(1)
    weight = torch.nn.Parameter(torch.zeros(2, 2))
    optimiser = torch.optim.AdamW([weight])
    weight.sum().backward()
    optimiser.step()


def _forget_warnings() -> None:
    """Let a notebook see warnings that are given once, though the parent has met them."""
    for module in list(sys.modules.values()):
        registry = getattr(module, "__dict__", {}).get("__warningregistry__")
        if registry:
            registry.clear()


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
        sys.modules["torch"].seed()


def rebind_loggers(streams: dict[Any, Any]) -> None:
    """Point handlers that preloaded modules made at new streams; `streams` maps old ones to new."""
    for reference in list(vars(logging)["_handlerList"]):
        handler: Any = reference()
        stream = getattr(handler, "stream", None)
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            for old, new in streams.items():
                if stream is old:
                    handler.stream = new
