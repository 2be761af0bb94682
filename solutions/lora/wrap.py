"""Answer to lora.wrap."""

import torch
from torch import nn
from torch.nn.functional import linear

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Freeze the whole model first. Only then add the new parameters, which train because they are new.",
    "Write a module that holds the old layer, A and B. model.get_submodule finds the parent in which setattr puts it.",
    "Walk over list(model.named_modules()). Take the sizes of A and B from each layer's in_features and out_features, "
    "and at the end sum numel() over the parameters that require a gradient.",
)


class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base, self.scale = base, alpha / rank
        self.A = nn.Parameter((2 * torch.rand(rank, base.in_features) - 1) / base.in_features**0.5)
        self.B = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x):
        return self.base(x) + self.scale * linear(linear(x, self.A), self.B)


def wrap(model, names, rank, alpha):
    model.requires_grad_(False)
    for name, layer in list(model.named_modules()):
        parent, _, last = name.rpartition(".")
        if isinstance(layer, nn.Linear) and last in names:
            setattr(model.get_submodule(parent), last, LoRALinear(layer, rank, alpha))
    return _trainable(model)


def _trainable(model):
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def cases(rng):
    def draw(group, names, rank, alpha, tied=False):
        seed = int(torch.randint(10, 10**6, (), generator=rng))
        return case(group, seed=seed, tied=tied, names=names, rank=rank, alpha=alpha)

    yield draw("queries and values", ["q_proj", "v_proj", "head"], 5, 2.0)
    every = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    yield draw("every projection", every, 3, 12.0)
    yield draw("the head too", ["o_proj", "lm_head", "k_proj"], 7, 3.0)
    yield draw("tied embeddings", ["down_proj", "v_proj"], 3, 5.0, tied=True)


def _each(model, names):
    for name, layer in list(model.named_modules()):
        if isinstance(layer, nn.Linear) and name.split(".")[-1] in names:
            yield model.get_submodule(name.rpartition(".")[0]), name.split(".")[-1], layer


@right
def two_linear_layers_and_a_hook(model, names, rank, alpha):
    for parameter in model.parameters():
        parameter.requires_grad = False
    total = 0
    for _, _, layer in _each(model, names):
        layer.down = nn.Linear(layer.in_features, rank, bias=False)
        layer.up = nn.Linear(rank, layer.out_features, bias=False)
        nn.init.zeros_(layer.up.weight)
        layer.register_forward_hook(lambda this, args, out: out + alpha / rank * this.up(this.down(args[0])))
        total += rank * (layer.in_features + layer.out_features)
    return total


class _Update(nn.Module):
    def __init__(self, d_out, d_in, rank, alpha):
        super().__init__()
        self.B, self.A = nn.Parameter(torch.zeros(d_out, rank)), nn.Parameter(torch.randn(rank, d_in) / rank)
        self.scale = alpha / rank

    def forward(self, W):
        return W + self.scale * self.B @ self.A


@right
def parametrised_weight(model, names, rank, alpha):
    model.requires_grad_(False)
    for _, _, layer in _each(model, names):
        nn.utils.parametrize.register_parametrization(layer, "weight", _Update(*layer.weight.shape, rank, alpha))
    return _trainable(model)


class _Subclass(nn.Linear):
    def forward(self, x):
        return super().forward(x) + torch.einsum("or,ri,...i->...o", self.B, self.A, x) * self.scale


@right
def subclass_that_shares_the_weight(model, names, rank, alpha):
    for parent, last, layer in _each(model, names):
        new = _Subclass(layer.in_features, layer.out_features, bias=layer.bias is not None)
        new.weight, new.bias, new.scale = layer.weight, layer.bias, alpha / rank
        new.A = nn.Parameter(nn.init.kaiming_uniform_(torch.empty(rank, layer.in_features)))
        new.B = nn.Parameter(torch.zeros(layer.out_features, rank))
        setattr(parent, last, new)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.endswith((".A", ".B")))
    return _trainable(model)


@second_source("peft 0.21: inject_adapter_in_model")
def peft_model(model, names, rank, alpha):
    from peft import LoraConfig, inject_adapter_in_model

    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=alpha, target_modules=names), model)
    return _trainable(model)


def _inject(model, names, rank, alpha, kind=LoRALinear):
    for parent, last, layer in _each(model, names):
        setattr(parent, last, kind(layer, rank, alpha))


def _adapted(model):
    return [module for module in model.modules() if isinstance(module, LoRALinear)]


@wrong
def LeavesTheBaseTraining(model, names, rank, alpha):
    """Parameters outside the adapters still train: embeddings, norms, other layers. Freeze the whole model first."""
    _inject(model, names, rank, alpha)
    return _trainable(model)


@wrong
def FreezesOnlyTheWrappedLayers(model, names, rank, alpha):
    """Parameters outside the adapters still train: embeddings, norms, other layers. Only wrapped ones were frozen."""
    for _, _, layer in _each(model, names):
        layer.requires_grad_(False)
    _inject(model, names, rank, alpha)
    return _trainable(model)


