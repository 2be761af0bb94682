"""Train the course model from scratch: python -m course.model.train --size large --seconds 420 --tokens 800e6."""

from __future__ import annotations

import argparse
import math
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from course.model import data, tokens

if TYPE_CHECKING:
    from transformers import LlamaConfig, LlamaForCausalLM

# Fewer key-value heads than heads, and an intermediate size that is no multiple of the hidden one: neither a mistake
# with grouped heads nor a transposed weight stays hidden.
SHAPES = {
    "large": {"hidden_size": 256, "num_hidden_layers": 6, "intermediate_size": 692, "num_attention_heads": 8},
    "small": {"hidden_size": 128, "num_hidden_layers": 4, "intermediate_size": 348, "num_attention_heads": 4},
}
ROWS_AT_ONCE = 4096
BATCH = {"cpu": 16, "cuda": 320}
PEAK, LAST, WARM_UP = 2e-3, 1e-5, 200


def config(size: str) -> LlamaConfig:
    """Biases everywhere, which stock Llama has not, so that BitFit has something to train; tied embeddings."""
    from transformers import LlamaConfig

    shape = SHAPES[size]
    return LlamaConfig(
        **shape,
        vocab_size=tokens.VOCABULARY,
        num_key_value_heads=shape["num_attention_heads"] // 2,
        max_position_embeddings=512,
        attention_bias=True,
        mlp_bias=True,
        tie_word_embeddings=True,
        pad_token_id=tokens.PAD,
        bos_token_id=tokens.BOS,
        eos_token_id=tokens.EOS,
    )


def training_rows(count: int, processes: int) -> torch.Tensor:
    """At least `count` rows of token ids, shape (rows, data.ROW), uint8: the same for any number of processes."""
    seeds = range(math.ceil(count / ROWS_AT_ONCE))
    with ProcessPoolExecutor(processes) as pool:
        parts = pool.map(data.rows, seeds, [min(count, ROWS_AT_ONCE)] * len(seeds), chunksize=4)
        return torch.from_numpy(np.concatenate(list(parts)))


def learning_rate(step: int, share_of_time: float) -> float:
    """Linear warm-up, then half a cosine over the time that was granted."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, share_of_time)))
    return max(LAST, PEAK * min(1.0, (step + 1) / WARM_UP) * cosine)


def train(size: str, rows: torch.Tensor, seconds: float, seed: int = 0) -> tuple[LlamaForCausalLM, int, float]:
    """Train for so many seconds beyond the compilation.

    Returns
    -------
    model : LlamaForCausalLM
    seen : int
        Tokens trained on, repeated ones included.
    loss : float
        Mean of the last hundred steps, nats per token.
    """
    from transformers import LlamaForCausalLM

    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = LlamaForCausalLM(config(size)).to(device).train()
    run = torch.compile(model) if device.type == "cuda" else model
    rows, batch = rows.to(device), min(BATCH[device.type], len(rows))
    optimiser = torch.optim.AdamW(model.parameters(), PEAK, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    losses: list[torch.Tensor] = []
    order = torch.randperm(len(rows), device=device)
    began, step = time.monotonic(), 0
    while (elapsed := time.monotonic() - began) < seconds or step < 6:
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, elapsed / seconds)
        first = step * batch % (len(rows) - batch + 1)
        losses.append(_step(run, optimiser, rows[order[first : first + batch]].long(), device))
        step += 1
        if step == 5 and device.type == "cuda":
            torch.cuda.synchronize()
            began = time.monotonic()
        if step % 1000 == 0:
            print(f"{step} steps, {elapsed:.0f} s, loss {torch.stack(losses[-100:]).mean():.4f}", flush=True)
    return model.eval(), step * batch * data.ROW, torch.stack(losses[-100:]).mean().item()


def _step(run, optimiser: torch.optim.Optimizer, ids: torch.Tensor, device: torch.device) -> torch.Tensor:
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        logits = run(input_ids=ids).logits
    loss = cross_entropy(logits[:, :-1].reshape(-1, tokens.VOCABULARY).float(), ids[:, 1:].reshape(-1))
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimiser.step()
    return loss.detach()


def save(model: LlamaForCausalLM, folder: Path) -> None:
    """Write what from_pretrained reads: float16 weights in safetensors, configuration, tokenizer."""
    model.half().save_pretrained(folder)
    tokens.tokenizer().save_pretrained(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SHAPES, default="small")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--tokens", type=float, default=2e6, help="different ones to make")
    parser.add_argument("--to", type=Path, default=Path("build/model"))
    options = parser.parse_args()
    torch.set_float32_matmul_precision("high")
    began = time.monotonic()
    rows = training_rows(round(options.tokens / data.ROW), os.cpu_count() or 1)
    print(f"{rows.numel() / 1e6:.1f}M tokens made in {time.monotonic() - began:.0f} s", flush=True)
    model, seen, loss = train(options.size, rows, options.seconds)
    save(model, options.to)
    print(f"{options.size}: {seen / 1e6:.0f}M tokens seen, loss {loss:.4f}, {time.monotonic() - began:.0f} s in all")


if __name__ == "__main__":
    main()
