"""Answer to lora.memory."""

from fractions import Fraction

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "First settle two numbers: how many numbers are held, and how many of them train. Only the second meets Adam.",
    "Gradients take weight_bytes for each number that trains, Adam 4 + 4 for each, and a master copy 4 more.",
    "For QLoRA, n_base * (4 + Fraction(8, 64) + Fraction(32, 64 * 256)) / 8 is the base in bytes, exactly; the adapter "
    "takes weight_bytes for each number, as in LoRA.",
)


def memory(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes):
    adapter, trained = (0, n_base) if method == "full" else (n_adapter, n_adapter)
    base_bytes = Fraction(weight_bytes)
    if method == "qlora":
        base_bytes = (4 + Fraction(8, 64) + Fraction(32, 64 * 256)) / 8
    return {
        "weights": n_base * base_bytes + adapter * weight_bytes,
        "gradients": Fraction(trained * weight_bytes),
        "optimiser": Fraction(trained * (4 + 4 + 4 * master)),
        "activations": Fraction(tokens * token_bytes),
    }


def cases(rng):
    def draw(group, method, weight_bytes, master):
        def number(low, high):
            return int(torch.randint(low, high, (), generator=rng))

        return case(
            group,
            method=method,
            n_base=number(10**8, 10**11),
            n_adapter=number(10**5, 10**8),
            weight_bytes=weight_bytes,
            master=master,
            tokens=number(100, 10**4),
            token_bytes=number(10**4, 10**6),
        )

    yield draw("full fine-tuning", "full", 2, True)
    yield draw("full fine-tuning", "full", 4, False)
    yield draw("LoRA", "lora", 2, True)
    yield draw("LoRA", "lora", 4, False)
    yield draw("QLoRA", "qlora", 2, False)
    yield draw("QLoRA", "qlora", 2, True)


@right
def integers_and_ratios(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes):
    # 4.126953125 bits are 2113 / 512 of a bit.
    if method == "full":
        weights, trained = weight_bytes * n_base, n_base
    elif method == "lora":
        weights, trained = weight_bytes * (n_base + n_adapter), n_adapter
    else:
        weights, trained = Fraction(2113 * n_base, 4096) + weight_bytes * n_adapter, n_adapter
    gradients, optimiser = weight_bytes * trained, (12 if master else 8) * trained
    activations = tokens * token_bytes
    return {
        "activations": activations,
        "optimiser": optimiser,
        "gradients": gradients,
        "weights": weights,
    }


@right
def bit_by_bit(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes):
    wide = 8 * weight_bytes
    kept = {"full": [(n_base, wide)], "lora": [(n_base, wide), (n_adapter, wide)]}
    kept["qlora"] = [(n_base, 4), (Fraction(n_base, 64), 8), (Fraction(n_base, 64 * 256), 32), (n_adapter, wide)]
    trained = n_base if method == "full" else n_adapter
    per_number = {"gradients": wide, "optimiser": 32 + 32 + (32 if master else 0)}
    found = {"weights": sum(Fraction(count * width) for count, width in kept[method]) / 8}
    found |= {key: Fraction(trained * width, 8) for key, width in per_number.items()}
    found["activations"] = Fraction(tokens) * token_bytes
    return found


@second_source("torch: tensors on the meta device after a step of torch.optim.Adam")
def measured(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes):
    dtype = {2: torch.bfloat16, 4: torch.float32}[weight_bytes]

    def held(n, dtype):
        return torch.empty(n, dtype=dtype, device="meta").nbytes

    trained = torch.nn.Parameter(torch.empty(n_base if method == "full" else n_adapter, dtype=dtype, device="meta"))
    trained.grad = torch.empty_like(trained)
    copy = torch.nn.Parameter(trained.detach().float())
    copy.grad = trained.grad.float()
    adam = torch.optim.Adam([copy])
    adam.step()
    moments = sum(adam.state[copy][name].nbytes for name in ("exp_avg", "exp_avg_sq"))
    weights = Fraction(trained.nbytes + (held(n_base, dtype) if method == "lora" else 0))
    if method == "qlora":
        # One superblock: 64 * 256 codes, two in a byte, their 256 scales and a constant.
        superblock = held(64 * 128, torch.uint8) + held(256, torch.uint8) + held(1, torch.float32)
        weights += Fraction(n_base * superblock, 64 * 256)
    return {
        "weights": weights,
        "gradients": trained.grad.nbytes,
        "optimiser": moments + (copy.nbytes if master else 0),
        "activations": held(tokens * token_bytes, torch.uint8),
    }


