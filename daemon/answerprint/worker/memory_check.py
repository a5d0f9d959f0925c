"""Whether a job took the memory that was reckoned before it, where the device can tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from answerprint.frames import events

from .device_choice import peak_memory_bytes
from .device_memory import DeviceMemory
from .job_channel import JobChannel

__all__ = ["is_astray", "memory_checked"]

_ASTRAY = 2
"""Times by which an estimate may be wrong, either way, without being told."""


def is_astray(estimated_bytes: int, taken_bytes: int) -> bool:
    """Whether an estimate was wrong by more than 2 times; of nothing taken nothing can be said."""
    return taken_bytes > 0 and not estimated_bytes / _ASTRAY <= taken_bytes <= estimated_bytes * _ASTRAY


@contextmanager
def memory_checked(estimated_bytes: int, device: torch.device, talk: JobChannel) -> Iterator[None]:
    """Say in a warning when what the block takes, beyond what was held before it, is far from the estimate.

    Only a CUDA device tells: of the processor's memory the most that a process ever held is known, not when.
    """
    held = DeviceMemory(device).used()
    yield
    if device.type != "cuda":
        return
    taken = (peak_memory_bytes(device) or 0) - held
    if is_astray(estimated_bytes, taken):
        talk.emit(
            events.warning(
                f"The work took {taken / 1e9:.1f} GB of the device's memory, and {estimated_bytes / 1e9:.1f} GB were "
                "expected: the estimate for this model and size is wrong."
            )
        )
