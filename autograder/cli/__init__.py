"""The `autograder` command. Every mistake a user can make ends in a sentence and exit status 2."""

from __future__ import annotations

import errno
import os
import shutil
from importlib.metadata import entry_points
from typing import Any

import click

from autograder.cli.terminal import readable
from autograder.errors import UserError


class _Sentence(click.ClickException):
    exit_code = 2

    def format_message(self) -> str:
        return readable(self.message)


class SpeakingGroup(click.Group):
    """Turns errors that a user can mend into sentences."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise _Sentence(str(error)) from None
        except Exception as error:
            if sentence := _machine_sentence(error):
                raise _Sentence(sentence) from None
            raise

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        import difflib

        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], self.list_commands(ctx), 1)
            advice = f"Did you mean `autograder {close[0]}`?" if close else "`autograder --help` lists them."
            raise _Sentence(f"There is no command '{args[0]}'. {advice}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List commands by who needs them."""
        for title, commands in _parts().items():
            with formatter.section(title):
                formatter.write_dl([(c.name or "", c.get_short_help_str(80)) for c in commands])


FULL = (errno.ENOSPC, errno.EDQUOT)
BROKEN = (errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE)
DISK_IS_FULL = "The disk is full{}. Nothing that was there is lost: make room, and run this again."


def _machine_sentence(error: Exception) -> str:
    """What to say where the machine failed; empty where it was the program."""
    if type(error).__name__ == "OperationalError":  # SQLAlchemy's, which only the bridge may import
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0].rstrip(".")
        if "disk is full" in reason:
            return DISK_IS_FULL.format(": the gradebook could not be written")
        if "is locked" in reason:
            return (
                f"The gradebook is held by another program ({reason}). Nothing is lost: close what uses it, and run "
                "this again."
            )
        return f"The gradebook could not be reached: {reason}. Check --db, or start its server, and run this again."
    if isinstance(error, shutil.Error):  # of a copied tree; it holds several, in words
        reason = str(error.args[0][0][2]) if error.args and error.args[0] else str(error)
        return DISK_IS_FULL.format(f": {reason}") if os.strerror(errno.ENOSPC) in reason else f"{reason}."
    if isinstance(error, PermissionError):
        return f"No permission to write {error.filename}. Choose another folder, or ask who owns this one."
    if not isinstance(error, OSError):
        return ""
    where = f": {error.filename} could not be written" if error.filename else ""
    if error.errno in FULL:
        return DISK_IS_FULL.format(where)
    if error.errno in BROKEN:
        return f"The system failed ({error.strerror}){where}. Run this again when it is mended."
    return ""


def _parts() -> dict[str, Any]:
    from autograder.cli import archives, author, grading, instructor, learner, reporting, student

    begin, end = instructor.COMMANDS[:2], instructor.COMMANDS[2:]
    teach = [*begin, *grading.COMMANDS, *reporting.COMMANDS, *end, *archives.COMMANDS]
    return {
        "Learn": learner.COMMANDS,
        "Take part in a class": student.COMMANDS,
        "Teach a class": teach,
        "Write labs": author.COMMANDS,
        "Of this course": [entry.load() for entry in entry_points(group="autograder.commands")],
    }


@click.group(cls=SpeakingGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="winning-ticket")
def main() -> None:
    """Winning Ticket: labs on adapting language models that check your code while you write it.

    \b
    Begin here:
      autograder start lora      copy the LoRA lab into work/lora
      autograder lab             open JupyterLab at a page that lists the labs
      autograder progress        see what you have solved
    """


for _part in _parts().values():
    for _command in _part:
        main.add_command(_command)
