"""The folder of answers: capped in size, the least recently used frames go first, and crashes leave nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from answerprint.ofx.frame_cache import FrameCache
from answerprint.ofx.protocol import ShownState, StatusFile

KEY, OTHER = "0123456789abcdef", "fedcba9876543210"
STATUS = StatusFile(ShownState.DONE, 0, 8, 8, b"/clips/a.mov", "Done.")


class Clock:
    """Time in nanoseconds, a second further at each look."""

    now_ns = 10**18

    def __call__(self) -> int:
        self.now_ns += 10**9
        return self.now_ns


@pytest.fixture
def cache(tmp_path: Path) -> FrameCache:
    made = FrameCache(tmp_path / "frames", 1000, clock=Clock())
    made.open()
    return made


def frames(cache: FrameCache) -> set[str]:
    return {path.name for path in cache.folder.glob("*/*") if path.name not in ("status", "fits")}


def put(cache: FrameCache, frame: int, size: int = 250, key: str = KEY) -> bool:
    stored = cache.write_frame(key, 0, frame, bytes(size))
    os.utime(cache.path(key, 0, frame), ns=(10**18 + frame, 10**18 + frame)) if stored else None
    return stored


def test_the_least_recently_used_frames_go_first(cache: FrameCache) -> None:
    for frame in range(4):
        assert put(cache, frame)
    cache.touch(KEY, 0)
    assert put(cache, 4, key=OTHER)
    assert frames(cache) == {"0-0", "0-3", "0-4"}
    assert cache.used_bytes() == 750


def test_a_frame_beyond_the_cap_is_not_stored(cache: FrameCache) -> None:
    assert put(cache, 1)
    assert not put(cache, 2, 1001)
    assert frames(cache) == {"0-1"}


def test_a_smaller_cap_holds_from_the_next_start(cache: FrameCache) -> None:
    for frame in range(4):
        put(cache, frame)
    FrameCache(cache.folder, 300).open()
    assert frames(cache) == {"0-3"}
    FrameCache(cache.folder, 0).open()
    assert frames(cache) == set()


def test_what_a_crash_left_goes_and_others_files_stay(cache: FrameCache) -> None:
    put(cache, 1)
    left = cache.folder / KEY / ".tmp-1-2"
    left.write_bytes(bytes(400))
    os.utime(left, ns=(1, 1))
    (cache.folder / KEY / "notes.txt").write_text("mine")
    cache.open()
    assert not left.exists() and (cache.folder / KEY / "notes.txt").exists() and frames(cache) >= {"0-1"}


def test_the_folder_is_the_users_alone(cache: FrameCache) -> None:
    if os.name != "nt":
        cache.folder.chmod(0o755)
        cache.open()
        assert cache.folder.stat().st_mode & 0o777 == 0o700


def test_a_status_comes_back_and_damage_is_none(cache: FrameCache) -> None:
    assert cache.status(KEY) is None
    assert cache.write_status(KEY, STATUS) and cache.status(KEY) == STATUS
    (cache.folder / KEY / "status").write_bytes(b"APSTATUS")
    assert cache.status(KEY) is None


def test_damaged_fits_are_none(cache: FrameCache) -> None:
    cache.write_fits(KEY, {"place": 1})
    assert cache.fits(KEY) == {"place": 1}
    for damaged in (b"", b"[1]", b"{", b"[" * 100_000):
        (cache.folder / KEY / "fits").write_bytes(damaged)
        assert cache.fits(KEY) == {}


def test_the_frames_of_one_fit_can_go(cache: FrameCache) -> None:
    for fit in (0, 1):
        cache.write_frame(KEY, fit, 5, bytes(10))
    cache.drop_frames(KEY, 0)
    assert frames(cache) == {"1-5"}
    cache.drop_frames(KEY)
    assert frames(cache) == set()


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "frames").write_text("a file")
    cache = FrameCache(tmp_path / "frames", 1000)
    cache.open()
    assert not cache.write_frame(KEY, 0, 1, b"x") and not cache.write_status(KEY, STATUS)
    assert cache.status(KEY) is None and cache.used_bytes() == 0
