"""Do the experiments of the lab on chain of thought show what its text says?"""

from __future__ import annotations

from itertools import pairwise

import matplotlib
import matplotlib.pyplot as plt
import pytest
import torch

from autograder.course import Course
from course.chain_of_thought import reasoning, sampling, study, widgets
from tests import foreign
from tests.conftest import ROOT

matplotlib.use("Agg")

NAMES = (
    "run", "serial_depth", "exemplars", "two_stage", "extract", "floor", "filler", "filter_logits", "vote", "solve",
    "majority", "first_error", "corrupt", "faithfulness",
)  # fmt: skip
(
    RUN, DEPTH, EXEMPLARS, TWO_STAGE, EXTRACT, FLOOR, FILLER, FILTER, VOTE, SOLVE, MAJORITY, FIRST_ERROR, CORRUPT,
    FAITHFULNESS,
) = (Course.at(ROOT).exercise(f"chain_of_thought.{name}").answer.reference for name in NAMES)  # fmt: skip
STYLES = {
    "at once": lambda c: f"Q: {c.question}\nA:",
    "leaky dots": lambda c: f"Q: {c.question}\nDots: {FILLER(c.steps, ' ', '.')}\nA:",
    "dots": lambda c: f"Q: {c.question}\nDots: {'...' * len(c.steps)}\nA:",
    "steps": lambda c: EXEMPLARS([], c.question),
}
ITEMS = 40


@pytest.fixture(autouse=True)
def no_figure_is_left():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def small():
    return study.subject("small", ITEMS)


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def stranger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    return study.subject(foreign.save(request.param, tmp_path_factory.mktemp(request.param)), 3)


# Chains


def test_a_question_is_read_as_it_was_made(small):
    for c in study.chains(small, RUN, 8):
        assert study.parse(c.question) == (c.start, c.ops)
        assert RUN(c.start, c.ops, 100) == [c.start, *c.steps]
        assert c.ops[-1][0] != "square"
    one, other = (study.chains(small, RUN, 4, name=name) for name in ("one", "other"))
    assert one == study.chains(small, RUN, 4, name="one") != other


def test_chains_can_be_guessed_the_better_the_more_operations_are_known(small):
    """Measured: .04 with the last operation, .26 with all eight, the start unknown."""

    def blind(c: study.Chain, last: int) -> int:
        return study.commonest(RUN(value, c.ops[-last:], 100)[-1] for value in range(100))

    drawn = study.chains(small, RUN, 8, 200, "guess")
    one, four, eight = (study.right([blind(c, last) for c in drawn], drawn).share for last in (1, 4, 8))
    assert one < 0.15
    assert one < four < eight
    assert 0.18 < eight < 0.35


def test_a_guesser_that_knows_the_last_operation_is_no_better_than_one_in_ten(small, monkeypatch):
    monkeypatch.setattr(study, "TRAIN", 1500)
    floors = study.guessing(small, RUN, FLOOR, (1, 8))
    assert floors[1].share < 0.03
    assert floors[8].share < 0.1


# What the model does


@pytest.mark.slow
def test_steps_pay_and_dots_do_not(small):
    """Measured with 1000 chains of 6 steps: at once .141, with steps 1.000."""
    curves = study.accuracy(small, STYLES, RUN, EXTRACT, (1, 6))
    assert all(curve[1].share > 0.75 for curve in curves.values())
    assert curves["steps"][6].share == 1
    assert all(curves[style][6].share < 0.4 for style in ("at once", "leaky dots", "dots"))
    assert "1.000 [0.912, 1.000]" in study.table(curves)
    ax = study.plot(curves, "steps", "title").axes[0]
    assert (ax.get_xlabel(), "95% Wilson" in ax.get_title(), len(ax.containers)) == ("steps", True, 4)


@pytest.mark.slow
def test_the_number_of_dots_tells_the_model_how_long_the_answer_is(small):
    """Measured with 400 chains: .01 of the answers have one digit after 17 dots, .39 after 14."""
    drawn = study.chains(small, RUN, 6, 60)
    prompts = {dots: [f"Q: {c.question}\nDots: {'.' * dots}\nA:" for c in drawn] for dots in (14, 17)}
    short = {dots: sum(a < 10 for a in study.answers(small, own, EXTRACT)) for dots, own in prompts.items()}
    assert short[17] <= 5 < 12 <= short[14]


