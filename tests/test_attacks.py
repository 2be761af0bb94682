"""Does the grader hold against attacks? A quick size; `make attacks` runs them all."""

from __future__ import annotations

import pytest

from tests.attacks import ATTACKS
from tests.attacks.arena import fight
from tests.attacks.attack import LOOT, Attack
from tests.toy import RIGHT
from tests.walls import make_readable, need_wall

QUICK = ATTACKS[::5]


@pytest.fixture
def readable(tmp_path):
    """A folder that students' code, run as nobody, may read."""
    need_wall()
    make_readable(tmp_path)
    return tmp_path


def test_names_are_unique_and_there_are_enough():
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 60


@pytest.mark.slow
def test_no_attack_of_a_quick_selection_succeeds(readable):
    arena = fight(QUICK, readable)
    assert {ending.attack.name: ending.faults for ending in arena.endings if ending.faults} == {}
    assert arena.faults == []


@pytest.mark.slow
def test_an_attack_that_succeeds_is_seen(readable):
    """A right answer under the name of a cheat, and a cheat that says what it should not."""
    attacks = [
        Attack("scores", "", answer=RIGHT),
        Attack("tells", "", (f"print({LOOT!r})",)),
        Attack("said", "", says="x!"),
    ]
    faults = [" ".join(ending.faults) for ending in fight(attacks, readable).endings]
    assert "4 points" in faults[0]
    assert "carried something out" in faults[1]
    assert "not told 'x!'" in faults[2]
