"""Any other program: it gets a folder of PNG frames, and fills another."""

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
_USAGE = f"Write external:COMMAND with {_IN} and {_OUT} in it: the folders of PNG frames that it reads and fills."


@dataclass(frozen=True, slots=True)
class External:
    """A program that is started once for a clip. Words of `command` may hold {in} and {out}; no shell sees them."""

    name: str
    command: Sequence[str]
    missing: Absent | None = None
    """Why the program is not there, where that is known beforehand."""

    def absent(self) -> Absent | None:
        """As it was made: `parse_command` makes none whose program is not there."""
        return self.missing

    def restore(self, shot: DamagedClip) -> Restored:
        """The frames that the program wrote, in the order of their names.

        Raises JobFailedError where it fails, gives another number of frames, or frames of another size.
        """
        with tempfile.TemporaryDirectory(prefix="answerprint-") as scratch:
            source, target = Path(scratch) / "in", Path(scratch) / "out"
            source.mkdir()
            target.mkdir()
            write_frames(source, shot.low)
            words = [word.replace(_IN, str(source)).replace(_OUT, str(target)) for word in self.command]
            started = time.perf_counter()
            said = self._run(words)
            seconds = (time.perf_counter() - started) / len(shot.low)
            pictures = read_frames(target)
        if len(pictures) != len(shot.low):
            raise JobFailedError(
                f"{self.name} gave {len(pictures)} frames for {len(shot.low)}.",
                f"It must write one PNG file for each frame of {_IN} into {_OUT}, named so that they sort as the"
                " frames do.",
            )
        for number, picture in enumerate(pictures):
            height, width = picture.shape[:2]
            if (width, height) != shot.size:
                raise JobFailedError(
                    f"Frame {number} of {self.name} is {width}x{height}; {shot.size[0]}x{shot.size[1]} is wanted.",
                    "Choose its enlargement to be that of --scale.",
                )
        return Restored(pictures, seconds, f"{self.name}: {said}" if said else "")

    def _run(self, words: Sequence[str]) -> str:
        """What the program said in a line of its own on standard output that begins with "note:"."""
        try:
            done = subprocess.run(  # noqa: S603 - the user's own command
                words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
            )
        except OSError as e:
            raise JobFailedError(f"{self.name} cannot be started: {e.strerror}.", _USAGE) from e
        if done.returncode:
            last = next(
                (line.strip() for line in reversed(done.stderr.splitlines()) if line.strip()), "it said nothing"
            )
            raise JobFailedError(f"{self.name} ended with exit code {done.returncode}: {last}", "Try it by hand.")
        notes = [line.removeprefix("note:").strip() for line in done.stdout.splitlines() if line.startswith("note:")]
        return notes[-1] if notes else ""


def parse_command(text: str) -> External:
    """The row of a command line such as "upscale -i {in} -o {out}"; it is named after its program.

    Raises InputError where a folder is not named, or there is no such program.
    """
    try:
        words = shlex.split(text)
    except ValueError as e:
        raise InputError(f"The command {text!r} cannot be read: {e}.", _USAGE) from e
    if not words or not all(any(mark in word for word in words[1:]) for mark in (_IN, _OUT)):
        raise InputError(f"The command {text!r} does not name both folders.", _USAGE)
    program = shutil.which(words[0])
    if program is None:
        raise InputError(f"There is no program {words[0]!r}.", "Give its full path, or install it.")
    return External(f"external:{Path(words[0]).stem}", [program, *words[1:]])


def write_frames(folder: Path, clip: Sequence[Picture]) -> None:
    """Frames as 8-bit PNG files named 000000.png and so on. Raises OutputError."""
    for number, picture in enumerate(clip):
        coded = np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)
        if not cv2.imwrite(str(folder / f"{number:06d}.png"), np.ascontiguousarray(coded[..., ::-1])):
            raise OutputError(f"{folder} cannot be written.", "Make room there.")


def read_frames(folder: Path) -> list[Picture]:
    """Every PNG file of a folder by its name, [H, W, 3] in [0, 1]. Raises JobFailedError for one that is none."""
    clip = []
    for file in sorted(folder.glob("*.png")):
        coded = cv2.imread(str(file), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
        if coded is None:
            raise JobFailedError(f"{file.name} is not a PNG file.", "See what the program writes.")
        clip.append(np.ascontiguousarray(coded[..., ::-1]).astype(np.float32) / np.float32(np.iinfo(coded.dtype).max))
    return clip