@wrong
def FreezesOnlyWeights(model, names, rank, alpha):
    """Parameters outside the adapters still train: the biases. Freeze all of the base, whatever its name."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.endswith("weight"))
    _inject(model, names, rank, alpha)
    return _trainable(model)


@wrong
def FreezesTheAdaptersToo(model, names, rank, alpha):
    """Nothing trains: no layer matched by the last part of its name, or the adapters were frozen with the rest."""
    _inject(model, names, rank, alpha)
    model.requires_grad_(False)
    return _trainable(model)


@wrong
def CountsEverything(model, names, rank, alpha):
    """The count includes frozen parameters: only those that require a gradient train."""
    wrap(model, names, rank, alpha)
    return sum(p.numel() for p in model.parameters())


@wrong
def AssumesSquareLayers(model, names, rank, alpha):
    """A and B were given the hidden size. k_proj and v_proj are smaller, the MLP is wider: ask each layer."""
    wrap(model, names, rank, alpha)
    for layer in _adapted(model):
        layer.A = nn.Parameter(torch.zeros(rank, model.config.hidden_size))
        layer.B = nn.Parameter(torch.zeros(model.config.hidden_size, rank))
    return _trainable(model)


@wrong
def WrapsOneLayerOfEachName(model, names, rank, alpha):
    """Only the first layer of each name was wrapped: the model has one in every block."""
    model.requires_grad_(False)
    done = set()
    for parent, last, layer in _each(model, names):
        if last not in done:
            setattr(parent, last, LoRALinear(layer, rank, alpha))
        done.add(last)
    return _trainable(model)


@wrong
def ForgetsScale(model, names, rank, alpha):
    """The update is added unscaled: multiply it by alpha / rank."""
    return wrap(model, names, rank, rank)


@wrong
def ScalesByAlphaAlone(model, names, rank, alpha):
    """The scale is alpha divided by the rank, not alpha itself."""
    return wrap(model, names, rank, alpha * rank)


@wrong
def StartsBothRandom(model, names, rank, alpha):
    """The wrapped model does not start as the base model: B must be zero."""
    trainable = wrap(model, names, rank, alpha)
    for layer in _adapted(model):
        nn.init.normal_(layer.B, std=0.3)
    return trainable


@wrong
def StartsBothAtZero(model, names, rank, alpha):
    """A and B both start at zero, so no gradient reaches either and nothing is ever learned."""
    trainable = wrap(model, names, rank, alpha)
    for layer in _adapted(model):
        nn.init.zeros_(layer.A)
    return trainable


class _WithoutBias(LoRALinear):
    def forward(self, x):
        return linear(x, self.base.weight) + self.scale * linear(linear(x, self.A), self.B)


@wrong
def DropsTheBias(model, names, rank, alpha):
    """The wrapped layers lost their bias: let the old layer compute its own output."""
    model.requires_grad_(False)
    _inject(model, names, rank, alpha, _WithoutBias)
    return _trainable(model)


class _Detached(LoRALinear):
    def forward(self, x):
        with torch.no_grad():
            base = self.base(x)
        return base + self.scale * linear(linear(x, self.A), self.B)


@wrong
def CutsTheGradient(model, names, rank, alpha):
    """Gradients stop at the base layer. It is frozen, but earlier adapters learn through it: do not detach it."""
    model.requires_grad_(False)
    _inject(model, names, rank, alpha, _Detached)
    return _trainable(model)


@wrong
def MatchesPartsOfNames(model, names, rank, alpha):
    """Layers were wrapped whose name merely contains a given one: compare the whole last part of the dotted name."""
    model.requires_grad_(False)
    for name, layer in list(model.named_modules()):
        if isinstance(layer, nn.Linear) and any(part in name for part in names):
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, LoRALinear(layer, rank, alpha))
    return _trainable(model)


class _TwoLinears(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base, self.scale = base, alpha / rank
        self.A, self.B = nn.Linear(base.in_features, rank), nn.Linear(rank, base.out_features)
        nn.init.zeros_(self.B.weight)

    def forward(self, x):
        return self.base(x) + self.scale * self.B(self.A(x))


@wrong
def GivesAdaptersABias(model, names, rank, alpha):
    """The adapters have a bias of their own: an update is A and B alone, so build their layers with bias=False."""
    model.requires_grad_(False)
    _inject(model, names, rank, alpha, _TwoLinears)
    return _trainable(model)


class _WithAShift(LoRALinear):
    def __init__(self, base, rank, alpha):
        super().__init__(base, rank, alpha)
        self.shift = nn.Parameter(torch.zeros(base.out_features))

    def forward(self, x):
        return super().forward(x) + self.shift


@wrong
def GivesBABias(model, names, rank, alpha):
    """B has a bias of its own: an update is A and B alone, so build both with bias=False."""
    model.requires_grad_(False)
    _inject(model, names, rank, alpha, _WithAShift)
    return _trainable(model)


def _numbers_of_adapters(model, names, rank):
    return sum(rank * sum(layer.weight.shape) for _, _, layer in _each(model, names))


@wrong
def CountsOnTrustUnfrozen(model, names, rank, alpha):
    """Parameters outside the adapters still train: embeddings, norms, other layers. Your count leaves them out."""
    trainable = _numbers_of_adapters(model, names, rank)
    _inject(model, names, rank, alpha)
    return trainable


@wrong
def CountsOnTrustPartlyFrozen(model, names, rank, alpha):
    """Parameters outside the adapters still train: embeddings, norms, other layers. Only wrapped ones were frozen."""
    trainable = _numbers_of_adapters(model, names, rank)
    FreezesOnlyTheWrappedLayers(model, names, rank, alpha)
    return trainable