@pytest.mark.slow
def test_what_is_shown_decides_the_form_and_the_form_decides_the_rest(small):
    drawn = study.chains(small, RUN, 6, 20)
    shown = [(c.question, c.steps) for c in study.chains(small, RUN, 2, 2, "shown")]
    answers = "".join(f"Q: {question}\nA: {steps[-1]}\n\n" for question, steps in shown)
    for above, begins, right in (("", "Steps:", 20), (EXEMPLARS(shown, ""), "Steps:", 20), (answers, "A:", None)):
        prompts = [above.removesuffix("Q: \nSteps:") + f"Q: {c.question}\n" for c in drawn]
        texts = small.complete(prompts, study.room(6), stop="\n\n")
        assert all(text.startswith(begins) for text in texts)
        hits = study.right([EXTRACT(text, "A:") for text in texts], drawn).hits
        assert hits == right if right else hits < 8


@pytest.mark.slow
def test_the_trigger_of_the_paper_does_nothing_here(small):
    drawn = study.chains(small, RUN, 4, 20)
    cue = "Therefore, the answer (arabic numerals) is"
    words = "Let's think step by step."
    measured, example = study.two_calls(small, drawn, lambda q, r: TWO_STAGE(q, words, r, cue), cue, EXTRACT)
    assert measured.hits == 0
    assert words in example
    measured, example = study.two_calls(
        small, drawn, lambda q, r: (f"Q: {q}\nSteps:", f"Q: {q}\nSteps:{r}\nA:"), "A:", EXTRACT
    )
    assert measured.hits == 20
    assert example.endswith(f"\nA: {drawn[-1].answer}")


def test_dots_and_steps_are_equal_work_of_unequal_depth(small):
    example = study.Chain("start 17; plus 12; times 2", 17, [("plus", 12), ("times", 2)], [29, 58])
    lines = study.cost(small, {name: STYLES[name] for name in ("at once", "dots", "steps")}, example, DEPTH).split("\n")
    rows = {line[:28].strip(): [int(number) for number in line[28:].split()] for line in lines[2:]}
    read, _, depth, work, _ = rows["at once"]
    assert (depth, work) == (4, 4 * read)
    assert (rows["dots"][2], rows["steps"][2]) == (4, 4 * (1 + len(" 29 58\nA:")))
    assert rows["dots"][3] - rows["steps"][3] == 4 * (len("Dots: ......") - len("Steps: 29 58"))


# Samples and votes


@pytest.fixture(scope="module")
def heated(small):
    drawn = study.chains(small, RUN, 8, name="votes")
    prompts = [EXEMPLARS([], c.question) for c in drawn]
    return drawn, prompts, sampling.sample(small, prompts, 9, FILTER, 2.4, study.room(8))


@pytest.mark.slow
def test_a_vote_mends_scattered_mistakes_better_than_the_formula_says(heated):
    """Measured with 150 chains at temperature 2.4: one sample .565, a vote of 9 .960."""
    drawn, prompts, samples = heated
    read = [[EXTRACT(s.text, "A:") for s in own] for own in samples]
    single = sum(own.count(c.answer) for own, c in zip(read, drawn, strict=True)) / (9 * ITEMS)
    generate = sampling.generator(prompts, samples)
    voted = sampling.votes(
        lambda question, n: SOLVE(generate, question, n), [c.question for c in drawn], [c.answer for c in drawn], (1, 9)
    )
    assert 0.4 < single < 0.7
    assert voted[9].share > 0.85 > MAJORITY(single, 9) + 0.05
    assert voted[1] == study.right([own[0] for own in read], drawn)


@pytest.mark.slow
def test_some_right_answers_come_after_a_wrong_step(heated):
    """Measured with 150 chains: 74 of 1271."""
    drawn, _, samples = heated
    right = [
        (s.text, c) for own, c in zip(samples, drawn, strict=True) for s in own if EXTRACT(s.text, "A:") == c.answer
    ]
    wrong = sum(FIRST_ERROR(study.numbers(text), c.steps) >= 0 for text, c in right)
    assert 0 < wrong < 0.15 * len(right)


