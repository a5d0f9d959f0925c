"""What goes wrong between us and Resolve, which itself says nothing but None or False.

ResolveError            a call could not be made, or has no answer
+-- NoResolveError      no Resolve answers
+-- HangingError        a call does not come back
+-- NoAnswerError         a call gave nothing where something was needed
EditionError            this edition or version cannot do it (an InputError: another way has to be chosen)
SelectionError          nothing, or nothing usable, is selected (an InputError)
"""

from __future__ import annotations

from answerprint.errors import AnswerprintError, InputError

__all__ = ["EditionError", "HangingError", "NoAnswerError", "NoResolveError", "ResolveError", "SelectionError"]


class ResolveError(AnswerprintError):
    """Resolve did not do what it was asked."""

    exit_code = 4
    code = "resolve"


class NoResolveError(ResolveError):
    """No Resolve answers: it is closed, went away, or lets no other program in."""

    code = "no_resolve"


class HangingError(ResolveError):
    """A call does not come back; often a dialog in Resolve waits for an answer."""

    code = "resolve_hangs"


class NoAnswerError(ResolveError):
    """A call gave nothing where something was needed; Resolve never says why."""

    code = "resolve_silent"

    def __init__(self, method: str) -> None:
        super().__init__(
            f"Resolve gave no answer to {method}.", "Look at Resolve: a dialog may be open, or the project closed."
        )
        self.method = method


class EditionError(InputError):
    """This edition or version of Resolve cannot do it."""

    code = "edition"


class SelectionError(InputError):
    """Nothing, or nothing that can be restored, is selected."""

    code = "nothing_selected"
