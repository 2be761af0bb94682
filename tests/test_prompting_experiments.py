"""Do the prompting lab's experiments show what its text says, and do they run on models of another make?"""

from __future__ import annotations

import math
from random import Random

import matplotlib
import pytest
import torch

from course.common import device as devices
from course.model import data, tasks
from course.model.generation import candidate_logps, complete
from course.model.weaknesses import CONTENT_FREE
from course.prompting import asker, attacks, figures, jailbreak, labels, study, tuning, widgets
from tests import foreign
from tests.conftest import answers, references

matplotlib.use("Agg")


pytestmark = pytest.mark.usefixtures("one_thread_and_no_figure_left")
answer = answers("prompting")
reference = references("prompting")

FEW_SHOT, LEFT_PAD, GENERATE, WILSON, CALIBRATE, NUCLEUS, STRIP = map(
    reference, ("few_shot", "left_pad", "generate", "wilson", "calibrate", "nucleus", "strip")
)
RANK, SPAN_LOGP, LM_LOSS, RANDOM_LABELS = map(reference, ("rank_candidates", "span_logp", "lm_loss", "random_labels"))
ORDER_SPREAD, ATTACK_SUCCESS, BREAK_EVEN = map(reference, ("order_spread", "attack_success", "break_even_requests"))


@pytest.fixture(scope="module")
def small():
    return asker.asker("small", LEFT_PAD, GENERATE)


@pytest.fixture(scope="module")
def large():
    return asker.asker("large", LEFT_PAD, GENERATE)


def mean(found) -> float:
    return sum(map(int, found)) / len(found)


def prompts(count: int = 5, shots: int = 3) -> list[str]:
    return [FEW_SHOT(e[:-1], e[-1][0], " -> ") for e in study.fresh_mappings(Random(1), shots + 1, count)]


# Asking


@pytest.mark.parametrize("name", ["generate", *answer("generate").marked("right")])
def test_any_right_generate_says_what_transformers_says(small, name):
    own = GENERATE if name == "generate" else answer("generate").marked("right")[name]
    asked = asker.Asker(small.model, small.tokenizer, LEFT_PAD, own)
    assert asked.complete(prompts(), 8) == complete(small.model, small.tokenizer, prompts(), 8)


def test_remembering_changes_nothing_and_computes_one_column(small):
    widths = []
    handle = small.model.model.embed_tokens.register_forward_hook(lambda *given: widths.append(given[2].shape[1]))
    padded = LEFT_PAD(small.ids(prompts()), small.tokenizer.pad_token_id)
    plain = GENERATE(small.model, *padded[:2], 6, small.stop, 0)
    whole = len(widths)
    assert torch.equal(GENERATE(asker.Remembering(small.model), *padded[:2], 6, small.stop, 0), plain)
    handle.remove()
    assert widths[whole:] == [padded[0].shape[1], 1, 1, 1, 1, 1]


def test_label_probabilities_are_those_of_the_first_token(small):
    asked = prompts(4, 0)
    found = small.label_probabilities(asked, ("yes", "no"))
    one_token = candidate_logps(small.model, small.tokenizer, asked, ("y", "n")).exp()
    torch.testing.assert_close(found, one_token, atol=1e-6, rtol=1e-4)


def test_candidates_are_scored_as_by_the_course(small):
    scores, lengths = small.scores(RANK, "Task: reverse\nabc -> ", ["cba", "abc", "a"])
    expected = candidate_logps(small.model, small.tokenizer, ["Task: reverse\nabc -> "], ["cba", "abc", "a"])[0]
    torch.testing.assert_close(scores, expected, atol=1e-3, rtol=1e-4)
    assert lengths.tolist() == [3, 3, 1]


# What the text says


def test_one_pass_scores_every_answer(small):
    worth = study.surprise(small, FEW_SHOT, SPAN_LOGP, 12)
    assert worth.shape == (12, 9)
    assert worth.mean(0)[0] < -1.5 < worth.mean(0)[1]
    assert worth.mean(0)[5:].min() > -0.1


def test_random_letters_cost_more_than_a_uniform_guess(small):
    bits = {kind: study.bits_per_character(small, LM_LOSS, texts[:8]) for kind, texts in study.documents().items()}
    assert max(value for kind, value in bits.items() if kind != "letters at random") < 2.2
    assert bits["letters at random"] > 2 * math.log2(26)


