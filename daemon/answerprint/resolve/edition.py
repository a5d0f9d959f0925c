"""What an edition and version of DaVinci Resolve can do, and what to do where it cannot, as data.

Whether an object has a method is asked of the object (`Handle.offers`); what is here cannot be asked, or would have
to be asked of an object that is not at hand. Asking the free edition for what is Studio's opens a dialog that blocks.

Sources: Resolve's README of Developer/Scripting (editions of 2019 to 2026) and its release notes of 19.1, 21.0.4 and
21.1; for what the free edition refuses, reports such as https://github.com/samuelgursky/davinci-resolve-mcp/issues/203.
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
    " answerprint resolve queue --from FILE, and import the list that comes back."
)
_MENU = "Use Resolve's menu Workspace > Scripts > Answerprint."


class Capability(Enum):
    """What a way of working needs; the value is its name for people."""

    EXTERNAL = "other programs may script Resolve"
    PYTHON_MENU = "Python scripts in the menu Workspace > Scripts"
    LUA_MENU = "Lua scripts in that menu"
    LUA_PROGRAMS = "Lua scripts may start programs"
    OWN_PYTHON = "brings its own Python"
    SELECTION = "scripts see which clips are selected"
    MARKS = "scripts see In and Out of the timeline"
    TYPE = "scripts see what kind an item is"
    SPEED = "scripts see the speed of an item"
    HANDLES = "renders with handles"
    WINDOWS = "scripts may open windows"


@dataclass(frozen=True, slots=True)
class Rule:
    """The first version that can, by edition; None: none can. free_until: the first free one that no longer can."""

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
            (21, 1), None, "Install Python 3 from python.org for all users, and start Resolve again."
        ),
        Capability.SELECTION: Rule(
            (21, 0, 4),
            (21, 0, 4),
            "Mark the clips with In and Out and use Restore In-Out Range, or use Restore Clip Under Playhead.",
        ),
        Capability.MARKS: Rule((20,), (20,), "Use Restore Clip Under Playhead."),
        Capability.TYPE: Rule(
            (21, 1), (21, 1), "Nothing: items without a clip in the media pool are told apart by what they lack."
        ),
        Capability.SPEED: Rule(
            (21, 1), (21, 1), "Nothing: the speed is worked out from the frames of source and timeline, and checked."
        ),
        Capability.HANDLES: Rule((21, 0, 4), (21, 0, 4), "Nothing: handles are rendered as a longer range."),
        Capability.WINDOWS: Rule(
            _ALWAYS, _ALWAYS, "Nothing: what there is to say is in Workspace > Console.", free_until=(19, 1)
        ),
    }
)
"""What each needs, and what to do without it."""


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition and a version, such as (True, (21, 0, 4)); a version that is not known is ()."""

    studio: bool
    version: tuple[int, ...]

    @classmethod
    def of(cls, product: str, version: tuple[int, ...]) -> Edition:
        """From what Resolve says of itself (`GetProductName`, `GetVersion`); a product that is not known is free."""
        return cls("studio" in product.casefold(), tuple(version[:3]))

    @property
    def words(self) -> str:
        """Such as `DaVinci Resolve Studio 21.0.4`."""
        name = "DaVinci Resolve Studio" if self.studio else "DaVinci Resolve (free edition)"
        return f"{name} {'.'.join(map(str, self.version))}".strip()

    def can(self, capability: Capability) -> bool:
        """Whether it can; of a version that is not known, what every version can."""
        rule = RULES[capability]
        since = rule.studio if self.studio else rule.free
        if since is None or (self.version < since and since != _ALWAYS):
            return False
        # A free edition whose version is not known may be one that no longer can.
        return self.studio or rule.free_until is None or (bool(self.version) and self.version < rule.free_until)

    def instead(self, capability: Capability) -> str:
        """What to do where it cannot; "" where it can."""
        if self.can(capability):
            return ""
        if capability is Capability.EXTERNAL and not self.can(Capability.PYTHON_MENU):
            return _LISTS
        return RULES[capability].instead

    def table(self) -> dict[Capability, str]:
        """Every capability: "" where it can, else what to do instead."""
        return {each: self.instead(each) for each in Capability}

    def need(self, capability: Capability) -> None:
        """Raises EditionError where it cannot, with what to do instead."""
        if not self.can(capability):
            raise EditionError(f"{self.words} cannot do this: {capability.value}.", self.instead(capability))
