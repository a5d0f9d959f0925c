"""What was reported done stays: the measures of it, in small."""

from __future__ import annotations

from pathlib import Path

import pytest

from fault.finished import measure_changes
from fault.races import KINDS, race

pytestmark = pytest.mark.fault


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="the other user is told of changes by Linux")
@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_another_user_swaps_costs_no_source(kind: str) -> None:
    raced = race(kind, 9)
    assert raced.clean, raced


def test_a_source_that_is_rendered_anew_is_never_mixed_with_the_old_one(tmp_path: Path) -> None:
    assert all(figure.met for figure in measure_changes(tmp_path, tries=5))
