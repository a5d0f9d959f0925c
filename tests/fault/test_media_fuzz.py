"""Media that somebody tampered with end in a clean error, in little time and memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from fault.media_fuzz import fuzz_media

MOST_BYTES = 512 << 20


@pytest.mark.parametrize("seconds", [1.0, pytest.param(20.0, marks=pytest.mark.fault)])
def test_changed_media_give_nothing_but_clean_errors(seconds: float, tmp_path: Path) -> None:
    fuzzed = fuzz_media(tmp_path, seconds, seed=round(seconds))
    assert fuzzed.clean, fuzzed
    assert fuzzed.peak_bytes < MOST_BYTES, fuzzed
