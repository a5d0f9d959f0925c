"""External programs that read a folder of PNG frames and write another."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from answerprint.errors import InputError, JobFailedError, OutputError
from answerprint.frames.frame import Picture
from answerprint.metrics.perceptual import Absent
from answerprint.metrics.rivals.base import DamagedClip, Restored

__all__ = ["External", "parse_command", "read_frames", "write_frames"]

_IN, _OUT = "{in}", "{out}"
_USAGE = f"Use external:COMMAND, containing {_IN} and {_OUT}: the folders of PNG frames that it reads and writes."


@dataclass(frozen=True, slots=True)
class External:
    """A program that runs once per clip. Words of `command` may contain {in} and {out}; no shell is used."""

    name: str
    command: Sequence[str]
    missing: Absent | None = None
    """Why the program is not available, if known."""

    def absent(self) -> Absent | None:
        """See `missing`; `parse_command` refuses missing programs."""
        return self.missing

    def restore(self, shot: DamagedClip) -> Restored:
        """The program's frames, in order of their names.

        Raises JobFailedError if it fails, or writes the wrong number or size of frames.
        """
        with tempfile.TemporaryDirectory(prefix="answerprint-") as scratch:
            source, target = Path(scratch) / "in", Path(scratch) / "out"
            source.mkdir()
            target.mkdir()
            write_frames(source, shot.low)
            words = [word.replace(_IN, str(source)).replace(_OUT, str(target)) for word in self.command]
            started = time.perf_counter()
            note = self._run(words)
            seconds = (time.perf_counter() - started) / len(shot.low)
            pictures = read_frames(target)
        if len(pictures) != len(shot.low):
            raise JobFailedError(
                f"{self.name} wrote {len(pictures)} frames instead of {len(shot.low)}.",
                f"It must write one PNG file per frame of {_IN} into {_OUT}, with names that sort in frame order.",
            )
        for number, picture in enumerate(pictures):
            height, width = picture.shape[:2]
            if (width, height) != shot.size:
                raise JobFailedError(
                    f"Frame {number} of {self.name} is {width}x{height} instead of {shot.size[0]}x{shot.size[1]}.",
                    "Set the program's scale to that of --scale.",
                )
        return Restored(pictures, seconds, f"{self.name}: {note}" if note else "")

    def _run(self, words: Sequence[str]) -> str:
        """Run the program; returns its last line on standard output that begins with "note:"."""
        try:
            done = subprocess.run(  # noqa: S603 - the user's own command
                words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
            )
        except OSError as e:
            raise JobFailedError(f"Could not start {self.name}: {e.strerror}.", _USAGE) from e
        if done.returncode:
            last = next((line.strip() for line in reversed(done.stderr.splitlines()) if line.strip()), "no message")
            raise JobFailedError(f"{self.name} failed with exit code {done.returncode}: {last}", "Run it by hand.")
        notes = [line.removeprefix("note:").strip() for line in done.stdout.splitlines() if line.startswith("note:")]
        return notes[-1] if notes else ""


def parse_command(text: str) -> External:
    """Parse a command line such as "upscale -i {in} -o {out}"; the row is named after the program.

    Raises InputError if a folder is missing or the program does not exist.
    """
    try:
        words = shlex.split(text)
    except ValueError as e:
        raise InputError(f"Cannot parse the command {text!r}: {e}.", _USAGE) from e
    if not words or not all(any(mark in word for word in words[1:]) for mark in (_IN, _OUT)):
        raise InputError(f"The command {text!r} does not contain both folders.", _USAGE)
    program = shutil.which(words[0])
    if program is None:
        raise InputError(f"Program {words[0]!r} not found.", "Use its full path, or install it.")
    return External(f"external:{Path(words[0]).stem}", [program, *words[1:]])


def write_frames(folder: Path, clip: Sequence[Picture]) -> None:
    """Frames as 8-bit PNG files named 000000.png and so on. Raises OutputError."""
    for number, picture in enumerate(clip):
        coded = np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)
        if not cv2.imwrite(str(folder / f"{number:06d}.png"), np.ascontiguousarray(coded[..., ::-1])):
            raise OutputError(f"Cannot write to {folder}.", "Free up space there.")


def read_frames(folder: Path) -> list[Picture]:
    """All PNG files of a folder in order of name, [H, W, 3] in [0, 1]. Raises JobFailedError for invalid files."""
    clip = []
    for file in sorted(folder.glob("*.png")):
        coded = cv2.imread(str(file), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
        if coded is None:
            raise JobFailedError(f"{file.name} is not a valid PNG file.", "Check the program's output.")
        clip.append(np.ascontiguousarray(coded[..., ::-1]).astype(np.float32) / np.float32(np.iinfo(coded.dtype).max))
    return clip
