"""What goes wrong while a person is asked."""

from __future__ import annotations

from ...errors import AnswerprintError

__all__ = ["CannotAskError"]


class CannotAskError(AnswerprintError):
    """The form could not be shown; nobody has seen it."""

    code = "cannot_ask"
