"""Answer to distillation.pseudo_corpus."""

from itertools import takewhile

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "Take one prompt and write down the whole list that the teacher returns. Which part of it is the output?",
    "Cut the prompt off by its length, whatever it holds. Only in what is left look for the first eos.",
    "text = generate(prompt)[len(prompt):]; if eos in text, append (prompt, text[: text.index(eos) + 1]).",
)


def pseudo_corpus(generate, prompts, references, eos):
    pairs = []
    for prompt in prompts:
        text = generate(prompt)[len(prompt) :]
        if eos in text:
            pairs.append((prompt, text[: text.index(eos) + 1]))
    return pairs


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def tokens(low, high):
        return torch.randint(5, 40, (draw(low, high),), generator=rng).tolist()

    def made(group, count, eos, pads, separator=False, cut=(), repeated=False):
        prompts = [[40 + i, *tokens(1, 5)] for i in range(count)]
        if separator:
            prompts = [[*prompt[:1], eos, *prompt[1:]] for prompt in prompts]
        references = [[*tokens(1, 5), eos] for _ in range(count)]
        outputs = []
        for i in range(count):
            padding = [pads[i % len(pads)]] * draw(1, 4)
            # No reference holds a 3, so no output equals one.
            outputs.append([*tokens(1, 5), 3, *([4] * draw(2, 4) if i in cut else [eos, *padding])])
        if repeated:
            prompts, references, outputs = prompts + prompts[:1], references + references[1:2], outputs + outputs[:1]
        return case(group, prompts=prompts, references=references, outputs=outputs, eos=eos)

    yield made("padding behind the end", draw(3, 6), eos=1, pads=[0])
    yield made("padding behind the end", draw(3, 6), eos=2, pads=[2, 0])
    yield made("the end token in a prompt", draw(3, 5), eos=1, pads=[0, 1], separator=True)
    yield made("an output that was cut off", draw(4, 6), eos=2, pads=[2, 0, 1], cut=(draw(0, 2), 3))
    yield made("a prompt that comes twice", draw(2, 5), eos=1, pads=[0], repeated=True)
    yield made("all at once", 5, eos=1, pads=[1, 0], separator=True, cut=(draw(1, 4),), repeated=True)
    yield made("nothing but outputs that were cut off", 2, eos=1, pads=[0], cut=(0, 1))


@right
def tokens_one_by_one(generate, prompts, references, eos):
    pairs = []
    for prompt in prompts:
        output = []
        for position, token in enumerate(generate(list(prompt))):
            if position < len(prompt):
                continue
            output.append(token)
            if token == eos:
                pairs.append((list(prompt), output))
                break
    return pairs


@right
def with_takewhile(generate, prompts, references, eos):
    texts = [generate(prompt)[len(prompt) :] for prompt in prompts]
    starts = [list(takewhile(lambda token: token != eos, text)) for text in texts]
    together = zip(prompts, texts, starts, strict=True)
    return [(prompt, [*start, eos]) for prompt, text, start in together if len(start) < len(text)]


@right
def with_tensors_and_one_call_for_each_prompt(generate, prompts, references, eos):
    written = {}
    for prompt in prompts:
        if tuple(prompt) not in written:
            written[tuple(prompt)] = torch.tensor(generate(prompt))
    pairs = []
    for prompt in prompts:
        text = written[tuple(prompt)][len(prompt) :]
        ends = (text == eos).nonzero().flatten()
        if len(ends):
            pairs.append((prompt, text[: int(ends[0]) + 1].tolist()))
    return pairs


def _ended(text, eos):
    """The text up to and with its first eos; all of it where there is none."""
    return text[: text.index(eos) + 1] if eos in text else text


def _texts(generate, prompts):
    return [(prompt, generate(prompt)[len(prompt) :]) for prompt in prompts]


@wrong
def TrainsOnTheReferences(generate, prompts, references, eos):
    """The references came back, and the teacher was asked for nothing: its outputs take their place."""
    return list(zip(prompts, references, strict=True))


@wrong
def MixesTheReferencesIn(generate, prompts, references, eos):
    """The references came along with the teacher's outputs: there is one pair for each prompt, the teacher's."""
    return pseudo_corpus(generate, prompts, references, eos) + list(zip(prompts, references, strict=True))


