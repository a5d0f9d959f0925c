"""Models stay as long as they may, go in the right order, and a device that is full is never over-filled twice."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from answerprint.errors import JobFailedError, ModelError
from answerprint.worker.model_cache import WarmModels

GB = 10**9


@dataclass
class Device:
    """A device whose models are strings that tell their size; memory comes back only when it is released."""

    total: int = 10 * GB
    others: int = 0
    """What other programs hold."""
    now: float = 0.0
    held: dict[str, int] = field(default_factory=dict)
    loads: list[str] = field(default_factory=list)
    releases: int = 0
    broken: str = ""
    changes: int = 0

    def load(self, name: str) -> str:
        self.loads.append(name)
        self.now += 2.0
        if name == self.broken:
            raise ModelError("damaged")
        size = self.size(name)
        if size > (self.free() or 0):
            self.held[f"half of {name}"] = size // 2
            raise MemoryError(f"tried to allocate {size}")
        self.held[name] = size
        return name

    def size(self, name: str) -> int:
        return int(name.rpartition("-")[2]) * GB

    def used(self) -> int:
        return sum(self.held.values())

    def free(self) -> int | None:
        return self.total - self.others - self.used()

    def release(self) -> None:
        self.releases += 1
        warm = {entry.name for entry in self.models.entries}
        self.held = {name: size for name, size in self.held.items() if name in warm}

    def changed(self) -> None:
        self.changes += 1

    def __post_init__(self) -> None:
        self.models: WarmModels[str] = WarmModels(
            self.load,
            self,
            lambda error: isinstance(error, MemoryError),
            on_change=self.changed,
            clock=lambda: self.now,
        )

    def work(self, name: str, keep_alive_seconds: float = 300.0) -> None:
        with self.models.use(name, keep_alive_seconds):
            self.now += 10.0

    @property
    def warm(self) -> list[str]:
        return [entry.name for entry in self.models.entries]


def test_the_second_use_loads_nothing() -> None:
    device, stages = Device(), list[str]()
    for _ in range(2):
        with device.models.use("a-2", 300, lambda: stages.append("load")) as model:
            assert model == "a-2"
    assert (device.loads, stages) == (["a-2"], ["load"])
    (entry,) = device.models.entries
    assert (entry.bytes, entry.load_seconds) == (2 * GB, 2.0)


def test_an_unused_model_goes_when_its_time_is_over_and_not_before() -> None:
    device = Device()
    device.work("a-2", 300)
    assert device.models.seconds_to_tidy() == 300
    device.now += 299
    assert not device.models.tidy()
    device.now += 1
    assert device.models.tidy()
    assert device.warm == []
    assert device.used() == 0
    assert device.models.seconds_to_tidy() is None


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_no_time_is_at_once_and_below_zero_is_for_ever(seconds: float) -> None:
    device = Device()
    device.work("a-2", seconds)
    device.now += 10**7
    device.models.tidy()
    assert device.warm == ([] if seconds == 0 else ["a-2"])
    assert device.models.seconds_to_tidy() is None


def test_the_latest_wish_decides_how_long_it_stays() -> None:
    device = Device()
    device.work("a-2", -1)
    device.work("a-2", 5)
    device.now += 5
    device.models.tidy()
    assert device.warm == []


def test_a_model_in_use_stays_whatever_happens() -> None:
    device = Device()
    with device.models.use("a-2", 1):
        device.now += 100
        device.models.unload()
        device.models.limit(1, 9 * GB)
        device.models.tidy()
        assert device.warm == ["a-2"]
    assert device.warm == []


def test_unloading_frees_the_one_that_is_named_or_all() -> None:
    device = Device()
    for name in ("a-1", "b-1", "c-1"):
        device.work(name)
    device.models.unload("b-1")
    assert device.warm == ["a-1", "c-1"]
    device.models.unload("absent")
    device.models.unload()
    assert (device.warm, device.used()) == ([], 0)


def test_a_model_that_was_to_go_and_is_wanted_again_stays() -> None:
    device = Device()
    with device.models.use("a-1", 300):
        device.models.unload("a-1")
        with device.models.use("a-1", 300):
            pass
    assert device.warm == ["a-1"]


def test_the_least_recently_used_go_first_for_the_cap() -> None:
    device = Device()
    device.models.limit(6 * GB, 0)
    for name in ("a-2", "b-2", "c-2", "a-2", "d-2"):
        device.work(name)
    assert device.warm == ["c-2", "a-2", "d-2"]
    device.models.limit(4 * GB, 0)
    assert device.warm == ["a-2", "d-2"]


def test_what_was_measured_once_makes_room_before_the_next_loading() -> None:
    device = Device(total=5 * GB)
    device.work("a-3")
    device.work("b-3")  # did not fit beside a
    assert device.loads == ["a-3", "b-3", "b-3"]
    device.work("a-3")  # known to need 3 GB: b goes first, nothing fails
    assert device.loads == ["a-3", "b-3", "b-3", "a-3"]


def test_warm_models_yield_when_others_need_the_device() -> None:
    device = Device()
    device.models.limit(0, 3 * GB)
    for name in ("a-2", "b-2", "c-2"):
        device.work(name)
    assert device.models.seconds_to_tidy() == 5.0
    device.others = 3 * GB
    assert device.models.tidy()
    assert device.warm == ["b-2", "c-2"]
    device.others = 0
    assert not device.models.tidy()


def test_a_full_device_is_emptied_once_and_tried_again() -> None:
    device = Device()
    for name in ("a-4", "b-4"):
        device.work(name)
    device.work("c-8")
    assert device.loads == ["a-4", "b-4", "c-8", "c-8"]
    assert device.warm == ["c-8"]


def test_a_second_failure_fails_fast_and_leaves_nothing_of_the_model() -> None:
    device = Device()
    device.work("a-4")
    with pytest.raises(JobFailedError, match="does not fit"):
        device.work("b-20")
    assert device.loads == ["a-4", "b-20", "b-20"]
    assert (device.warm, device.used()) == ([], 0)
    with pytest.raises(JobFailedError):
        device.work("b-20")  # nothing is left to evict: one try
    assert device.loads[3:] == ["b-20"]
    device.work("a-4")  # and the device works on
    assert device.warm == ["a-4"]


def test_a_model_in_use_is_not_evicted_for_another() -> None:
    device = Device()
    with device.models.use("a-6", 300):
        with pytest.raises(JobFailedError):
            device.work("b-6")
        assert device.warm == ["a-6"]


def test_an_error_that_is_not_of_memory_is_told_as_it_is() -> None:
    device = Device(broken="a-1")
    with pytest.raises(ModelError):
        device.work("a-1")
    assert device.loads == ["a-1"]
    device.broken = ""
    device.work("a-1")
    assert device.warm == ["a-1"]


def test_a_job_that_fails_leaves_its_model_warm() -> None:
    device = Device()
    with pytest.raises(ZeroDivisionError), device.models.use("a-1", 300):
        raise ZeroDivisionError
    assert device.warm == ["a-1"]
    assert device.models.entries[0].users == 0


def test_every_change_is_told() -> None:
    device = Device()
    device.models.keep("a-1", 300)
    assert device.changes == 1
    device.work("a-1")
    assert device.changes == 3, "in use, and not any more"
    device.models.unload("a-1")
    assert device.changes == 4


def test_a_clock_that_leaps_frees_what_is_over_its_time() -> None:
    """After a night of sleep the device is not found full of models of the day before."""
    device = Device()
    device.work("a-1", 300)
    device.work("b-1", -1)
    device.now += 8 * 3600
    device.models.tidy()
    assert device.warm == ["b-1"]
