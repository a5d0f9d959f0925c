"""Ways to ask a person, and which of them there are here."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import IO, Protocol

from ..link.bridge import Bridge
from .fields import Answers, Form
from .prompts import PromptAsking
from .window import WindowAsking, has_display, pythons
from .within import ResolveAsking

__all__ = ["Asking", "choose"]


class Asking(Protocol):
    """One way to show a form."""

    def ask(self, form: Form) -> Answers | None:
        """The answers, unchecked; None for cancelled.

        Raises CannotAskError where the form was not shown, so that another way may be tried.
        """
        ...


def choose(
    environ: Mapping[str, str],
    *,
    bridge: Bridge | None = None,
    windows: bool = False,
    terminal: tuple[IO[str], IO[str]] | None = None,
    platform: str = sys.platform,
) -> tuple[Asking, ...]:
    """The ways that may be there, in the order in which to try them.

    bridge: a menu script's that runs in Resolve. windows: whether this Resolve lets scripts open windows
    (`Capability.WINDOWS`); where it does not, a mere attempt opens a dialog of its own. terminal: what is read and
    written, when a person is on both.
    """
    ways: list[Asking] = []
    if bridge is not None and windows:
        ways.append(ResolveAsking(bridge))
    if has_display(environ, platform):
        ways.append(WindowAsking(pythons(environ), environ))
    if terminal is not None and all(stream.isatty() for stream in terminal):
        ways.append(PromptAsking(*terminal))
    return tuple(ways)
