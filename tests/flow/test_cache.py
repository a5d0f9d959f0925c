"""The flow cache: never a wrong pair, never more than its capacity, never in the way of the work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from answerprint.flow import cache as cache_module
from answerprint.flow.cache import QUARANTINE_FILES, FlowCache
from answerprint.flow.entries import ABANDONED_NS
from answerprint.flow.source import FlowSource
from flow.scenes import ShiftEstimator, fed, random_pair, same_bits

KEYS = [f"{n:02x}" * 32 for n in range(64)]
CAPACITY = 10**8


class Clock:
    """Nanoseconds that pass when told, 10 s at a time."""

    def __init__(self, start_ns: int = 10**18) -> None:
        self.now_ns = start_ns

    def __call__(self) -> int:
        return self.now_ns

    def tick(self) -> None:
        self.now_ns += 10 * 10**9


def entry_bytes() -> int:
    return 32 + len(random_pair().to_bytes())


def room_for(count: int) -> int:
    """Capacity that holds `count` pairs, and not one more, with nothing above the low-water mark of eviction."""
    return int(entry_bytes() * (count + 0.5))


def flip_a_bit(path: Path, _: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


def truncate(path: Path, _: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def empty(path: Path, _: Path) -> None:
    path.write_bytes(b"")


def swap(path: Path, other: Path) -> None:
    mine, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(mine)


@pytest.mark.parametrize("damage", [flip_a_bit, truncate, empty, swap])
def test_a_damaged_entry_is_put_aside_and_computed_again(tmp_path: Path, damage: Callable[[Path, Path], None]) -> None:
    a, b, c = fed(0), fed(1), fed(2)
    first = FlowSource(ShiftEstimator(), FlowCache(tmp_path, CAPACITY))
    good = first.between(a, b)
    (path,) = tmp_path.rglob("*.flow")
    first.between(a, c)
    (other,) = set(tmp_path.rglob("*.flow")) - {path}
    damage(path, other)

    cache = FlowCache(tmp_path, CAPACITY)
    source = FlowSource(ShiftEstimator(), cache)
    assert same_bits(source.between(a, b), good)
    assert (source.hits, source.misses, cache.counters.damaged) == (0, 1, 1)
    assert cache.info().quarantined == 1
    assert same_bits(source.between(a, b), good)
    assert source.hits == 1


def test_the_quarantine_keeps_the_latest_few(tmp_path: Path) -> None:
    clock = Clock()
    cache = FlowCache(tmp_path, CAPACITY, clock=clock)
    for key in KEYS[: QUARANTINE_FILES + 5]:
        cache.put(key, random_pair())
        cache.path(key).write_bytes(b"rubbish")
        clock.tick()
        assert cache.get(key) is None
    assert cache.counters.damaged == QUARANTINE_FILES + 5
    assert cache.info().quarantined == QUARANTINE_FILES
    assert cache.clear() == 0
    assert cache.info().quarantined == 0


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    clock = Clock()
    cache = FlowCache(tmp_path, room_for(4), clock=clock)
    for key in KEYS[:4]:
        cache.put(key, random_pair())
        clock.tick()
    for key in (KEYS[0], KEYS[2]):
        assert cache.get(key) is not None
        clock.tick()
    cache.put(KEYS[4], random_pair())
    clock.tick()
    assert [key in stored(cache) for key in KEYS[:5]] == [True, False, True, True, True]
    cache.put(KEYS[5], random_pair())
    assert [key in stored(cache) for key in KEYS[:6]] == [True, False, True, False, True, True]
    assert cache.counters.evicted == 2


def stored(cache: FlowCache) -> set[str]:
    """The keys there are, without using them."""
    return {key for key in KEYS if cache.path(key).exists()}


def test_the_capacity_holds_however_much_is_put(tmp_path: Path) -> None:
    clock = Clock()
    cache = FlowCache(tmp_path, room_for(5), clock=clock)
    for key in KEYS:
        cache.put(key, random_pair())
        clock.tick()
        assert cache.info().bytes <= cache.info().capacity_bytes
    assert KEYS[-1] in stored(cache)
    assert cache.info().entries >= 4


def test_what_other_processes_store_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "PUTS_BETWEEN_LISTINGS", 2)
    clock = Clock()
    mine, theirs = (FlowCache(tmp_path, room_for(8), clock=clock) for _ in range(2))
    for key, other in zip(KEYS[:30], KEYS[30:60], strict=True):
        mine.put(key, random_pair())
        clock.tick()
        theirs.put(other, random_pair())
        clock.tick()
    assert mine.info().entries <= 8 + 2 * 2


def test_a_pair_larger_than_the_capacity_is_not_stored_and_evicts_nothing(tmp_path: Path) -> None:
    cache = FlowCache(tmp_path, room_for(1))
    cache.put(KEYS[0], random_pair())
    cache.put(KEYS[1], random_pair(height=200, width=200))
    assert stored(cache) == {KEYS[0]}
    assert cache.counters.refused == 1


HOLDER = """
import sys
from pathlib import Path
from answerprint.flow.cache import FlowCache
cache = FlowCache(Path(sys.argv[1]), 10**8)
with cache.lease():
    for key in sys.argv[2:]:
        assert cache.get(key) is not None
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path, *keys: str) -> subprocess.Popen[str]:
    """A real second process that uses `keys` under a lease until its input ends or it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), *keys],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("ending", ["killed", "done"])
def test_what_a_running_job_uses_is_not_evicted_until_it_ends(tmp_path: Path, ending: str) -> None:
    clock = Clock()
    cache = FlowCache(tmp_path, room_for(4), clock=clock)
    for key in KEYS[:4]:
        cache.put(key, random_pair())
        clock.tick()
    with holder(tmp_path, KEYS[0], KEYS[1]) as process:
        try:
            assert cache.info().leases == 1
            for key in KEYS[4:12]:
                cache.put(key, random_pair())
                clock.tick()
            assert {KEYS[0], KEYS[1]} < stored(cache)
            assert cache.clear() == len(stored(cache)) or stored(cache) == {KEYS[0], KEYS[1]}
            assert stored(cache) == {KEYS[0], KEYS[1]}
            if ending == "killed":
                process.kill()
            else:
                process.communicate("")
        finally:
            process.kill()
            process.wait()
    leases = list((tmp_path / "leases").iterdir())
    assert len(leases) == (1 if ending == "killed" else 0)
    assert cache.info().leases == 0
    assert list((tmp_path / "leases").iterdir()) == []
    assert cache.clear() == 2
    assert stored(cache) == set()


def test_a_cache_full_of_entries_in_use_stores_no_more_and_takes_up_again_afterwards(tmp_path: Path) -> None:
    clock = Clock()
    cache = FlowCache(tmp_path, room_for(3), clock=clock)
    with cache.lease():
        for key in KEYS[:6]:
            clock.tick()
            cache.put(key, random_pair())
        assert stored(cache) == set(KEYS[:3])
        assert cache.counters.refused == 3
    clock.tick()
    cache.put(KEYS[7], random_pair())
    assert KEYS[7] in stored(cache)
    assert cache.info().bytes <= cache.info().capacity_bytes


def test_entries_used_before_the_oldest_lease_may_go(tmp_path: Path) -> None:
    clock = Clock()
    cache = FlowCache(tmp_path, room_for(3), clock=clock)
    for key in KEYS[:3]:
        cache.put(key, random_pair())
        clock.tick()
    with cache.lease():
        clock.tick()
        assert cache.get(KEYS[0]) is not None
        for key in KEYS[3:5]:
            clock.tick()
            cache.put(key, random_pair())
        assert stored(cache) == {KEYS[0], KEYS[3], KEYS[4]}


def test_a_file_in_place_of_the_folder_costs_only_the_cache(tmp_path: Path) -> None:
    place = tmp_path / "cache"
    place.write_text("in the way")
    cache = FlowCache(place, CAPACITY)
    source = FlowSource(ShiftEstimator(), cache)
    with cache.lease():
        first, second = source.between(fed(0), fed(1)), source.between(fed(0), fed(1))
    assert same_bits(first, second)
    assert (source.hits, source.misses) == (0, 2)
    assert cache.counters.failures > 0
    assert cache.info().entries == 0
    assert cache.clear() == 0

    place.unlink()
    source.between(fed(0), fed(1))
    source.between(fed(0), fed(1))
    assert (source.hits, cache.info().entries) == (1, 1)


FULL = """
import resource, sys
from pathlib import Path
from answerprint.flow.cache import FlowCache
sys.path.insert(0, sys.argv[2])
from flow.scenes import random_pair, same_bits
cache = FlowCache(Path(sys.argv[1]), 10**8)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
cache.put("ab" * 32, random_pair())
left = [str(path) for path in Path(sys.argv[1]).rglob("*") if path.is_file()]
assert cache.counters.failures == 1 and not left, left
assert cache.get("ab" * 32) is None
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
cache.put("ab" * 32, random_pair())
assert same_bits(cache.get("ab" * 32), random_pair())
print("recovered")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on file sizes to stand in for a full disk")
def test_a_disk_that_takes_no_more_costs_only_the_cache_and_is_used_again_afterwards(tmp_path: Path) -> None:
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path), str(tests)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "recovered\n", done.stderr