def _changed(found, **changes):
    return found | {key: Fraction(part) for key, part in changes.items()}


@wrong
def TrainsTheBaseToo(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes):
    """The frozen base was given gradients and Adam's state. That is what LoRA saves: only the adapter trains."""
    found = memory(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes)
    trained = n_base + (0 if method == "full" else n_adapter)
    return _changed(found, gradients=trained * weight_bytes, optimiser=trained * (12 if master else 8))


@wrong
def ForgetsTheBase(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes):
    """The weights are those of the adapter alone. That is the checkpoint; in memory the frozen base stays, too."""
    found = memory(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes)
    return found if method == "full" else _changed(found, weights=n_adapter * weight_bytes)


@wrong
def QuantisesTheAdapter(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes):
    """QLoRA's adapter was counted in 4 bits. Only the frozen base is quantised: what trains keeps its width."""
    found = memory(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes)
    return _changed(found, weights=Fraction(2113 * (n_base + n_adapter), 4096)) if method == "qlora" else found


@wrong
def ForgetsTheScales(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes):
    """QLoRA's base was counted in 4 bits flat: the scales of its blocks are stored beside the codes."""
    found = memory(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes)
    return _changed(found, weights=Fraction(n_base, 2) + n_adapter * weight_bytes) if method == "qlora" else found


@wrong
def KeepsOneMoment(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes):
    """Adam's moments are two for each number that trains, and each is float32, whatever the width of the weights."""
    found = memory(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes)
    trained = n_base if method == "full" else n_adapter
    return _changed(found, optimiser=found["optimiser"] - 4 * trained)


@wrong
def ForgetsTheMasterCopy(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes):
    """The float32 copy of what trains is missing: it is there when master is true."""
    return memory(method, n_base, n_adapter, weight_bytes, False, tokens, token_bytes)


@wrong
def CopiesTheFrozenBase(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes):
    """The master copy holds the base too. A copy serves the update of a number: what is frozen needs none."""
    found = memory(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes)
    frozen = 0 if method == "full" or not master else n_base
    return _changed(found, optimiser=found["optimiser"] + 4 * frozen)


@wrong
def DropsTheActivations(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes):
    """The activations vanished with the frozen weights. They stay: gradients pass through every layer."""
    found = memory(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes)
    return found if method == "full" else _changed(found, activations=0)


@wrong
def AddsTheAdapterToFull(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes):
    """Full fine-tuning was given an adapter that trains: it has none, whatever n_adapter says."""
    return memory(
        method, n_base + n_adapter if method == "full" else n_base, n_adapter, weight_bytes, master, tokens, token_bytes
    )


@wrong
def KeepsMomentsAsWideAsTheWeights(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes):
    """Adam's moments are two, and each is float32 (4 bytes), whatever the width of the weights."""
    found = memory(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes)
    trained = n_base if method == "full" else n_adapter
    return _changed(found, optimiser=trained * (2 * weight_bytes + 4 * master))


@wrong
def StoresAnAdapterInFull(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes):
    """With "full" the weights hold an adapter, too. There is none, whatever n_adapter says."""
    found = memory(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes)
    return _changed(found, weights=(n_base + n_adapter) * weight_bytes) if method == "full" else found


@wrong
def CountsBits(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes):
    """QLoRA's base was counted in bits: 8 of them make a byte."""
    found = memory(method, n_base, n_adapter, weight_bytes, master, tokens, token_bytes)
    in_bits = Fraction(2113 * n_base, 512) + n_adapter * weight_bytes
    return _changed(found, weights=in_bits) if method == "qlora" else found