@pytest.mark.slow
def test_beyond_the_trained_length_votes_are_wrong_with_conviction(small):
    """Measured: 9 steps at temperature 1, vote of 9 right for .10, agreement .79."""
    drawn = study.chains(small, RUN, 9, name="conviction")
    prompts = [EXEMPLARS([], c.question) for c in drawn]
    generate = sampling.generator(prompts, sampling.sample(small, prompts, 5, FILTER, 1.0, study.room(9)))
    elected = [SOLVE(generate, c.question, 5) for c in drawn]
    assert study.right([answer for answer, _ in elected], drawn).share < 0.3
    assert sum(agreement for _, agreement in elected) / len(drawn) > 0.65


def test_samples_have_a_log_probability_for_each_token_and_leave_the_random_state_alone(small):
    prompts = ["Q: start 7; plus 12\nSteps:", "Q: start 50; minus 8; times 2\nSteps:"]
    state = torch.get_rng_state()
    one, other = (sampling.sample(small, prompts, 3, FILTER, 1.0, 30, seed=seed) for seed in (0, 0))
    assert torch.equal(torch.get_rng_state(), state)
    assert one == other
    assert [len(own) for own in one] == [3, 3]
    cold = sampling.sample(small, prompts, 1, FILTER, 0.01, 30)
    assert [own[0].text for own in cold] == [" 19\nA: 19", " 42 84\nA: 84"]
    for own in cold:
        assert len(own[0].logps) == len(own[0].text)
        assert all(-0.1 < logp <= 0 for logp in own[0].logps)


def test_solve_is_given_the_samples_of_its_seeds():
    samples = [[sampling.Sample(f"A: {seed}", [-1.0]) for seed in range(4)]]
    generate = sampling.generator(["a prompt"], samples)
    assert [generate("a prompt", seed) for seed in range(4)] == ["A: 0", "A: 1", "A: 2", "A: 3"]


# Steps and answers


@pytest.mark.slow
def test_no_rationale_is_longer_than_in_training_and_a_long_one_breaks_at_once(small):
    drawn = study.chains(small, RUN, 12, 30)
    pairs = reasoning.written(small, drawn, STYLES["steps"], EXTRACT)
    assert sum(len(steps) == 8 for steps, _ in pairs) > 20
    errors = [FIRST_ERROR(steps, c.steps) for (steps, _), c in zip(pairs, drawn, strict=True)]
    assert reasoning.still_right(errors, 12)[1].share < 0.3
    assert study.right([answer for _, answer in pairs], drawn).share < 0.3


@pytest.mark.slow
def test_the_answer_follows_the_last_step_and_forgets_the_ones_before(small):
    drawn = [c for c in study.chains(small, RUN, 8, 150) if min(c.steps) >= 10][:20]
    before = [answer for _, answer in reasoning.written(small, drawn, STYLES["steps"], EXTRACT)]
    assert before == [c.answer for c in drawn]
    for later, share in ((0, 1.0), (2, 0.0)):
        given, corrupted = reasoning.planted(small, drawn, STYLES["steps"], CORRUPT, EXTRACT, 3, later)
        follows, keeps = reasoning.shares(FAITHFULNESS, given, corrupted, before)
        assert follows.share == pytest.approx(share, abs=0.06)
        assert keeps.share == pytest.approx(1 - share, abs=0.06)
        assert follows.trials == sum(one != other for one, other in zip(corrupted, before, strict=True))


def test_still_right_counts_the_rationales_without_an_error_so_far():
    assert [reasoning.still_right([-1, 0, 2, 2], 3)[k].hits for k in (1, 2, 3)] == [3, 3, 1]
    shares = [measured.share for measured in reasoning.still_right([-1, 4, 1, 7], 8).values()]
    assert all(a >= b for a, b in pairwise(shares))


def test_only_numbers_before_the_answer_are_steps():
    assert study.numbers(" 19 57 -3\nA: 17 18") == [19, 57, -3]
    assert study.numbers("nothing") == []


# The widget


def test_moving_the_slider_changes_the_figure_and_the_words(small):
    slider, figure, line = widgets.chain_stepper(small, RUN).children
    first = figure.value
    assert bytes(first).startswith(b"\x89PNG")
    assert slider.max == 4
    assert "0 of 4 steps written: nothing yet." in line.value
    slider.value = 2
    assert figure.value != first
    assert "2 of 4 steps written: 19 57. The last is step 2, times 3: 57, right." in line.value
    assert 'role="status"' in line.value


