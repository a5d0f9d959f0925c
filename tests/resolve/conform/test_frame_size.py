"""A clip is as large as the timeline shows it, within what it has and what the model can."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerprint.errors import InputError
from answerprint.resolve.conform.handles import frame_size

HD, UHD = (1920, 1080), (3840, 2160)


@pytest.mark.parametrize(
    ("source", "timeline", "aspect", "size"),
    [
        (HD, UHD, Fraction(1), UHD),
        (HD, HD, Fraction(1), HD),
        (UHD, HD, Fraction(1), UHD),
        ((720, 576), HD, Fraction(16, 15), (1350, 1080)),
        ((720, 576), HD, Fraction(64, 45), (1350, 1080)),
        ((720, 480), HD, Fraction(1), (1620, 1080)),
        ((320, 240), UHD, Fraction(1), (1280, 960)),
        ((2048, 858), UHD, Fraction(1), (3840, 1608)),
    ],
)
def test_the_source_fills_the_timeline_as_its_pixels_have_it(
    source: tuple[int, int], timeline: tuple[int, int], aspect: Fraction, size: tuple[int, int]
) -> None:
    assert frame_size(source, timeline, aspect=aspect) == size


sides = st.integers(2, 5000)
aspects = st.fractions(Fraction(1, 2), 2)


@given(st.tuples(sides, sides), st.tuples(sides, sides), aspects, aspects)
def test_sizes_are_even_keep_the_shape_and_stay_in_bounds(
    source: tuple[int, int], timeline: tuple[int, int], aspect: Fraction, timeline_aspect: Fraction
) -> None:
    width, height = frame_size(source, timeline, aspect=aspect, timeline_aspect=timeline_aspect)
    assert width % 2 == height % 2 == 0
    assert abs(width / source[0] - height / source[1]) <= 1 / source[0] + 1 / source[1] + 1e-9
    for side, own in ((width, source[0]), (height, source[1])):
        assert own - 1 <= side <= 4 * own + 1


def test_a_scale_or_a_size_is_taken_as_asked() -> None:
    assert frame_size(HD, HD, scale=Fraction(2)) == UHD
    assert frame_size((721, 577), HD, scale=Fraction(3, 2)) == (1082, 866)
    assert frame_size(HD, HD, size=(2048, 1152)) == (2048, 1152)


def test_more_than_the_model_can_is_refused() -> None:
    with pytest.raises(InputError, match="4"):
        frame_size(HD, HD, scale=Fraction(5))
    with pytest.raises(InputError):
        frame_size((320, 240), HD, size=HD)
    assert frame_size((320, 240), HD, size=HD, largest=Fraction(6)) == HD