def test_a_fresh_mapping_is_learned_and_a_composition_only_half(small):
    fresh = study.in_context(small, FEW_SHOT, study.fresh_mappings, 40, (0, 8))
    composed = study.in_context(small, FEW_SHOT, study.compositions, 40, (8,))
    assert mean(fresh[0]) < 0.15 < 0.85 < mean(fresh[8])
    assert 0.15 < mean(composed[8]) < 0.7


def test_choosing_is_easier_than_writing_and_examples_add_nothing(large):
    found = study.specifications(large, FEW_SHOT, RANK, 25)
    assert mean(found["names, best of 5 by sum"]) > mean(found["names"]) + 0.1
    assert abs(mean(found["names and 2 examples"]) - mean(found["names"])) < 0.25


def test_choices_differ_and_the_first_is_right():
    for seed in range(20):
        word, candidates = study.choices(Random(seed), "reverse upper")
        assert candidates[0] == word[::-1].upper()
        assert len(set(candidates)) == 5


def test_temperature_costs_accuracy_and_top_p_gives_some_back(small):
    found = study.decoding(small, FEW_SHOT, NUCLEUS, 8, temperatures=(0.5, 3.0))
    right, different = ({key: run[i].mean() for key, run in found.items()} for i in (0, 1))
    assert right[1.0, 3.0] + 0.1 < right[0.9, 3.0] < right[1.0, 0.5] + 0.01
    assert different[1.0, 3.0] > different[1.0, 0.5] + 2
    assert figures.plot_decoding(found).axes[0].get_xlabel() == "temperature"


def test_the_order_matters_and_calibration_helps_on_the_rule_of_the_figure(small):
    asked = labels.question(5, 32)
    found = labels.over_orders(small, FEW_SHOT, CALIBRATE, asked, [" -> "])
    ((raw, calibrated),) = found.values()
    (before, _, spread), (after, _, less) = ORDER_SPREAD(raw).tolist(), ORDER_SPREAD(calibrated).tolist()
    assert spread > 0.3
    assert less < spread - 0.1
    assert after > before + 0.05
    assert [label for _, label in asked.queries].count(asked.labels[0]) == 16
    assert "12 orders" in labels.plot_orders(found, asked).axes[0].get_title()


def test_the_format_never_seen_fails_the_small_model_only(small, large):
    fails, bridges = (
        study.in_context(own, FEW_SHOT, study.fresh_mappings, 24, (4,), " ~ ")[4] for own in (small, large)
    )
    assert mean(fails) < 0.25
    assert mean(bridges) > 0.6
    assert mean(study.in_context(small, FEW_SHOT, study.fresh_mappings, 24, (4,), " | ")[4]) > 0.7


def test_calibration_takes_the_common_label_back(small):
    found = labels.bias(small, FEW_SHOT, CALIBRATE, 60)
    assert mean(found["the common label"]) > 0.65
    assert mean(found["the common label, calibrated"]) < mean(found["the common label"]) - 0.08


def test_random_labels_leave_chance(small):
    found = labels.replaced(small, FEW_SHOT, RANDOM_LABELS, 200, (8,))
    assert mean(found["right labels"][8]) > 0.6
    assert abs(mean(found["random labels"][8]) - 0.5) < 0.1


@pytest.fixture(scope="module")
def attacked(large):
    drawn, defended = attacks.items(10, "test"), attacks.defences(STRIP)
    with devices.threads(1):
        return {n: attacks.attacked(large, ATTACK_SUCCESS, d, attacks.FAMILIES, drawn) for n, d in defended.items()}


def test_marks_fail_when_closed_and_stripped_marks_when_an_answer_is_forged(attacked):
    obeyed = {name: {family: own.rate for family, own in found.items()} for name, found in attacked.items()}
    assert min(obeyed["none"][family] for family in attacks.FAMILIES) > 0.8
    assert obeyed["marks"]["an order never heard"] < 0.1 < 0.8 < obeyed["marks"]["marks closed"]
    assert obeyed["marks, stripped"]["marks closed"] < 0.1 < 0.8 < obeyed["marks, stripped"]["an answer forged"]
    assert max(obeyed["marks and lines, stripped"].values()) < 0.1
    assert len(attacks.plot_attacks(attacked, WILSON).axes) == 2


