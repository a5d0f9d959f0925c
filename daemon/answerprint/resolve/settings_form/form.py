"""A form as data. Each field checks its answers, whichever dialog shows it."""

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
"""Answers by field name: values, or typed text."""

_SWITCH: Mapping[str, bool] = {
    **dict.fromkeys(("on", "yes", "y", "true", "1"), True),
    **dict.fromkeys(("off", "no", "n", "false", "0"), False),
}
_TAKES: Mapping[FieldKind, str] = {
    "choice": "one of the choices",
    "integer": "a whole number",
    "number": "a number",
    "text": "text",
    "switch": "on or off",
    "folder": "a folder",
}


@dataclass(frozen=True, slots=True)
class FormField:
    """One field. default: a value of its kind; None for an empty field, if `empty` allows it.

    choices: values and their labels. minimum, maximum: inclusive, in `unit`. empty: what an empty field means; "" if it
    must not be empty. takes: the valid values, in words.
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
        """The value of an answer, typed or chosen; None for an empty one. Raises InputError, which names the field."""
        if given is None or (isinstance(given, str) and not given.strip()):
            if self.empty:
                return None
            raise self._error("empty")
        value = self._value(given.strip() if isinstance(given, str) else given)
        if value is None:
            raise self._error(repr(given) if isinstance(given, str) else str(given))
        return value

    def shown(self, value: FieldValue) -> str:
        """A value as typed text; "" for None."""
        if isinstance(value, bool):
            return "on" if value else "off"
        if isinstance(value, float):
            return f"{value:.12g}"
        return "" if value is None else str(value)

    @property
    def allowed(self) -> str:
        """The valid values, in words."""
        return self.takes or _TAKES[self.kind] + _limits(self.minimum, self.maximum, self.unit)

    def to_json(self) -> dict[str, object]:
        """The field as JSON, with the valid values in words."""
        return asdict(self) | {"choices": [list(pair) for pair in self.choices], "takes": self.allowed}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FormField:
        """Read `to_json`'s form."""
        return cls(**{**data, "choices": tuple((str(value), str(label)) for value, label in data["choices"])})

    def _value(self, given: object) -> FieldValue:
        """The value of an answer, None if it is not valid."""
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
    """Fields in the order shown. problem: why earlier answers were not valid, or ""."""

    title: str
    intro: str
    fields: tuple[FormField, ...]
    problem: str = ""

    def group(self, group: FieldGroup) -> tuple[FormField, ...]:
        """The fields of a group."""
        return tuple(field for field in self.fields if field.group == group)

    def read(self, answers: Answers) -> dict[str, FieldValue]:
        """The value of every field, its default if there is no answer. Raises InputError, which names the field."""
        known = {field.name for field in self.fields}
        for name in answers:
            if name not in known:
                raise InputError(f"The form has no field {name!r}.", "Update the scripts: answerprint resolve install")
        return {
            field.name: field.read(answers[field.name]) if field.name in answers else field.default
            for field in self.fields
        }

    def again(self, answers: Answers, problem: str) -> Form:
        """The form with the valid answers as its defaults, and a problem to show."""
        return replace(self, fields=tuple(_kept(field, answers) for field in self.fields), problem=problem)

    def to_json(self) -> dict[str, object]:
        """The form as a JSON object; `from_json` restores it."""
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
    """A finite number, None for anything else; whole numbers stay exact."""
    if isinstance(given, str):
        given = _typed(given)
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    return given if isinstance(given, float) and math.isfinite(given) else None


def _typed(text: str) -> int | float | None:
    # Many languages write a decimal comma.
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
    """The form could not be shown; the user has not seen it."""

    code = "cannot_ask"
