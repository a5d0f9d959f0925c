"""Starts the children that read what may be hostile, or need what is heavy; this process does neither."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from answerprint.child import command
from answerprint.errors import CancelledError, JobFailedError, ModelError
from answerprint.store.quota import room, storage_error
from answerprint.weights.header import check_safetensors

__all__ = ["Convert", "Fit", "convert_in_child", "fit_in_child"]

_POLL_SECONDS = 0.2
_MOST_WORDS = 4000
_SAID = "answerprint: "
_KEPT = ("PATH", "SYSTEMROOT", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "TMPDIR", "TEMP")

Convert = Callable[[Path, Path, threading.Event], None]
"""Makes a safetensors file of a checkpoint, as `convert_in_child` does."""


class Fit(Protocol):
    """Checks that files make a model, as `fit_in_child` does."""

    def __call__(
        self, folder: Path, family: str, scale: int, cancelled: threading.Event, original: str = "", /
    ) -> None:
        """`fit_in_child`."""
        ...


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
    try:
        _run(arguments, f"{source.name} could not be converted", result.parent, source.stat().st_size, cancelled)
        check_safetensors(result)
    except ValueError as error:
        result.unlink(missing_ok=True)
        raise JobFailedError(f"{source.name} could not be converted: {error}.", "Try again.") from error
    except BaseException:
        with suppress(OSError):
            result.unlink(missing_ok=True)
        raise


def fit_in_child(
    folder: Path,
    family: str,
    scale: int,
    cancelled: threading.Event,
    original: str = "",
    child_command: Callable[[str], Sequence[str]] = command,
) -> None:
    """Check that the files of `folder` make a model of `family` that enlarges by `scale`, in a child that knows how.

    Names and shapes of tensors are compared, and no numbers read. original: a file of the folder of which the networks'
    files are made first, and which goes then; the empty text for none. Raises ModelError for files that make no such
    model, CancelledError, StorageError and JobFailedError.
    """
    told = [str(folder.absolute()), family, str(scale), *filter(None, [original])]
    needed = (folder / original).stat().st_size if original else 0
    _run([*child_command("fit"), *told], "The model could not be checked", folder, needed, cancelled)


def _run(arguments: list[str], failed: str, folder: Path, needed: int, cancelled: threading.Event) -> None:
    """Run a child to its end. failed: what is said where it fails, `needed` bytes in `folder` being one reason."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {"HF_HUB_OFFLINE": "1"}
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
    # Libraries may have said something before.
    said = f"\n{words}".rfind(f"\n{_SAID}")
    if child.returncode == ModelError.exit_code and said >= 0:
        message, _, remedy = words[said:].removeprefix(_SAID).partition("\n")
        raise ModelError(message.strip(), remedy.strip())
    if child.returncode:
        with suppress(OSError):
            if room(folder) < needed:
                raise storage_error(OSError(errno.ENOSPC, "no room"), folder, needed)
        last = next((line for line in reversed(words.splitlines()) if line.strip()), f"code {child.returncode}")
        raise JobFailedError(f"{failed} ({last.strip()}).", "Try again; if it fails again, get the files anew.")
