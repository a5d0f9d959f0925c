"""A setting of the method or of a model, described as data: front ends show it, and its values are checked here.

Standard library only, so that the command line, the protocol and plugins can all build their forms from it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Literal, get_args

from answerprint.errors import InputError

__all__ = ["Option", "OptionGroup", "OptionKind", "OptionValue"]

OptionKind = Literal["bool", "int", "float", "choice", "text"]
OptionGroup = Literal["basic", "advanced"]
OptionValue = bool | int | float | str | tuple[float, float]
"""A checked value; a pair of numbers for the format span."""

_BOOLS: Mapping[str, bool] = MappingProxyType(
    {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A setting, described so that any front end can show it without knowing what it does.

    Values are passed as text, as typed: `text` and `parse` are inverse to each other.
    """

    name: str
    kind: OptionKind
    default: OptionValue
    help: str
    """One sentence for the user."""
    group: OptionGroup = "advanced"
    minimum: float | None = None
    """Smallest allowed number, inclusive; None is no limit. The same holds for `maximum`."""
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    """The choices, for the kind choice."""
    unit: str = ""
    """Unit of a number, in the plural; empty for plain numbers and fractions."""
    format: Literal["", "span"] = ""
    """For the kind text: span is two numbers FROM-TO within the limits; empty is a line of text."""

    def __post_init__(self) -> None:
        """Raise ValueError for an invalid description, which is a defect of the program."""
        if self.kind not in get_args(OptionKind) or self.group not in get_args(OptionGroup) or not self.help:
            raise ValueError(f"option {self.name} is of no known kind or group, or has no help")
        if not self._allows(self.default):
            raise ValueError(f"option {self.name} does not allow its own default {self.default!r}")

    @property
    def form(self) -> str:
        """The allowed values in words."""
        if self.kind == "bool":
            return "on or off"
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        if self.kind == "text" and not self.format:
            return "text"
        noun = "two numbers FROM-TO" if self.format else "a whole number" if self.kind == "int" else "a number"
        example = ", such as 0-0.3" if self.format else ""
        return noun + self._limits() + (f", in {self.unit}" if self.unit else "") + example

    @property
    def default_text(self) -> str:
        """The default as text."""
        return self.text(self.default)

    def text(self, value: OptionValue) -> str:
        """A value as text, as a user would type it."""
        if isinstance(value, bool):
            return "on" if value else "off"
        if isinstance(value, tuple):
            return "-".join(f"{end:.12g}" for end in value)
        return f"{value:.12g}" if isinstance(value, float) else str(value)

    def parse(self, text: str) -> OptionValue:
        """Parse and check a value. Raises InputError with the option, the text and the allowed values."""
        return self.check(self._read(text), text)

    def check(self, value: OptionValue | None, given: str | None = None) -> OptionValue:
        """Return the value if it is allowed. Raises InputError like `parse`. given: what the user typed, if known."""
        if value is None or not self._allows(value):
            shown = repr(given) if given is not None else "nothing" if value is None else self.text(value)
            raise InputError(f"Option {self.name} does not take {shown}.", f"Give {self.form}.")
        return value

    def to_json(self) -> dict[str, object]:
        """All fields by name; the default of a span is text, as JSON has no pairs."""
        default = self.default_text if self.format else self.default
        return asdict(self) | {"default": default, "choices": list(self.choices)}

    def _limits(self) -> str:
        if self.minimum is not None and self.maximum is not None:
            return f" from {self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None:
            return f" of at least {self.minimum:g}"
        return "" if self.maximum is None else f" of at most {self.maximum:g}"

    def _read(self, text: str) -> OptionValue | None:
        """The text as a value of the kind, allowed or not; None if it is none."""
        try:
            if self.format == "span":
                begin, _, end = text.partition("-")
                return float(begin), float(end)
            if self.kind == "bool":
                return _BOOLS.get(text.lower())
            if self.kind == "int":
                return int(text)
            return float(text) if self.kind == "float" else text
        except ValueError:
            return None

    def _allows(self, value: OptionValue) -> bool:
        if self.format == "span":
            return isinstance(value, tuple) and len(value) == 2 and value[0] <= value[1] and all(map(self._fits, value))
        if self.kind == "bool":
            return isinstance(value, bool)
        if self.kind == "choice":
            return value in self.choices
        if self.kind == "text":
            return isinstance(value, str)
        if isinstance(value, bool) or not isinstance(value, int if self.kind == "int" else int | float):
            return False
        return self._fits(value)

    def _fits(self, number: float) -> bool:
        """Finite and within the limits; NaN is neither."""
        return (
            -math.inf < number < math.inf
            and (self.minimum is None or number >= self.minimum)
            and (self.maximum is None or number <= self.maximum)
        )
