"""Stacked networks do what single ones would, and the digits come in one order for every lab."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from course.common import stacks

SIZES = (64, 12, 9, 10)


@pytest.fixture
def stack():
    W, b = stacks.kaiming(3, SIZES, torch.Generator().manual_seed(0))
    return W, [bias + torch.linspace(-1, 1, bias.shape[1]) for bias in b]


def single(W, b, net):
    """The network of that number, made of torch.nn.Linear."""
    layers = []
    for weight, bias in zip(W, b, strict=True):
        layer = nn.Linear(*weight.shape[:0:-1])
        layer.weight.data, layer.bias.data = weight[net].clone(), bias[net].clone()
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def test_the_digits_are_whole_and_in_an_order_of_their_own():
    x, y = stacks.digits()
    assert x.shape == (1797, 64)
    assert (x.min(), x.max()) == (0, 1)
    assert len(x.unique(dim=0)) > 1790
    assert min(y[: stacks.TRAIN].bincount().min(), 2 * y[stacks.TRAIN :].bincount().min()) > 90
    assert all(torch.equal(one, other) for one, other in zip((x, y), stacks.digits(), strict=True))


def test_kaiming_draws_variance_2_over_d_in():
    W, b = stacks.kaiming(20, (64, 100, 10), torch.Generator().manual_seed(1))
    assert [w.shape for w in W] == [(20, 100, 64), (20, 10, 100)]
    assert [float(w.var()) for w in W] == pytest.approx([2 / 64, 2 / 100], rel=0.03)
    assert not any(bias.any() for bias in b)


def test_a_stack_computes_what_its_networks_compute(stack):
    W, b = stack
    x = torch.randn(3, 5, 64)
    one_by_one = torch.stack([single(W, b, net)(x[net]) for net in range(3)])
    torch.testing.assert_close(stacks.mlp(x, W, b), one_by_one)
    torch.testing.assert_close(stacks.mlp(x[1], W, b)[1], one_by_one[1])


@pytest.mark.parametrize("momentum", [None, 0.9])
@pytest.mark.parametrize("cosine", [False, True])
def test_a_stack_trains_as_its_networks_would(stack, momentum, cosine):
    W, b = ([part.clone().requires_grad_() for part in kind] for kind in stack)
    x, y = stacks.digits()
    chosen = torch.randint(stacks.TRAIN, (6, 3, 16), generator=torch.Generator().manual_seed(2))

    def loss(step):
        return 3 * cross_entropy(stacks.mlp(x[chosen[step]], W, b).flatten(0, 1), y[chosen[step]].flatten())

    stacks.train([*W, *b], loss, 6, 0.02, momentum=momentum, cosine=cosine)
    net = single(*stack, 1)
    optimiser = torch.optim.Adam(net.parameters(), 0.02)
    if momentum is not None:
        optimiser = torch.optim.SGD(net.parameters(), 0.02, momentum)
    for step in range(6):
        if cosine:
            optimiser.param_groups[0]["lr"] = 0.01 * (1 + torch.tensor(torch.pi * step / 6).cos().item())
        optimiser.zero_grad()
        cross_entropy(net(x[chosen[step, 1]]), y[chosen[step, 1]]).backward()
        optimiser.step()
    trained = [part.detach()[1] for pair in zip(W, b, strict=True) for part in pair]
    torch.testing.assert_close(trained, [part.detach() for part in net.parameters()], rtol=1e-3, atol=1e-5)


def test_after_each_step_the_caller_may_change_the_parameters(stack):
    W = [part.clone().requires_grad_() for part in stack[0]]
    x, done = torch.randn(3, 4, 64), []

    def hold(step):
        done.append(step)
        W[0][:, 0] = 0

    stacks.train(W, lambda step: stacks.mlp(x, W, stack[1]).square().sum(), 3, 0.1, after=hold)
    assert done == [1, 2, 3]
    assert not W[0][:, 0].any()
    assert W[0][:, 1:].all()


def test_accuracy_is_a_percentage_of_each_network():
    logits = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]]])
    assert stacks.accuracy(logits, torch.tensor([0, 1])).tolist() == [100, 50]
    assert stacks.accuracy(logits, torch.tensor([[1, 1], [0, 0]])).tolist() == [50, 100]
