"""Answer to pruning.effective."""

from itertools import pairwise

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Walk from the inputs first. Which neurons of the next layer does something of the input reach?",
    "If `reached` marks them before a layer, (mask & reached).any(1) marks them after it. Keep them for every layer; "
    "then walk back from the outputs in the same way.",
    "Walking back, (mask & useful[:, None]).any(0) marks the neurons before a layer. A weight counts where its mask, "
    "`reached` of its column and `useful` of its row are all True.",
)


def effective(masks):
    reached, useful = _reached(masks), _useful(masks)
    return [mask & before & after[:, None] for mask, before, after in zip(masks, reached, useful, strict=True)]


def _reached(masks):
    """Mark, before each layer, the neurons to which a path leads from an input."""
    found = [torch.ones(masks[0].shape[1], dtype=torch.bool)]
    for mask in masks[:-1]:
        found.append((mask & found[-1]).any(1))
    return found


def _useful(masks):
    """Mark, after each layer, the neurons from which a path leads to an output."""
    found = [torch.ones(len(masks[-1]), dtype=torch.bool)]
    for mask in masks[:0:-1]:
        found.append((mask & found[-1][:, None]).any(0))
    return found[::-1]


def cases(rng):
    def draw(group, sizes, density):
        shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
        return case(group, masks=[torch.rand(shape, generator=rng) < density for shape in shapes])

    def telling(group, sizes, density):
        """Draw until two steps forward and two steps back find more than one does."""
        while True:
            drawn = draw(group, sizes, density)
            masks = drawn.inputs["masks"]
            results = [_flat(answer(masks)) for answer in (effective, LooksOneLayerAhead, WalksForwardOnly)]
            results += [_flat(WalksBackOnly(masks)), _flat(masks)]
            if len(set(results)) == len(results) and any(results[0]):
                return drawn

    yield telling("some weights lead nowhere", [5, 7, 6, 4, 3], 0.25)
    yield telling("some weights lead nowhere", [4, 6, 5, 7, 4, 5], 0.28)
    yield telling("square layers", [5, 5, 5, 5], 0.25)
    lost = draw("a layer has collapsed", [4, 3, 5, 6], 0.6)
    place = int(torch.randint(0, 3, (), generator=rng))
    masks = [mask & (i != place) for i, mask in enumerate(lost.inputs["masks"])]
    masks[place - 1][0, 0] = True
    yield case(lost.group, masks=masks)
    # What the first layer reaches, the second does not use.
    halves = torch.randperm(6, generator=rng) < 3
    first, second = (torch.rand(shape, generator=rng) < 0.7 for shape in ((6, 4), (3, 6)))
    first[halves], second[:, ~halves] = False, False
    first[~halves, 0] = second[0, halves] = True
    yield case("no path goes through", masks=[first, second, torch.rand(4, 3, generator=rng) < 0.9])
    dense = [torch.full((4, 3), True), torch.full((2, 4), True)]
    dense[0][int(torch.randint(0, 4, (), generator=rng))] = False
    yield case("one neuron gets no input", masks=dense)


def _flat(masks):
    return tuple(torch.cat([mask.flatten() for mask in masks]).tolist())


@right
def numbers_of_paths(masks):
    forward = [torch.ones(masks[0].shape[1], dtype=torch.float64)]
    for mask in masks[:-1]:
        forward.append(mask.double() @ forward[-1])
    back, paths = torch.ones(len(masks[-1]), dtype=torch.float64), []
    for mask, before in zip(masks[::-1], forward[::-1], strict=True):
        paths.append(mask * torch.outer(back, before) > 0)
        back = back @ mask.double()
    return paths[::-1]


@right
def removing_until_nothing_changes(masks):
    masks = [mask.clone() for mask in masks]
    before = -1
    while before != sum(int(mask.sum()) for mask in masks):
        before = sum(int(mask.sum()) for mask in masks)
        for first, second in pairwise(masks):
            first &= second.any(0)[:, None]
            second &= first.any(1)
    return masks


@second_source("networkx 3: ancestors and descendants")
def networkx_paths(masks):
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_edges_from(("inputs", (0, i)) for i in range(masks[0].shape[1]))
    for layer, mask in enumerate(masks):
        graph.add_edges_from(((layer, i), (layer + 1, j)) for j, i in mask.nonzero().tolist())
    graph.add_edges_from(((len(masks), j), "outputs") for j in range(len(masks[-1])))
    alive = nx.descendants(graph, "inputs") & nx.ancestors(graph, "outputs")
    found = [torch.zeros_like(mask) for mask in masks]
    for layer, mask in enumerate(masks):
        for j, i in mask.nonzero().tolist():
            found[layer][j, i] = (layer, i) in alive and (layer + 1, j) in alive
    return found


@second_source("autograd: gradients of a linear network whose weights are the masks, as in SynFlow")
def autograd_synflow(masks):
    weights = [mask.double().requires_grad_() for mask in masks]
    h = torch.ones(masks[0].shape[1], dtype=torch.float64)
    for W in weights:
        h = W @ h
    slopes = torch.autograd.grad(h.sum(), weights)
    return [(slope * W > 0).detach() for slope, W in zip(slopes, weights, strict=True)]


@wrong
def CountsAllThatIsKept(masks):
    """That is what is kept. A kept weight does nothing where no path from an input to an output goes through it."""
    return list(masks)


@wrong
def WalksForwardOnly(masks):
    """Weights were found that no input reaches, but not those that reach no output: walk back, too."""
    return [mask & before for mask, before in zip(masks, _reached(masks), strict=True)]


@wrong
def WalksBackOnly(masks):
    """Weights were found that reach no output, but not those that no input reaches: walk forward, too."""
    return [mask & after[:, None] for mask, after in zip(masks, _useful(masks), strict=True)]


@wrong
def LooksOneLayerAhead(masks):
    """Only the neighbouring layers were looked at. A weight that goes leaves others without a path: follow them."""
    found = [mask.clone() for mask in masks]
    for i, mask in enumerate(found):
        if i > 0:
            mask &= masks[i - 1].any(1)
        if i + 1 < len(masks):
            mask &= masks[i + 1].any(0)[:, None]
    return found


@wrong
def LooksForCollapseOnly(masks):
    """Only a layer that lost everything was looked for. Single weights lose their paths long before."""
    alive = all(bool(mask.any()) for mask in masks)
    return [mask & alive for mask in masks]


@wrong
def WantsEveryInput(masks):
    """A neuron counted only when all its kept weights were alive. One path to it is enough."""
    before, found = torch.ones(masks[0].shape[1], dtype=torch.bool), []
    for mask, after in zip(masks, _useful(masks), strict=True):
        found.append(mask & before & after[:, None])
        before = mask.any(1) & (~mask | before).all(1)
    return found


@wrong
def MarksNeuronsNotWeights(masks):
    """Weights between two living neurons were marked although they were pruned. Only kept weights count."""
    pairs = zip(_reached([*masks, masks[-1].T]), _useful([masks[0].T, *masks]), strict=True)
    reached, useful = zip(*pairs, strict=True)
    alive = [a & b for a, b in zip(reached, useful, strict=True)]
    return [torch.outer(after, before) for before, after in pairwise(alive)]


@wrong
def InvertsTheMasks(masks):
    """The masks are upside down: True marks a weight that is on a path."""
    return [~mask for mask in effective(masks)]


@wrong
def MarksTheDeadOnes(masks):
    """The kept weights without a path were marked: mark those with one."""
    return [mask & ~alive for mask, alive in zip(masks, effective(masks), strict=True)]
