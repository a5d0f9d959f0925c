"""The device a job runs on, and how much memory it took there."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from answerprint.errors import InputError
from answerprint.temporal.stopwatch import Stopwatch

__all__ = ["choose_device", "peak_memory_bytes", "reset_peak_memory", "stopwatch"]


def choose_device(name: str) -> torch.device:
    """`auto` takes the first of CUDA, MPS and CPU that is there; raises InputError for a device that is not."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda:0")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    available = ["cpu"]
    available += [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    available += ["mps"] if torch.backends.mps.is_available() else []
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in available:
        raise InputError(f"There is no device {name!r} here.", f"Choose auto or one of {', '.join(available)}.")
    return torch.device(wanted)


def stopwatch(device: torch.device) -> Stopwatch:
    """A stopwatch that waits for `device` at each border of a stage."""
    return Stopwatch(lambda: torch.cuda.synchronize(device)) if device.type == "cuda" else Stopwatch()


def reset_peak_memory(device: torch.device) -> None:
    """Let `peak_memory_bytes` speak of what comes, where the device can forget."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_bytes(device: torch.device) -> int | None:
    """Most memory that this process has held on `device` (for the CPU: resident); None where that cannot be asked."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "linux":
        # Not getrusage: its maximum is kept through exec, so a child would start with its parent's.
        status = Path("/proc/self/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
    if sys.platform == "win32":
        return None
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(used) if sys.platform == "darwin" else int(used) * 1024