def test_defences_cost_nothing_on_harmless_text_and_datamarking_the_task_under_attack(attacked):
    assert min(mean(found["harmless"].done) for found in attacked.values()) > 0.8
    assert mean(attacked["marks and lines, stripped"]["an answer forged"].done) > 0.7
    assert mean(attacked["datamarking"]["an order"].done) < 0.5


def test_what_is_wanted_is_never_what_the_task_prints():
    for item in attacks.items(50, "any"):
        for family in attacks.FAMILIES.values():
            assert item.wanted not in tasks.named(item.name)(family(item.text, item.order, item.word))


def test_no_training_text_holds_a_line_end_within_marks():
    rng = Random(3)
    for _ in range(2000):
        given = data.order(rng).partition("Input: ")[2].partition("\nOutput:")[0]
        assert "\n" not in given


@pytest.mark.slow
def test_the_search_finds_the_line_end_and_nothing_where_it_is_stripped(large):
    held_out, rates = attacks.items(10, "held out"), {}
    for name in ("marks, stripped", "marks and lines, stripped"):
        defence = attacks.defences(STRIP)[name]
        best, history = attacks.search(large, RANK, defence, seed=3)
        assert history == sorted(history)
        assert len(history) * attacks.ITEMS_A_TRY == 200
        found = attacks.attacked(large, ATTACK_SUCCESS, defence, {"found": attacks.written(best)}, held_out)
        rates[name] = found["found"].rate
    assert rates["marks, stripped"] > 0.8
    assert rates["marks and lines, stripped"] < 0.2


def test_a_changed_attack_keeps_its_order_its_word_and_a_text():
    rng, pieces = Random(0), attacks.START
    for _ in range(200):
        pieces = attacks.changed(pieces, rng)
        attack = attacks.written(pieces)("abc", "double", "dog")
        assert "abc" in attack and "Task: double" in attack and "dog" in attack  # noqa: PT018


def test_every_form_but_the_plain_one_gets_the_word_and_filters_cost_harmless_requests(small):
    got = jailbreak.jailbreaks(small, FEW_SHOT, 8)
    assert mean(got["asked plainly"]["no filter"]) == 0
    assert min(mean(own["no filter"]) for form, own in got.items() if form != "asked plainly") > 0.7
    assert mean(got["examples of reverse"]["the word"]) > 0.7
    assert mean(got["examples of reverse"]["the word, reversed or moved"]) == 0
    assert mean(got["examples of double"]["the word, reversed or moved"]) > 0.7
    passed = jailbreak.harmless(small, FEW_SHOT, 24)
    assert mean(passed["English words"]["the same, one letter off"]) < 0.75 < mean(passed["random words"]["the word"])
    jailbreak.plot(got, passed, WILSON)


@pytest.mark.slow
def test_fine_tuning_does_what_eight_examples_do_not(small):
    """Measured with 500 words: 0 with eight examples, .990 tuned."""
    task = "running sums of letters"
    before = [weight.clone() for weight in small.model.parameters()]
    (none, eight, after), tuned = tuning.compare(small, FEW_SHOT, LM_LOSS, task, 40)
    assert mean(none.right) == mean(eight.right) == 0
    assert mean(after.right) > 0.8
    assert eight.tokens > 6 * after.tokens
    assert all(torch.equal(one, other) for one, other in zip(before, small.model.parameters(), strict=True))
    requests = BREAK_EVEN(small.model.num_parameters(), round(eight.tokens - none.tokens), 10, 8, tuned.tokens)[2]
    assert requests == pytest.approx(3 * tuned.tokens / (eight.tokens - none.tokens), rel=0.02)
    tuning.plot({task: [none, eight, after]}, WILSON)


def test_eight_examples_suffice_for_the_mapping_of_five_letters(small):
    assert mean(tuning.answered(small, FEW_SHOT, "a mapping of 5 letters", 8, 20, "").right) > 0.8


def test_table_names_share_interval_and_trials():
    assert figures.table({"a line": (8, 10)}, WILSON) == " 0.800  [0.490, 0.943]  of 10    a line"


