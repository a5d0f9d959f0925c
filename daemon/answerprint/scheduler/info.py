"""The state of the daemon: versions, devices, models, disks, jobs and problems."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from answerprint import __version__
from answerprint.api.types import DaemonInfo, Disk
from answerprint.home import flow_cache_folder, state_folder
from answerprint.ipc.messages import Message
from answerprint.scheduler.config import Config
from answerprint.scheduler.device_worker import DeviceWorker
from answerprint.scheduler.journal_thread import JournalThread
from answerprint.scheduler.scheduler import Scheduler
from answerprint.store.quota import room

__all__ = ["Inventory"]

_COUNT_SECONDS = 1.0


class Inventory:
    """Collects the state of the daemon on request."""

    def __init__(self, start_id: str, journal_thread: JournalThread, scheduler: Scheduler, config: Config) -> None:
        self._start_id = start_id
        self._journal_thread = journal_thread
        self._scheduler = scheduler
        self._config = config
        self._began = time.monotonic()
        self._used: dict[Path, int] = {}
        self._counting: asyncio.Task[None] | None = None

    async def info(self) -> DaemonInfo:
        """The current state."""
        counts = await self._journal_thread.run(self._journal_thread.journal.counts)
        workers = self._scheduler.workers
        libraries: dict[str, str] = {}
        for worker in workers:
            libraries |= worker.facts.get("libraries", {})
        return DaemonInfo(
            version=__version__,
            pid=os.getpid(),
            start_id=self._start_id,
            uptime_seconds=time.monotonic() - self._began,
            libraries=libraries,
            devices=_devices(workers),
            warm_models=[model for worker in workers for model in worker.warm()],
            memory_cap_bytes=self._config.memory_cap_bytes,
            keep_alive_seconds=self._config.keep_alive_seconds,
            disks=await self._disks(),
            jobs={state.value: count for state, count in counts.items()},
            suspended=self._scheduler.suspended,
            suspend_reason=self._scheduler.suspend_reason,
            resident_bytes=_resident_bytes(),
            problems=[self._scheduler.problem] if self._scheduler.problem else [],
        )

    async def _disks(self) -> list[Disk]:
        """The folders that grow. Their sizes are counted again; the last ones are used while that takes long."""
        folders = {
            "scratch": self._config.scratch_folder,
            "state": state_folder(),
            "flow-cache": flow_cache_folder(),
        }
        if self._counting is None or self._counting.done():
            self._counting = asyncio.create_task(self._count(folders.values()), name="count")
        await asyncio.wait([self._counting], timeout=_COUNT_SECONDS)
        rooms = await asyncio.to_thread(lambda: [_room(folder) for folder in folders.values()])
        return [
            Disk(purpose, str(folder), free, self._used.get(folder, 0))
            for (purpose, folder), free in zip(folders.items(), rooms, strict=True)
        ]

    async def _count(self, folders: Iterable[Path]) -> None:
        for folder in folders:
            self._used[folder] = await asyncio.to_thread(_used_bytes, folder)


def _devices(workers: Sequence[DeviceWorker]) -> list[Message]:
    """All devices that workers have reported; a worker's own device with its free memory."""
    devices: dict[str, Message] = {}
    for worker in workers:
        for device in worker.facts.get("devices", []):
            devices.setdefault(device["name"], device)
    for worker in workers:
        own = devices.get(str(worker.facts.get("device")))
        if own is not None and worker.memory:
            devices[own["name"]] = {**own, "free_bytes": worker.memory.get("free_bytes")}
    return list(devices.values())


def _room(folder: Path) -> int:
    try:
        return room(folder)
    except OSError:  # the disk is not connected
        return 0


def _used_bytes(folder: Path) -> int:
    used = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                used += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118 - many small files
    return used


def _resident_bytes() -> int:
    if sys.platform != "linux":
        return 0
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
