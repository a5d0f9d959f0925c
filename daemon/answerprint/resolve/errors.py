"""Errors of the link to Resolve, whose API reports any failure as None or False.

ResolveError            Resolve did not do what it was asked
+-- NoResolveError      Resolve is closed, crashed, or not reachable
+-- HangingError        a call did not return in time
+-- NoAnswerError       a call returned nothing although an answer was needed
EditionError            this edition or version cannot do it (an InputError: choose another way)
SelectionError          nothing usable is selected (an InputError)
"""

from __future__ import annotations

from answerprint.errors import AnswerprintError, InputError

__all__ = ["EditionError", "HangingError", "NoAnswerError", "NoResolveError", "ResolveError", "SelectionError"]


class ResolveError(AnswerprintError):
    """Resolve did not do what it was asked."""

    exit_code = 4
    code = "resolve"


class NoResolveError(ResolveError):
    """Resolve is closed, crashed, or does not allow external scripting."""

    code = "no_resolve"


class HangingError(ResolveError):
    """A call did not return in time; often a dialog in Resolve is waiting for an answer."""

    code = "resolve_hangs"


class NoAnswerError(ResolveError):
    """A call returned nothing although an answer was needed; Resolve never says why."""

    code = "resolve_silent"

    def __init__(self, method: str) -> None:
        super().__init__(
            f"Resolve returned nothing for {method}.", "Check Resolve: a dialog may be open, or the project closed."
        )
        self.method = method


class EditionError(InputError):
    """This edition or version of Resolve cannot do it."""

    code = "edition"


class SelectionError(InputError):
    """Nothing that can be restored is selected."""

    code = "nothing_selected"
