"""Which calls there are, since when, and with which arguments. A wrong call fails silently, and is kept for the
test.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from fakes.resolve.world import World

__all__ = ["Api", "Node", "api", "known_keys", "methods", "offered", "perform"]

F = TypeVar("F", bound=Callable[..., Any])

_READS = ("Get", "Is", "Export")
_VIEWS = frozenset({"SetCurrentFolder", "SetCurrentTimeline", "SetCurrentTimecode", "SetSelectedClip"})
"""What is open and chosen is no part of the project's content."""
_PROGRAM = frozenset({"Resolve", "Fusion", "MediaStorage"})
"""Objects that are no part of a project."""


@dataclass(frozen=True, slots=True)
class Api:
    """since: the first version that has the call. until: the first that has it no more. studio: not for free."""

    since: tuple[int, ...]
    until: tuple[int, ...] | None
    studio: bool


class Node:
    """An object of Resolve's. Methods in CamelCase are its API; all else is for the fake and its tests."""

    kind = ""

    def __init__(self, world: World) -> None:
        self.world = world
        self.id = world.new_id()


def api(since: tuple[int, ...] = (0,), until: tuple[int, ...] | None = None, studio: bool = False) -> Callable[[F], F]:
    """Mark a method as one of Resolve's."""

    def mark(function: F) -> F:
        function.__api__ = Api(since, until, studio)  # type: ignore[attr-defined]
        return function

    return mark


def methods(kind: type[Node]) -> Mapping[str, Api]:
    """All methods of Resolve's that a class has in some version."""
    hashable: Any = kind  # mypy takes a type[Node] for what is not
    return _methods(hashable)


@cache
def _methods(kind: type) -> Mapping[str, Api]:
    found = ((name, getattr(getattr(kind, name, None), "__api__", None)) for name in dir(kind))
    return {name: marked for name, marked in found if marked is not None}


def offered(node: Node) -> Sequence[str]:
    """The methods that this version has, as dir() tells."""
    world = node.world
    kind: Any = type(node)
    return _offered(kind, world.version, world.quirks.singular_forms_gone)


@cache
def _offered(kind: type, version: tuple[int, ...], singular_forms_gone: bool) -> Sequence[str]:
    gone = (21, 1) if singular_forms_gone else None
    return [
        name
        for name, marked in methods(kind).items()
        if version >= marked.since and (marked.until is None or gone is None or version < max(gone, marked.until))
    ]


def perform(node: Node, name: str, arguments: list[Any]) -> Any:  # noqa: ANN401 - Resolve's answers have no type
    """Call it as Resolve would: whatever is wrong gives None or False, without a reason."""
    world, what = node.world, f"{node.kind}.{name}"
    function = getattr(type(node), name)
    failure = False if _hints(function).get("return") is bool else None
    if world.modal:
        return False
    if world.free and methods(type(node))[name].studio:
        world.modal = world.quirks.modal_lock
        return failure
    try:
        bound = _signature(function).bind(node, *arguments)
    except TypeError as error:
        world.violated(f"{what}: {error}")
        return failure
    hints = _hints(function)
    for parameter, value in list(bound.arguments.items())[1:]:
        values = value if _is_variadic(function, parameter) else (value,)
        for each in values:
            if not _fits(each, hints.get(parameter, Any)):
                world.violated(f"{what}: {parameter} is {each!r}")
                return failure
    if world.quirks.read_only and _changes(node, name):
        return failure
    return function(*bound.args)


def _changes(node: Node, name: str) -> bool:
    """Whether a call changes a project."""
    return node.kind not in _PROGRAM and not name.startswith(_READS) and name not in _VIEWS


def known_keys(world: World, what: str, table: Mapping[Any, Any], allowed: Iterable[str]) -> bool:
    """Whether a dictionary has documented keys only; keeps those that are not."""
    unknown = set(table) - set(allowed)
    if unknown:
        world.violated(f"{what}: unknown keys {sorted(map(str, unknown))}")
    return not unknown


@cache
def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    import fakes.resolve.api_classes as api_classes

    return typing.get_type_hints(function, vars(api_classes) | function.__globals__)


@cache
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


@cache
def _is_variadic(function: Callable[..., Any], parameter: str) -> bool:
    return _signature(function).parameters[parameter].kind is inspect.Parameter.VAR_POSITIONAL


def _fits(value: object, hint: Any) -> bool:  # noqa: ANN401 - a type
    if hint is Any or hint is object:
        return True
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, each) for each in inner)
    if origin is typing.Literal:
        return value in inner
    if origin is list:
        return isinstance(value, list) and all(_fits(each, inner[0]) for each in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(k, inner[0]) and _fits(v, inner[1]) for k, v in value.items())
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        # Numbers of Lua's are all the same.
        return not isinstance(value, bool) and (
            isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        )
    if hint in (None, type(None)):
        return value is None
    return isinstance(value, hint)