def test_what_a_dead_process_left_half_written_is_removed_in_time(tmp_path: Path) -> None:
    clock = Clock()
    cache = FlowCache(tmp_path, CAPACITY, clock=clock)
    cache.put(KEYS[0], random_pair())
    left = cache.path(KEYS[0]).with_name(".tmp-1-dead")
    left.write_bytes(b"half")
    os.utime(left, ns=(clock.now_ns, clock.now_ns))
    assert cache.info().entries == 1
    assert left.exists()
    clock.now_ns += ABANDONED_NS + 1
    assert cache.info().entries == 1
    assert not left.exists()


def test_an_absent_folder_is_an_empty_cache_and_is_not_made_by_looking(tmp_path: Path) -> None:
    cache = FlowCache(tmp_path / "none", CAPACITY)
    info = cache.info()
    assert (info.entries, info.bytes, info.quarantined, info.leases) == (0, 0, 0, 0)
    assert cache.get(KEYS[0]) is None
    assert cache.clear() == 0
    assert not (tmp_path / "none").exists()


def test_the_command_line_can_use_the_cache_without_opencv_or_torch() -> None:
    code = "import sys, answerprint.flow.cache; print(*(name in sys.modules for name in ('cv2', 'torch', 'av')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "False"]


def test_leases_of_many_processes_and_a_scanner_do_not_lose_each_other(tmp_path: Path) -> None:
    """A new lease file, not yet locked, looks stale to a scanner: its maker must notice and make another."""
    with FlowCache(tmp_path, CAPACITY).lease():
        pass
    scan = "import sys; from pathlib import Path; from answerprint.flow.lease import live_leases\n"
    scan += "while True: live_leases(Path(sys.argv[1]))"
    scanner = subprocess.Popen([sys.executable, "-c", scan, str(tmp_path / "leases")])
    try:
        cache = FlowCache(tmp_path, CAPACITY)
        for _ in range(300):
            with cache.lease():
                assert cache.info().leases == 1
        assert cache.counters.failures == 0
    finally:
        scanner.kill()
        scanner.wait()