# Models of another make


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def stranger(request, tmp_path_factory):
    return asker.asker(foreign.save(request.param, tmp_path_factory.mktemp(request.param)), LEFT_PAD, GENERATE)


def test_a_blank_that_belongs_to_the_next_token_is_left_to_the_model(stranger):
    prompt = prompts(1)[0]
    (ids,) = stranger.ids([prompt])
    for continuation in ("abc", "reverse", "a"):
        assert stranger.tokenizer(prompt + continuation)["input_ids"][: len(ids)] == ids
    assert not stranger.by_character


def test_a_stranger_is_asked_as_it_would_be_alone(stranger):
    """Rows of unequal lengths in one batch, on a model whose positions count."""
    asked = [*prompts(3, 1), *prompts(2, 4)]
    assert stranger.complete(asked, 5) == [stranger.complete([one], 5)[0] for one in asked]
    found = stranger.label_probabilities(asked, ("yes", "no"))
    alone = torch.cat([stranger.label_probabilities([one], ("yes", "no")) for one in asked])
    torch.testing.assert_close(found, alone, atol=1e-5, rtol=1e-3)


def test_experiments_run_on_a_stranger(stranger):
    assert study.surprise(stranger, FEW_SHOT, SPAN_LOGP, 2, pairs=3).isfinite().all()
    assert study.bits_per_character(stranger, LM_LOSS, ["abc -> cba\ndog -> god"]) > 0
    for draw in (study.fresh_mappings, study.compositions):
        assert len(study.in_context(stranger, FEW_SHOT, draw, 2, (0, 2))[2]) == 2
    assert len(study.specifications(stranger, FEW_SHOT, RANK, 2)["names"]) == 2
    assert len(study.decoding(stranger, FEW_SHOT, NUCLEUS, 2, temperatures=(1.0,), count=3)) == 2
    (found,) = labels.over_orders(stranger, FEW_SHOT, CALIBRATE, labels.question(0, 4), [" ~ "], orders=2).values()
    assert found[0].shape == found[1].shape == (2, 4)
    assert len(labels.bias(stranger, FEW_SHOT, CALIBRATE, 2)["right"]) == 2
    assert len(labels.replaced(stranger, FEW_SHOT, RANDOM_LABELS, 3, (2,))["random labels"][2]) == 3


def test_attacks_jailbreaks_and_tuning_run_on_a_stranger(stranger):
    defence = attacks.defences(STRIP)["marks, stripped"]
    found = attacks.attacked(stranger, ATTACK_SUCCESS, defence, attacks.FAMILIES, attacks.items(2, "test"))
    assert found["an order"].counted == 2
    assert len(attacks.search(stranger, RANK, defence, 0, tries=3)[1]) == 3
    assert mean(jailbreak.jailbreaks(stranger, FEW_SHOT, 2)["asked plainly"]["no filter"]) == 0
    assert len(jailbreak.harmless(stranger, FEW_SHOT, 2)["random words"]["the word"]) == 2
    task = "running sums of letters"
    assert tuning.tune(stranger, FEW_SHOT, LM_LOSS, task, steps=2, batch=2).tokens > 0
    assert len(tuning.answered(stranger, FEW_SHOT, task, 2, 2, "").milliseconds) == 3


# The playground


def test_the_playground_follows_the_prompt_and_says_what_it_shows():
    field, row, figure, line = widgets.playground().children
    choice, _ = row.children
    first, said = figure.value, line.value
    assert bytes(first).startswith(b"\x89PNG")
    assert "Greedy continuation: tekcit" in said
    assert "Next: t " in said
    assert 'role="status"' in said
    field.value = "Task: upper\nInput: <b>\nOutput: "
    assert figure.value != first
    assert "Greedy continuation: B" in line.value
    choice.value = "small"
    assert "Greedy continuation: B" in line.value


def test_the_playground_shows_no_markup_and_bears_an_empty_prompt():
    field, _, _, line = widgets.playground("Task: copy\nInput: a<i>b\nOutput: a", ("small",)).children
    assert "<i>" not in line.value
    field.value = ""
    assert "Next: " in line.value


def test_content_free_queries_are_those_of_the_paper():
    assert CONTENT_FREE == ("N/A", "[MASK]", "")
