"""Runs the program that ill-treats the plugin (torture/torture.c), with a daemon's files that it may break."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ofx.answers import Answers
from ofx.compiling import HOST_SOURCES, OFX_SOURCES, compile_c

__all__ = ["FILM", "FRAMES", "SANITIZERS", "Figures", "fill", "torture"]

FILM = "/films/a.mov"
FRAMES = 8
SANITIZERS = {
    "address": ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    "thread": ("-O1", "-fsanitize=thread"),
}
"""Flags of the compiler, by what is looked for."""

_SOURCES = (*sorted((Path(__file__).parent / "torture").glob("*.c")), *HOST_SOURCES)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run printed: one object a line. said: by a sanitizer, or valgrind."""

    status: int
    lines: tuple[dict[str, int | str], ...]
    said: str


def fill(home: Path, size: tuple[int, int], frames: int = FRAMES) -> Answers:
    """The files of a daemon with restored frames 0, 1, ... of flat pictures; the first `frames` of eight."""
    answers = Answers(home)
    answers.put_status(FILM, size)
    for frame in range(frames):
        flat = np.ones((size[1], size[0], 4), np.float32)
        source, restored = flat.copy(), flat.copy()
        source[..., :3] = frame / 16
        restored[..., :3] = 1 - frame / 16
        answers.put_frame(FILM, frame, source, restored)
    return answers


def torture(
    what: str, home: Path, size: tuple[int, int], count: int, threads: int = 1, *, sanitizer: str | None = None,
    before: Sequence[str] = (), timeout: float = 600,
) -> Figures:  # fmt: skip
    """Run it. what: renders, races, loads or fuzz. before: words before the command, such as valgrind's."""
    flags = SANITIZERS[sanitizer] if sanitizer else ()
    suffix = f"-{sanitizer}" if sanitizer else ""
    program = compile_c(f"torture{suffix}", _SOURCES, flags, shared=False)
    plugin = compile_c(f"answerprint{suffix}.ofx", OFX_SOURCES, flags or ("-O3",))
    command = [*before, str(program), what, str(plugin), str(home), FILM, *map(str, size), str(count), str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    lines = tuple(json.loads(line) for line in done.stdout.splitlines())
    return Figures(done.returncode, lines, done.stderr)
