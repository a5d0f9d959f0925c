"""Steps in any order leave just what was asked for: see `habits`, which tries more of them."""

from __future__ import annotations

import pytest

from resolve.restore.habits import try_sequences


@pytest.mark.parametrize(
    "number",
    [pytest.param(8, id="some"), pytest.param(100, id="many", marks=[pytest.mark.slow, pytest.mark.timeout(900)])],
)
def test_no_sequence_of_an_editors_steps_surprises(number: int) -> None:
    try_sequences(number)
