"""Starts the child that converts a checkpoint; this process never reads one."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from answerprint.child import command
from answerprint.errors import CancelledError, JobFailedError, ModelError
from answerprint.store.quota import room, storage_error

from ..header import check_safetensors

__all__ = ["convert_in_child"]

_POLL_SECONDS = 0.2
_MOST_WORDS = 4000
_KEPT = ("PATH", "SYSTEMROOT", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "TMPDIR", "TEMP")


def convert_in_child(
    source: Path,
    result: Path,
    cancelled: threading.Event,
    child_command: Callable[[str], Sequence[str]] = command,
) -> None:
    """Make the safetensors file `result` of a checkpoint, in a child that can touch nothing else.

    Raises ModelError for one that is refused, CancelledError, StorageError and JobFailedError; no result is left then.
    """
    result.unlink(missing_ok=True)
    arguments = [*child_command("convert"), str(source.absolute()), str(result.absolute())]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        _run(arguments, environment, source, result.parent, cancelled)
        check_safetensors(result)
    except ValueError as error:
        result.unlink(missing_ok=True)
        raise JobFailedError(f"{source.name} could not be converted: {error}.", "Try again.") from error
    except BaseException:
        with suppress(OSError):
            result.unlink(missing_ok=True)
        raise


def _run(
    arguments: list[str], environment: dict[str, str], source: Path, folder: Path, cancelled: threading.Event
) -> None:
    with subprocess.Popen(  # noqa: S603 - our own program
        arguments, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, errors="replace",
    ) as child:  # fmt: skip
        words = ""
        try:
            while True:
                try:
                    words = child.communicate(timeout=_POLL_SECONDS)[1][-_MOST_WORDS:]
                    break
                except subprocess.TimeoutExpired:
                    if cancelled.is_set():
                        raise CancelledError("The pull was ended.", "What has come is kept.") from None
        finally:
            child.kill()
    if child.returncode == ModelError.exit_code and words.startswith("answerprint: "):
        message, _, remedy = words.removeprefix("answerprint: ").partition("\n")
        raise ModelError(message.strip(), remedy.strip())
    if child.returncode:
        with suppress(OSError):
            if room(folder) < source.stat().st_size:
                raise storage_error(OSError(errno.ENOSPC, "no room"), folder, source.stat().st_size)
        last = next((line for line in reversed(words.splitlines()) if line.strip()), f"code {child.returncode}")
        raise JobFailedError(f"{source.name} could not be converted ({last.strip()}).", "Try again.")
