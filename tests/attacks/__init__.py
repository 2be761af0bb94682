"""Hostile and broken submissions, and the class in which they are graded."""

from tests.attacks.breakers import BREAKERS
from tests.attacks.cheats import CHEATS
from tests.attacks.thefts import THEFTS

ATTACKS = [*CHEATS, *THEFTS, *BREAKERS]
