"""The options of the method are the fields of `MethodOptions`, and no other value gets into them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from answerprint.errors import InputError
from answerprint.temporal.option_help import HELP
from answerprint.temporal.options import PAPER, MethodOptions, describe, parse_option


def test_every_field_is_described_with_its_own_default() -> None:
    assert list(HELP) == [field.name for field in fields(MethodOptions)]
    assert {option.name: option.default for option in describe()} == {
        field.name: getattr(MethodOptions(), field.name) for field in fields(MethodOptions)
    }


def test_what_one_way_of_working_is_typed_as_gives_it_back() -> None:
    options = MethodOptions()
    for option in describe():
        options = parse_option(options, option.name.replace("_", "-"), option.text(getattr(PAPER, option.name)))
    assert options == PAPER


@pytest.mark.parametrize(
    "change",
    [
        {"chunk": 0},
        {"keyframe": "last"},
        {"warp_stage": (0.5, 0.2)},
        {"warp_strength": 1.1},
        {"warp_tolerance": -0.1},
        {"merge_ratio": float("nan")},
        {"merge_alignment": 0.6},
        {"refresh": 0},
        {"window": -1},
    ],
    ids=str,
)
def test_a_value_that_is_not_allowed_is_refused_however_it_comes(change: dict[str, Any]) -> None:
    ((name, value),) = change.items()
    with pytest.raises(InputError, match=f"Option {name} does not take"):
        replace(MethodOptions(), **change)
    text = next(option for option in describe() if option.name == name).text(value)
    with pytest.raises(InputError, match=f"Option {name} does not take"):
        parse_option(MethodOptions(), name, text)


def test_an_unknown_option_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"Unknown option 'grain'.*merge_ratio"):
        parse_option(MethodOptions(), "grain", "1")
