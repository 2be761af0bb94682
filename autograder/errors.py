"""Errors that speak to the reader: one sentence on what happened and one on what to do."""


class UserError(Exception):
    """Something the user can mend; the command line prints it without a traceback, exit 2."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]
