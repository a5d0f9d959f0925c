"""Which steps are guided."""

from __future__ import annotations

import pytest

from answerprint.backends.guidance import GUIDANCE, GUIDANCE_STOP, NEGATIVE_PROMPT, PROMPT, Guidance

TIMES = [901, 601, 301, 1]


@pytest.mark.parametrize(
    ("stop", "last"), [(0, None), (0.001, 901), (0.25, 901), (0.26, 601), (0.5, 601), (0.75, 301), (1, 1)]
)
def test_share_of_the_steps_is_rounded_up(stop: float, last: int | None) -> None:
    assert Guidance("cat", "", 4, stop).last(TIMES) == last


@pytest.mark.parametrize("steps", range(1, 60))
def test_share_in_decimals_gives_its_own_step(steps: int) -> None:
    """k / n has no exact binary form for most n, and must not be rounded up beyond k."""
    times = list(range(steps, 0, -1))
    assert [Guidance("cat", "", 4, k / steps).last(times) for k in range(1, steps + 1)] == times


def test_nothing_is_guided_where_it_would_change_nothing() -> None:
    assert Guidance("cat", "dog", 1, 1).last(TIMES) is None
    assert Guidance("", "", 9, 1).last(TIMES) is None
    assert Guidance("cat", "cat", 9, 1).last(TIMES) is None


def test_defaults_are_read_from_the_options() -> None:
    options = (PROMPT, NEGATIVE_PROMPT, GUIDANCE, GUIDANCE_STOP)
    assert Guidance.read({option.name: option.default_text for option in options}) == Guidance("", "", 9.0, 1.0)