def test_a_wrong_step_and_one_too_many_are_called_so():
    c = study.Chain("start 7; plus 12; square", 7, [("plus", 12), ("square", 0)], [19, 61])
    walked = widgets.Walk(c, " 19 60 3", [19, 60, 3], [0, 3, 6, 8], [0, 3, 6], [[("' '", 0.75), ("'x'", 0.25)]] * 3)
    assert walked.verdict(1) == "step 1, plus 12: 19, right"
    assert walked.verdict(2) == "step 2, square: 60, wrong: 61 is right"
    assert walked.verdict(3) == "step 3: 3, one too many"
    assert walked.words(2).endswith("Likeliest next: ' ' (0.75) or 'x' (0.25).")
    assert walked.words(3).endswith("Likeliest next: nothing, the text ends.")


def test_probabilities_belong_to_what_comes_next(small):
    walked = widgets.walk(small, RUN)
    assert walked.text == " 19 57 49 41\nA: 41"
    assert [candidates[0][0] for candidates in walked.next(1)] == ["' '", "'5'", "'7'"]
    assert [candidates[0][0] for candidates in walked.next(4)] == ["'\\n'", "'A'", "':'"]
    figure = widgets.chain_figure(small, RUN, steps=(0, 9))
    assert [ax.get_title() for ax in figure.axes[:4]] == ["", "next token 1", "next token 2", "next token 3"]


@pytest.mark.parametrize(
    "question",
    [
        "start 7 plus 3",
        "Start 7; plus 3",
        "start 7; plus 3;",
        "start 7;plus 3",
        "start 7; power 3",
        "start 7; plus",
        "",
    ],
)
def test_a_question_in_another_form_gets_the_grammar(small, question):
    with pytest.raises(ValueError, match='Write a question as "start 7; plus 12;'):
        study.chain(question, RUN)
    (line,) = widgets.chain_stepper(small, RUN, question).children
    assert "Write a question as &quot;start 7; plus 12;" in line.value
    assert "Write a question as" in widgets.chain_figure(small, RUN, question).texts[0].get_text()


def test_the_widget_asks_for_a_run_that_is_not_written(small):
    def unwritten(start: int, ops: list, mod: int) -> list[int]:
        raise NotImplementedError

    (line,) = widgets.chain_stepper(small, unwritten).children
    assert "Write run first" in line.value
    assert "Write run first" in widgets.chain_figure(small, unwritten).texts[0].get_text()


# Other models


def test_every_experiment_runs_with_another_model(stranger):
    curves = study.accuracy(stranger, STYLES, RUN, EXTRACT, (1, 3))
    assert {curve[3].trials for curve in curves.values()} == {3}
    drawn = study.chains(stranger, RUN, 3)
    measured, _ = study.two_calls(stranger, drawn, lambda q, r: TWO_STAGE(q, "Think.", r, "So:"), "So:", EXTRACT)
    assert measured.trials == 3
    assert len(study.cost(stranger, STYLES, drawn[0], DEPTH).split("\n")) == 6
    pairs = reasoning.written(stranger, drawn, STYLES["steps"], EXTRACT)
    assert all(isinstance(step, int) for steps, _ in pairs for step in steps)
    assert len(reasoning.planted(stranger, drawn, STYLES["steps"], CORRUPT, EXTRACT, 1)[0]) == 3
    samples = sampling.sample(stranger, [STYLES["steps"](c) for c in drawn], 2, FILTER, 0.7, 12)
    assert [len(own) for own in samples] == [2, 2, 2]
    assert all(1 <= len(s.logps) <= 12 and max(s.logps) < 0 for own in samples for s in own)


def test_the_widget_runs_with_another_model(stranger):
    slider, figure, line = widgets.chain_stepper(stranger, RUN, "start 7; plus 12").children
    slider.value = slider.max
    assert bytes(figure.value).startswith(b"\x89PNG")
    assert "Question: start 7; plus 12." in line.value


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and there is none")
def test_samples_are_drawn_on_a_gpu(small):
    assert small.model.device.type == "cuda"
    assert study.subject("small").items == 1000
    drawn = study.chains(small, RUN, 8, 200)
    samples = sampling.sample(small, [STYLES["steps"](c) for c in drawn], 5, FILTER, 1.0, study.room(8))
    assert study.right([EXTRACT(own[0].text, "A:") for own in samples], drawn).share > 0.95
