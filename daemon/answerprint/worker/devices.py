"""Devices of this computer: choosing one, its memory, and the peak memory of a job."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import torch

from answerprint.errors import InputError
from answerprint.temporal.stopwatch import Stopwatch

__all__ = ["DeviceMemory", "choose_device", "list_devices", "peak_memory_bytes", "reset_peak_memory", "stopwatch"]


def choose_device(name: str) -> torch.device:
    """`auto` takes the first available of CUDA, MPS and CPU. Raises InputError if the device is not available."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda:0")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    available = ["cpu"]
    available += [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    available += ["mps"] if torch.backends.mps.is_available() else []
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in available:
        raise InputError(f"Device {name!r} is not available.", f"Choose auto or one of {', '.join(available)}.")
    return torch.device(wanted)


def stopwatch(device: torch.device) -> Stopwatch:
    """A stopwatch that synchronises with `device` at each stage boundary."""
    return Stopwatch(lambda: torch.cuda.synchronize(device)) if device.type == "cuda" else Stopwatch()


def reset_peak_memory(device: torch.device) -> None:
    """Reset the peak that `peak_memory_bytes` reports (CUDA only)."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_bytes(device: torch.device) -> int | None:
    """Peak memory of this process on `device` (for the CPU: resident); None if unknown."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "linux":
        # Not getrusage: its maximum survives exec, so a child would start with its parent's.
        status = Path("/proc/self/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
    if sys.platform == "win32":
        return None
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(used) if sys.platform == "darwin" else int(used) * 1024


class DeviceMemory:
    """Memory of a device: of a GPU by its allocator, of the CPU by the system's figures for this process."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def used(self) -> int:
        """Bytes that this process holds; 0 if unknown."""
        if self._device.type == "cuda":
            return int(torch.cuda.memory_allocated(self._device))
        if self._device.type == "mps":
            return int(torch.mps.current_allocated_memory())
        return _proc_bytes("/proc/self/status", "VmRSS:") or 0

    def free(self) -> int | None:
        """Bytes available to any process; None if unknown."""
        if self._device.type == "cuda":
            return int(torch.cuda.mem_get_info(self._device)[0])
        return _proc_bytes("/proc/meminfo", "MemAvailable:") if self._device.type == "cpu" else None

    def total(self) -> int | None:
        """Total bytes of the device; None if unknown."""
        if self._device.type == "cuda":
            return int(torch.cuda.get_device_properties(self._device).total_memory)
        return memory_bytes() if self._device.type == "cpu" else None

    def release(self) -> None:
        """Return unused memory to the device."""
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        elif self._device.type == "mps":
            torch.mps.empty_cache()

    def cap(self, cap_bytes: int) -> None:
        """Limit this process to `cap_bytes` (CUDA only); 0 removes the limit."""
        total = self.total()
        if self._device.type == "cuda" and total:
            share = min(1.0, cap_bytes / total) if cap_bytes else 1.0
            torch.cuda.set_per_process_memory_fraction(share, self._device)


def list_devices() -> list[dict[str, object]]:
    """Every device that a job may use: name, about (description) and bytes."""
    devices: list[dict[str, object]] = [{"name": "cpu", "about": f"{os.cpu_count()} cores", "bytes": memory_bytes()}]
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        devices.append({"name": f"cuda:{index}", "about": properties.name, "bytes": properties.total_memory})
    if torch.backends.mps.is_available():
        devices.append({"name": "mps", "about": "Apple GPU", "bytes": None})
    return devices


def memory_bytes() -> int | None:
    """Bytes of memory of this computer; None if unknown."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on Windows
        return None


def _proc_bytes(file: str, key: str) -> int | None:
    if sys.platform != "linux":
        return None
    lines = Path(file).read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(key)), None)
