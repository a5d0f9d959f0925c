"""What an edition and version of DaVinci Resolve can do, and what to do instead, as data.

Whether an object has a method, the object itself tells (`Handle.offers`). This table holds what no object tells, or
what has to be known before there is one. Calling a Studio function on the free edition opens a dialog that blocks all
calls.

Sources: Resolve's README of Developer/Scripting (editions of 2019 to 2026) and its release notes of 19.1, 21.0.4 and
21.1; for the limits of the free edition, reports such as https://github.com/samuelgursky/davinci-resolve-mcp/issues/203.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from answerprint.resolve.errors import EditionError

__all__ = ["RULES", "Capability", "Edition", "Rule"]

_LISTS = (
    "Export the timeline from Resolve (File > Export > Timeline: OTIO or EDL), run"
    " answerprint resolve queue --from FILE --wait, and import the list that it writes."
)
_MENU = "Use Resolve's menu Workspace > Scripts > Answerprint."


class Capability(Enum):
    """What Resolve may be able to do. The value is its name for people."""

    EXTERNAL = "scripting by other programs"
    PYTHON_MENU = "Python scripts in the menu Workspace > Scripts"
    LUA_MENU = "Lua scripts in the menu Workspace > Scripts"
    LUA_PROGRAMS = "starting programs from Lua scripts"
    OWN_PYTHON = "a Python of its own"
    SELECTION = "reading the selected clips"
    MARKS = "reading the timeline's In and Out"
    TYPE = "reading the type of a timeline item"
    SPEED = "reading the speed of a timeline item"
    HANDLES = "rendering with handles"
    WINDOWS = "windows of scripts"


@dataclass(frozen=True, slots=True)
class Rule:
    """The first version that can, for each edition; None: no version can. free_until: the first free one that no longer
    can. instead: what the user does instead.
    """

    studio: tuple[int, ...] | None
    free: tuple[int, ...] | None
    instead: str
    free_until: tuple[int, ...] | None = None


_ALWAYS = (0,)

RULES: Mapping[Capability, Rule] = MappingProxyType(
    {
        Capability.EXTERNAL: Rule(_ALWAYS, None, _MENU),
        Capability.PYTHON_MENU: Rule(_ALWAYS, _ALWAYS, _LISTS, free_until=(21, 1)),
        Capability.LUA_MENU: Rule(_ALWAYS, _ALWAYS, _LISTS),
        Capability.LUA_PROGRAMS: Rule(_ALWAYS, _ALWAYS, _LISTS, free_until=(21, 1)),
        Capability.OWN_PYTHON: Rule(
            (21, 1), None, "Install Python 3 from python.org for all users, then restart Resolve."
        ),
        Capability.SELECTION: Rule(
            (21, 0, 4),
            (21, 0, 4),
            "Set In and Out and use Restore In-Out Range, or use Restore Clip Under Playhead.",
        ),
        Capability.MARKS: Rule((20,), (20,), "Use Restore Clip Under Playhead."),
        Capability.TYPE: Rule(
            (21, 1), (21, 1), "Nothing to do: Answerprint recognises generators and transitions in another way."
        ),
        Capability.SPEED: Rule(
            (21, 1), (21, 1), "Nothing to do: Answerprint calculates the speed from source and record frames."
        ),
        Capability.HANDLES: Rule((21, 0, 4), (21, 0, 4), "Nothing to do: Answerprint renders a longer range."),
        Capability.WINDOWS: Rule(
            _ALWAYS, _ALWAYS, "Nothing to do: messages appear in Workspace > Console.", free_until=(19, 1)
        ),
    }
)
"""Which versions can, and what to do instead."""


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition and a version, such as (True, (21, 0, 4)); () is an unknown version."""

    studio: bool
    version: tuple[int, ...]

    @classmethod
    def of(cls, product: str, version: tuple[int, ...]) -> Edition:
        """From the answers to `GetProductName` and `GetVersion`. An unknown product counts as the free edition."""
        return cls("studio" in product.casefold(), tuple(version[:3]))

    @property
    def words(self) -> str:
        """Its name for people, such as `DaVinci Resolve Studio 21.0.4`."""
        name = "DaVinci Resolve Studio" if self.studio else "DaVinci Resolve (free edition)"
        return f"{name} {'.'.join(map(str, self.version))}".strip()

    def can(self, capability: Capability) -> bool:
        """Whether it can. An unknown version can only what every version can."""
        rule = RULES[capability]
        since = rule.studio if self.studio else rule.free
        if since is None or (self.version < since and since != _ALWAYS):
            return False
        # A free edition of unknown version may be one that no longer can.
        return self.studio or rule.free_until is None or (bool(self.version) and self.version < rule.free_until)

    def instead(self, capability: Capability) -> str:
        """What to do if it cannot; "" if it can."""
        if self.can(capability):
            return ""
        if capability is Capability.EXTERNAL and not self.can(Capability.PYTHON_MENU):
            return _LISTS
        return RULES[capability].instead

    def table(self) -> dict[Capability, str]:
        """Every capability, each with `instead`."""
        return {each: self.instead(each) for each in Capability}

    def need(self, capability: Capability) -> None:
        """Raises EditionError, with what to do instead, if it cannot."""
        if not self.can(capability):
            raise EditionError(f"{self.words} does not support {capability.value}.", self.instead(capability))
