"""Put adapters into a model."""

import torch
from torch import Tensor, nn

from autograder.exercise import Case, Tolerance, case, observe_call
from course.common.tiny_models import VOCABULARY, tiny_llama

POINTS = 4
MINUTES = 30
LEVEL = 3
TOLERANCE = Tolerance(rtol=1e-3, atol=2e-4)


def wrap(model: nn.Module, names: list[str], rank: int, alpha: float) -> int:
    """Give every nn.Linear of the named kinds a LoRA update, in place, and freeze everything else.

    Afterwards the model runs as before, `model(input_ids=...)`, and a layer that was wrapped computes
    base(x) + (alpha / rank) B A x. How you build that is up to you: put a module of your own in the
    layer's place, or extend the layer. Helper classes may stand above the function in the same cell.

    Parameters
    ----------
    model : nn.Module
        Here a small Llama with grouped key-value heads. Layers differ in shape; most have a bias.
    names : list of str
        A layer is wrapped where the last part of its dotted name is one of these: "q_proj" names
        "model.layers.0.self_attn.q_proj" and its like in every other layer. A name that no layer has, or
        that is only a part of a layer's name ("head" of "lm_head"), names nothing.
    rank : int
    alpha : float

    Returns
    -------
    int
        How many numbers train: the total size of the parameters with requires_grad, each counted once.

    Notes
    -----
    Below the dotted name of a wrapped layer there must be exactly two trainable parameters, under any
    names, of shapes (rank, d_in) and (d_out, rank). The first starts random and the second at zero.

    Source: Hu et al. 2021 (arXiv:2106.09685), section 4.
    """
    raise NotImplementedError


TOKENS = torch.tensor([[3, 7, 4, 11, 5, 9]])


def observe(answer, case: Case) -> dict:
    """Wrap a fresh model; describe what trains in it, how it starts and what its adapters do."""
    inputs, rank = case.inputs, case.inputs["rank"]
    model = tiny_llama(inputs["seed"], inputs["tied"])
    layers = {name: module.weight.shape for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    wanted = {name: shape for name, shape in layers.items() if name.rpartition(".")[2] in inputs["names"]}
    before = _logits(model)
    arguments = {"model": model, "names": inputs["names"], "rank": rank, "alpha": inputs["alpha"]}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(inputs["seed"])
        trainable = observe_call(answer, Case(case.group, arguments))
    places = _trainable(model, layers)
    shapes = {place: sorted(tuple(p.shape) for p in parameters) for place, parameters in places.items()}
    training = {place: str(shapes[place]) for place in sorted(shapes)}
    if shapes != {place: sorted([(rank, d_in), (d_out, rank)]) for place, (d_out, d_in) in wanted.items()}:
        # What the adapters do cannot be told. The form stays comparable, so that the shapes are what is reported.
        return _seen(trainable, training, False, 0, torch.zeros_like(before), torch.zeros(2 * len(wanted)))
    # No dimension of the model equals the rank, so shapes tell A from B.
    factors = [p for place in wanted for p in sorted(places[place], key=lambda p: p.shape[0] != rank)]
    unchanged = torch.allclose(_logits(model), before, rtol=1e-4, atol=1e-4)
    moved = int(_gradient_norms(model, factors[1::2], inputs["seed"]).count_nonzero())
    _fill(factors, inputs["seed"])
    norms = _gradient_norms(model, factors, inputs["seed"])
    return _seen(trainable, training, unchanged, moved, _logits(model), norms)


def _seen(trainable: int, training: dict, unchanged: bool, moved: int, logits: Tensor, norms: Tensor) -> dict:
    return {
        "trainable numbers": trainable,
        "shapes that train": training,
        "starts as the base model": unchanged,
        "adapters that the first step moves": moved,
        "logits once A and B are set": logits,
        "norms of the gradients by A and B": norms,
    }


def _logits(model: nn.Module) -> Tensor:
    with torch.no_grad():
        return model(input_ids=TOKENS).logits


def _trainable(model: nn.Module, layers: dict[str, torch.Size]) -> dict[str, list[nn.Parameter]]:
    """Group what trains by the linear layer of the original model below whose name it stands."""
    places: dict[str, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            place = next((layer for layer in layers if name.startswith(f"{layer}.")), name)
            places.setdefault(place, []).append(parameter)
    return places


def _fill(factors: list[nn.Parameter], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for factor in factors:
            factor.copy_(torch.randn(factor.shape, generator=generator) / factor.shape[1] ** 0.5)


def _gradient_norms(model: nn.Module, parameters: list[nn.Parameter], seed: int) -> Tensor:
    """Differentiate a fixed mixture of the logits; a parameter that it does not reach counts as zero."""
    probe = torch.randn(1, TOKENS.shape[1], VOCABULARY, generator=torch.Generator().manual_seed(seed + 2))
    loss = (model(input_ids=TOKENS).logits * probe).mean()
    if not loss.requires_grad:
        return torch.zeros(len(parameters))
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    return torch.stack([torch.zeros(()) if gradient is None else gradient.norm() for gradient in found])


EXAMPLES = [
    case("queries and values", seed=1, tied=False, names=["q_proj", "v_proj", "head"], rank=3, alpha=9.0),
    case("the head too", seed=3, tied=False, names=["o_proj", "lm_head"], rank=7, alpha=3.5),
    case("tied embeddings", seed=2, tied=True, names=["k_proj", "up_proj", "down_proj"], rank=5, alpha=4.0),
]