@wrong
def ShowsTheReference(generate, prompts, references, eos):
    """The teacher saw the reference behind the prompt. It writes its own output from the prompt alone."""
    pairs = []
    for prompt, reference in zip(prompts, references, strict=True):
        text = generate(prompt + reference)[len(prompt) + len(reference) :]
        pairs.append((prompt, _ended(text, eos)))
    return pairs


@wrong
def FallsBackOnTheReference(generate, prompts, references, eos):
    """Where the teacher was cut off, the reference stood in for its output: leave such a pair out."""
    together = zip(_texts(generate, prompts), references, strict=True)
    return [(prompt, _ended(text, eos) if eos in text else reference) for (prompt, text), reference in together]


@wrong
def KeepsThePrompt(generate, prompts, references, eos):
    """The outputs begin with the prompt: the teacher returns it in front of what it wrote. Cut it off."""
    return [(p, p + _ended(text, eos)) for p, text in _texts(generate, prompts) if eos in text]


@wrong
def KeepsThePadding(generate, prompts, references, eos):
    """The outputs hold padding: they end with the first eos that the teacher wrote."""
    return [(prompt, text) for prompt, text in _texts(generate, prompts) if eos in text]


@wrong
def StopsAtTheLastEnd(generate, prompts, references, eos):
    """Padding may be made of eos, too: an output ends with the first one, not with the last."""
    pairs = [(prompt, text) for prompt, text in _texts(generate, prompts) if eos in text]
    return [(prompt, text[: len(text) - text[::-1].index(eos)]) for prompt, text in pairs]


@wrong
def DropsTheEnd(generate, prompts, references, eos):
    """The outputs lack their eos: it belongs to them, and without it the student never learns to stop."""
    return [(prompt, text[: text.index(eos)]) for prompt, text in _texts(generate, prompts) if eos in text]


@wrong
def KeepsWhatWasCutOff(generate, prompts, references, eos):
    """Outputs without an eos were kept. They were cut off, so the student would learn to stop nowhere."""
    return [(prompt, _ended(text, eos)) for prompt, text in _texts(generate, prompts)]


@wrong
def ExpectsAnEndAlways(generate, prompts, references, eos):
    """list.index raises where no eos was written. Such an output was cut off: look first, and leave its pair out."""
    return [(prompt, text[: text.index(eos) + 1]) for prompt, text in _texts(generate, prompts)]


@wrong
def EndsWhatWasCutOff(generate, prompts, references, eos):
    """Outputs that were cut off got an eos, so the student would learn to stop in the middle: leave them out."""
    return [(p, _ended(text, eos) if eos in text else [*text, eos]) for p, text in _texts(generate, prompts)]


@wrong
def FindsTheEndInThePrompt(generate, prompts, references, eos):
    """The first eos was looked for in the whole text, and a prompt may hold one: cut the prompt off first."""
    pairs = []
    for prompt in prompts:
        text = generate(prompt)
        if eos in text:
            pairs.append((prompt, _ended(text, eos)[len(prompt) :]))
    return pairs


@wrong
def DropsRepeatedPrompts(generate, prompts, references, eos):
    """A prompt that comes twice gave one pair: every prompt of the list gives one, so that the proportions stay."""
    once = [list(prompt) for prompt in dict.fromkeys(map(tuple, prompts))]
    return pseudo_corpus(generate, once, references, eos)


@wrong
def ReturnsOutputsAlone(generate, prompts, references, eos):
    """The prompts are missing: each pair holds the prompt and the output."""
    return [output for _, output in pseudo_corpus(generate, prompts, references, eos)]


@wrong
def ShowsAndKeepsTheReference(generate, prompts, references, eos):
    """The teacher saw the reference behind the prompt, and it came back as the output. It writes its own output from
    the prompt alone."""
    together = zip(prompts, references, strict=True)
    return [(prompt, _ended(generate(prompt + own)[len(prompt) :], eos)) for prompt, own in together]


@wrong
def PutsTheOutputIntoThePrompt(generate, prompts, references, eos):
    """The first of a pair holds the output, too: it is the prompt alone."""
    return [(prompt + output, output) for prompt, output in pseudo_corpus(generate, prompts, references, eos)]
