"""With consistency off, families give what diffusers' own pipelines give for the same weights and noise."""

from __future__ import annotations

import pytest

from backends.report_equality import BAR, CASES


@pytest.mark.parametrize(("family", "case"), [(family, case) for family, cases in CASES.items() for case in cases])
def test_result_is_the_pipelines(family: str, case: str) -> None:
    found = CASES[family][case]()
    assert found.telling, "flat or clipped pictures would prove nothing"
    assert found.ours.shape == found.theirs.shape
    assert found.error <= BAR
