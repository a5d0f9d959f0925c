"""Device names in jobs, and the workers that own the devices: one per device, whatever name is used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from answerprint.ipc.child import Child
from answerprint.scheduler.config import Config
from answerprint.scheduler.device_worker import DeviceWorker

__all__ = ["DEVICE_NAMES", "NO_DEVICE", "DevicePool"]

_BY_SPEED = ("cuda:0", "mps", "cpu")
"""What `auto` can mean, the best first."""

DEVICE_NAMES = frozenset({"auto", "cpu", "mps", "cuda", *(f"cuda:{index}" for index in range(100))})
"""Every valid name; whether the device exists, only the worker knows."""


NO_DEVICE = "none"
"""Where a job stands in the queue that restores nothing: a device that is never taken."""


class DevicePool:
    """The workers by device, created when first used."""

    def __init__(
        self, start_worker: Callable[[], Awaitable[Child]], config: Config, *, on_ready: Callable[[], None]
    ) -> None:
        self._start_worker = start_worker
        self._config = config
        self._on_ready = on_ready
        self._workers: dict[str, DeviceWorker] = {}

    @property
    def workers(self) -> list[DeviceWorker]:
        """All workers created so far."""
        return list(self._workers.values())

    def worker(self, name: str) -> DeviceWorker:
        """The worker for a device; `auto` shares the worker of the device that it means."""
        device = self._device(name)
        for worker in self.workers:
            if device in (worker.device, _actual(worker)):
                return worker
        worker = DeviceWorker(device, self._start_worker, self._config, on_ready=self._on_ready)
        self._workers[device] = worker
        return worker

    def of(self, worker: DeviceWorker) -> set[str]:
        """All names of a worker's device, including possible ones until it is known what `auto` means."""
        device = _actual(worker)
        names = {each for each in DEVICE_NAMES if self._device(each) == device}
        if self._best is None:
            names |= {"auto"} | (set(_BY_SPEED) | {"cuda"} if device == "auto" else set())
        return names

    def free(self, taken: Collection[str]) -> set[str]:
        """All names, except those of busy devices (`taken`) and of a worker that is still starting."""
        busy = [each for each in self.workers if each.device in taken or (each.busy and not each.facts)]
        return {NO_DEVICE, *DEVICE_NAMES}.difference(*(self.of(worker) for worker in busy))

    def _device(self, name: str) -> str:
        """The device that a name means, if known."""
        if name == "auto":
            return self._best or name
        return "cuda:0" if name == "cuda" else name

    @property
    def _best(self) -> str | None:
        """What `auto` means; None until a worker has reported its devices."""
        for worker in self.workers:
            there = {str(device.get("name")) for device in worker.facts.get("devices", [])}
            if found := next((name for name in _BY_SPEED if name in there), None):
                return found
        return None


def _actual(worker: DeviceWorker) -> str:
    return str(worker.facts.get("device", worker.device))
