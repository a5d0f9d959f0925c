"""Commands with actions, such as `answerprint jobs list`."""

from __future__ import annotations

from argparse import ArgumentParser

__all__ = ["Actions"]


class Actions:
    """The actions of a command: one subparser each."""

    def __init__(self, parser: ArgumentParser) -> None:
        self._formatter = parser.formatter_class
        self._parsers = parser.add_subparsers(dest="action", metavar="ACTION", required=True, title="actions")

    def add(self, name: str, summary: str, more: str = "") -> ArgumentParser:
        """Add an action with `--json`. more: text below its arguments in the help."""
        action = self._parsers.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=more,
            formatter_class=self._formatter,
            allow_abbrev=False,
        )
        action.add_argument("--json", action="store_true", help="print JSON")
        return action
