"""Ask in Resolve itself: the menu script shows the form, as only its process may."""

from __future__ import annotations

from ..errors import ResolveError
from ..link.bridge import Bridge
from .errors import CannotAskError
from .fields import Answers, Form

__all__ = ["ResolveAsking"]

_SECONDS = 4 * 3600.0  # people are called away; a dialog that was forgotten over night need not be kept


class ResolveAsking:
    """A dialog of Resolve's own toolkit."""

    def __init__(self, bridge: Bridge, seconds: float = _SECONDS) -> None:
        """seconds: how long to wait for the person."""
        self._bridge, self._seconds = bridge, seconds

    def ask(self, form: Form) -> Answers | None:
        """The answers, None for cancelled. Raises CannotAskError, and what a call to Resolve raises when it is gone."""
        try:
            return self._bridge.ask_form(form.to_json(), self._seconds)
        except ResolveError as error:
            if type(error) is not ResolveError:  # gone, or hanging: nothing else works either
                raise
            raise CannotAskError(error.message) from error
