"""Attack the grader: `python -m tests.attacks [--keep FOLDER] [NAME ...]`. Exit 1 if an attack succeeds."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from autograder.preload import one_thread

one_thread()

from tests.attacks import ATTACKS  # noqa: E402
from tests.attacks.arena import fight  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="only attacks whose names hold one of these")
    parser.add_argument("--keep", type=Path, help="an empty folder to work in, and to look at afterwards")
    given = parser.parse_args()
    chosen = [a for a in ATTACKS if not given.names or any(name in a.name for name in given.names)]
    if not chosen:
        parser.error(f"no attack's name holds {' or '.join(given.names)}")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="attacks-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        arena = fight(chosen, given.keep or Path(name))
    console = Console(width=160)
    table = Table("attack", "tries to", "points", "ended", box=None, pad_edge=False)
    for ending in arena.endings:
        points = "–" if ending.points is None else f"{ending.points:g} of 4"
        table.add_row(ending.attack.name, ending.attack.tries, points, "; ".join(ending.faults) or "held")
    console.print(table)
    for fault in arena.faults:
        console.print(f"Around them: {fault}", markup=False, highlight=False)
    succeeded = [ending for ending in arena.endings if ending.faults]
    print(
        f"{len(arena.endings)} attacks: {len(arena.endings) - len(succeeded)} held, {len(succeeded)} succeeded; "
        f"{arena.neighbours} neighbours; {len(arena.faults)} faults around them; {time.monotonic() - started:.0f} s"
    )
    sys.exit(1 if succeeded or arena.faults else 0)


if __name__ == "__main__":
    main()
