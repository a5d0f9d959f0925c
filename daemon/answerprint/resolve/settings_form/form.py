"""A form as data: what is asked, what may be answered, and where every answer is checked, however it was asked.

What goes wrong while a person is asked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from answerprint.errors import AnswerprintError, InputError

__all__ = ["Answers", "CannotAskError", "FieldGroup", "FieldKind", "FieldValue", "Form", "FormField"]

FieldKind = Literal["choice", "integer", "number", "text", "switch", "folder"]
FieldGroup = Literal["common", "advanced"]
FieldValue = str | int | float | bool | None
Answers = Mapping[str, object]
"""What a person gave, by the field's name: values, or what was typed."""

_SWITCH: Mapping[str, bool] = {
    **dict.fromkeys(("on", "yes", "y", "true", "1"), True),
    **dict.fromkeys(("off", "no", "n", "false", "0"), False),
}
_TAKES: Mapping[FieldKind, str] = {
    "choice": "one of those that are listed",
    "integer": "a whole number",
    "number": "a number",
    "text": "a text",
    "switch": "on or off",
    "folder": "a folder",
}


@dataclass(frozen=True, slots=True)
class FormField:
    """One question. default: of the kind; None where nothing is given, which `empty` allows.

    choices: values and their labels. minimum, maximum: themselves included, in `unit`. empty: what giving nothing
    means; "" where something has to be given. takes: what is allowed, in words.
    """

    name: str
    label: str
    kind: FieldKind
    default: FieldValue
    help: str
    group: FieldGroup = "common"
    choices: tuple[tuple[str, str], ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    empty: str = ""
    takes: str = ""

    def read(self, given: object) -> FieldValue:
        """The value that was meant, typed or chosen; None for nothing. Raises InputError naming the field."""
        if given is None or (isinstance(given, str) and not given.strip()):
            if self.empty:
                return None
            raise self._error("empty")
        value = self._value(given.strip() if isinstance(given, str) else given)
        if value is None:
            raise self._error(repr(given) if isinstance(given, str) else str(given))
        return value

    def shown(self, value: FieldValue) -> str:
        """A value as it would be typed; "" for nothing."""
        if isinstance(value, bool):
            return "on" if value else "off"
        if isinstance(value, float):
            return f"{value:.12g}"
        return "" if value is None else str(value)

    @property
    def allowed(self) -> str:
        """What may be given, in words."""
        return self.takes or _TAKES[self.kind] + _limits(self.minimum, self.maximum, self.unit)

    def to_json(self) -> dict[str, object]:
        """Every field by name, what is allowed in words with them."""
        return asdict(self) | {"choices": [list(pair) for pair in self.choices], "takes": self.allowed}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FormField:
        """Read `to_json`'s form."""
        return cls(**{**data, "choices": tuple((str(value), str(label)) for value, label in data["choices"])})

    def _value(self, given: object) -> FieldValue:
        """What was meant, None for what is not allowed."""
        if self.kind == "switch":
            return given if isinstance(given, bool) else _SWITCH.get(str(given).lower())
        if self.kind == "choice":
            return next((value for value, label in self.choices if value and given in (value, label)), None)
        if self.kind in ("text", "folder"):
            return given if isinstance(given, str) else None
        number = _number(given)
        if number is None or not self._fits(number):
            return None
        if self.kind == "number":
            return number
        whole = round(number)
        return whole if whole == number else None

    def _fits(self, number: float) -> bool:
        return (self.minimum is None or number >= self.minimum) and (self.maximum is None or number <= self.maximum)

    def _error(self, what: str) -> InputError:
        return InputError(f"{self.label} cannot be {what}.", f"Give {self.allowed}.")


@dataclass(frozen=True, slots=True)
class Form:
    """Questions in the order in which they are shown. problem: why an earlier answer was not taken, or ""."""

    title: str
    intro: str
    fields: tuple[FormField, ...]
    problem: str = ""

    def group(self, group: FieldGroup) -> tuple[FormField, ...]:
        """The questions of a group."""
        return tuple(field for field in self.fields if field.group == group)

    def read(self, answers: Answers) -> dict[str, FieldValue]:
        """The value of every field; its default where there is no answer. Raises InputError naming the field."""
        known = {field.name for field in self.fields}
        for name in answers:
            if name not in known:
                raise InputError(
                    f"The form does not ask for {name!r}.", "Bring the scripts and the program up to date."
                )
        return {
            field.name: field.read(answers[field.name]) if field.name in answers else field.default
            for field in self.fields
        }

    def again(self, answers: Answers, problem: str) -> Form:
        """The form with what was given as its defaults, as far as it can be read, and the problem with it."""
        return replace(self, fields=tuple(_kept(field, answers) for field in self.fields), problem=problem)

    def to_json(self) -> dict[str, object]:
        """As an object of JSON; `from_json` gives the same form again."""
        fields = [field.to_json() for field in self.fields]
        return {"title": self.title, "intro": self.intro, "fields": fields, "problem": self.problem}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Form:
        """Read `to_json`'s form."""
        return cls(**{**data, "fields": tuple(FormField.from_json(each) for each in data["fields"])})


def _kept(field: FormField, answers: Answers) -> FormField:
    try:
        return replace(field, default=field.read(answers[field.name]))
    except (KeyError, InputError):
        return field


def _number(given: object) -> int | float | None:
    """A finite number, None for anything else; whole ones stay exact."""
    if isinstance(given, str):
        given = _typed(given)
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    return given if isinstance(given, float) and math.isfinite(given) else None


def _typed(text: str) -> int | float | None:
    # For half of the world a comma is the point.
    text = text.replace(",", ".") if text.count(",") == 1 else text
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None


def _limits(minimum: float | None, maximum: float | None, unit: str) -> str:
    words = f" of {unit}" if unit else ""
    if minimum is not None and maximum is not None:
        return f"{words} from {_plain(minimum)} to {_plain(maximum)}"
    if minimum is not None:
        return f"{words}, at least {_plain(minimum)}"
    return words if maximum is None else f"{words}, at most {_plain(maximum)}"


def _plain(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:.12g}"


class CannotAskError(AnswerprintError):
    """The form could not be shown; nobody has seen it."""

    code = "cannot_ask"
