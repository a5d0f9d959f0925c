"""What a project file on disk holds: all of its objects as they were, to be put back into the very same objects."""

from __future__ import annotations

from typing import Any

from fakes.resolve.calls import Node
from fakes.resolve.queue import RenderJob
from fakes.resolve.takes import Take
from fakes.resolve.tracks import Track

__all__ = ["Snapshot"]

_KEPT = (Node, Track, Take, RenderJob)


class Snapshot:
    """The state of an object and of all that it leads to."""

    def __init__(self, root: object) -> None:
        self._states: list[tuple[Any, dict[str, Any]]] = []
        seen: set[int] = set()
        waiting = [root]
        while waiting:
            each = waiting.pop()
            if isinstance(each, _KEPT):
                if id(each) not in seen:
                    seen.add(id(each))
                    self._states.append((each, {name: _copied(value) for name, value in vars(each).items()}))
                    waiting += vars(each).values()
            elif isinstance(each, dict):
                waiting += each.values()
            elif isinstance(each, (list, tuple)):
                waiting += each

    def __eq__(self, other: object) -> bool:
        """Whether nothing was changed between the two."""
        return isinstance(other, Snapshot) and self._states == other._states

    __hash__ = None  # type: ignore[assignment]

    def restore(self) -> None:
        """Make everything as it was; objects made since are no longer reached from any of these."""
        for each, state in self._states:
            vars(each).clear()
            vars(each).update({name: _copied(value) for name, value in state.items()})


def _copied(value: Any) -> Any:  # noqa: ANN401 - whatever an attribute is
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_copied(each) for each in value)
    return value
