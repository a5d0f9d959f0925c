"""A request means the same on both sides of the pipe, and a wrong one is refused in words."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import PreviewRequest, RestoreRequest
from answerprint.errors import InputError
from answerprint.frames.frame import FrameRange

SIZES = st.none() | st.tuples(st.integers(1, 9999), st.integers(1, 9999))
REQUESTS = st.builds(
    RestoreRequest,
    clip=st.builds(ClipRef.from_settings, st.text(min_size=1), st.none() | st.text()),
    output=st.text(min_size=1),
    size=SIZES,
    chunk=st.none() | st.integers(1, 99),
    steps=st.none() | st.integers(1, 999),
    seed=st.integers(0, 2**63 - 1),
    strength=st.floats(0, 1),
    consistency=st.booleans(),
    options=st.dictionaries(st.text(), st.text()),
    overwrite=st.booleans(),
    parts=st.lists(st.tuples(st.text(), st.just(FrameRange(2, 5))), max_size=2).map(tuple),
)


@given(REQUESTS)
def test_a_request_survives_its_journey(request: RestoreRequest) -> None:
    assert RestoreRequest.from_json(json.loads(json.dumps(request.to_json()))) == request


@given(REQUESTS, st.integers(0, 10**6), st.integers(1, 99))
def test_a_preview_survives_its_journey(request: RestoreRequest, frame: int, count: int) -> None:
    preview = PreviewRequest(request, frame, count)
    assert PreviewRequest.from_json(json.loads(json.dumps(preview.to_json()))) == preview


@pytest.mark.parametrize(("text", "factor"), [("2", 2), ("1.5", Fraction(3, 2)), ("3/2", Fraction(3, 2)), (None, None)])
def test_a_scale_is_exact(text: str | None, factor: Fraction | None) -> None:
    assert RestoreRequest(ClipRef("a"), "b", scale=text).factor == factor


@pytest.mark.parametrize(
    "wrong",
    [
        {"grain": 1},
        {"scale": "0"},
        {"scale": "1/0"},
        {"scale": "-1"},
        {"scale": "1e999999999"},
        {"scale": 2},
        {"scale": "2", "size": [4, 4]},
        {"size": [0, 4]},
        {"size": [4]},
        {"size": "4x4"},
        {"steps": 0},
        {"steps": True},
        {"steps": 2.5},
        {"chunk": 0},
        {"seed": -1},
        {"seed": 2**63},
        {"seed": None},
        {"strength": 1.01},
        {"strength": float("nan")},
        {"strength": "1"},
        {"consistency": 1},
        {"options": {"a": 1}},
        {"options": ["a"]},
        {"parts": "abc"},
        {"parts": [["/a.mov", 5, 2]]},
        {"parts": [["/a.mov", 5]]},
        {"input": ""},
        {"output": None},
    ],
)
def test_a_wrong_setting_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        RestoreRequest.from_json({"input": "a", "output": "b", **wrong})


@pytest.mark.parametrize("data", [{"output": "b"}, {"input": "a"}, {}])
def test_input_and_output_are_needed(data: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        RestoreRequest.from_json(data)


@pytest.mark.parametrize(
    "wrong", [{"frame": -1}, {"frame": "1"}, {}, {"frame": 1, "count": 0}, {"frame": 1, "count": None}]
)
def test_a_wrong_preview_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        PreviewRequest.from_json({"input": "a", "output": "b", **wrong})
