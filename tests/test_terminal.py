"""Can what is printed steer a terminal?"""

from __future__ import annotations

import io

import pytest
from rich.table import Table

from autograder.cli.console import Terminal
from autograder.cli.terminal import echo, readable

STEERING = "\x1b[2J\x9b2J\x07\r\x00\u202e\ud800"


def test_what_could_steer_is_replaced_and_the_rest_kept():
    assert set(readable(STEERING)) == {"\ufffd", "[", "2", "J"}
    text = "k × x – “right”\n\t日本語 é"
    assert readable(text) == text


def test_tables_and_lines_are_readable_and_keep_their_colours():
    out = io.StringIO()
    terminal = Terminal(file=out, force_terminal=True, width=80)
    table = Table("student")
    table.add_row(f"[red]ann[/red] {STEERING}")
    terminal.print(table)
    terminal.print(f"ann {STEERING}", markup=False)
    said = out.getvalue()
    assert "\x1b[31mann" in said
    assert not {"\x1b[2J", "\x9b", "\x07", "\x00", "\u202e", "\ud800"} & {*said, "\x1b[2J" * ("\x1b[2J" in said)}


def test_echoed_lines_are_readable(capsys: pytest.CaptureFixture[str]):
    echo(f"ann {STEERING}")
    assert "\x1b" not in capsys.readouterr().out
