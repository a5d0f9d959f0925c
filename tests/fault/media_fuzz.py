"""Media whose bytes were changed at random, shown to a media child: `python -m fault.media_fuzz SECONDS`."""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from answerprint.ipc.messages import Message
from fault.material import small
from media.makers import make_movie, make_png
from worker.children import Child
from worker.clips import frame_of

__all__ = ["MediaFuzzed", "fuzz_media"]

_ANSWER_SECONDS = 10.0
_ADDRESS_SPACE_BYTES = 1 << 30
"""Of the child, whose libraries alone take about half of it."""
_CLEAN = frozenset({"bad_media", "bad_input", "truncated", "job_failed"})
_HEADER_BYTES = 600


@dataclass(slots=True)
class MediaFuzzed:
    """What came of it; offences has to be empty. answers: `report`, or the code of an error."""

    files: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    offences: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    peak_bytes: int = 0

    @property
    def clean(self) -> bool:
        """Whether nothing but clean answers came."""
        return self.files > 0 and not self.offences


def fuzz_media(folder: Path, seconds: float, seed: int = 0) -> MediaFuzzed:
    """Change headers of small files for so long, and ask the child what is in them and for a frame."""
    source = random.Random(seed)  # noqa: S311 - the same files each time
    seeds = _seeds(folder)
    originals = [path.read_bytes() for path in seeds]
    result = MediaFuzzed()
    with Child("media", folder / "h") as child:
        child.until("ready")
        _limit(child.pid)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            which = source.randrange(len(seeds))
            victim = folder / f"victim-0001{seeds[which].suffix}"
            victim.write_bytes(mutated(originals[which], source))
            for question in _questions(victim, folder, result.files):
                _ask(child, question, victim, folder, result)
                if result.offences:
                    return result
            result.files += 1
        result.peak_bytes = _peak_bytes(child.pid)
    return result


def mutated(data: bytes, source: random.Random) -> bytes:
    """Some bytes set, some doubled, some cut: mostly in the header, sometimes at the end."""
    changed = bytearray(data)
    for _ in range(source.randint(1, 8)):
        place = source.randrange(min(len(changed), _HEADER_BYTES)) if source.random() < 0.7 else -source.randint(1, 400)
        kind = source.random()
        if kind < 0.6:
            changed[max(place, -len(changed))] = source.choice((0, 1, 0x7F, 0x80, 0xFF, source.randrange(256)))
        elif kind < 0.8:
            changed[place:place] = source.randbytes(source.randint(1, 8))
        else:
            del changed[place : place + source.randint(1, 8) or None]
        if not changed:
            changed = bytearray(b"\0")
    return bytes(changed)


def _seeds(folder: Path) -> Sequence[Path]:
    place = folder / "seeds"
    place.mkdir()
    movies = [make_movie(place / f"s{suffix}", 4, sound=None) for suffix in (".mov", ".mp4", ".mkv", ".avi")]
    movies += [
        make_movie(place / "ffv1.mkv", 3, codec="ffv1"),
        make_movie(place / "timecode.mov", 4, timecode="01:00:00:00", sound="pcm_s16le"),
    ]
    make_png(place / "p.png", (frame_of(0).picture * 65535).astype("uint16"))
    return [*movies, place / "p.png"]


def _questions(victim: Path, folder: Path, number: int) -> list[Message]:
    request = small(victim, folder / "out.mov").to_json()
    frame = {
        "type": "frame", "job": "x", "scratch": str(folder), "request": request, "receipt": None, "frame": 1,
        "side": "source", "format": "jpeg", "max_width": 64, "max_height": 64,
        "output": str(folder / f"frame-{number}.jpg"), "size": [256, 192],
    }  # fmt: skip
    return [{"type": "probe", "id": 2 * number, "request": request}, {**frame, "id": 2 * number + 1}]


def _ask(child: Child, question: Message, victim: Path, folder: Path, result: MediaFuzzed) -> None:
    began = time.monotonic()
    child.send(question)
    try:
        answer = child.until(lambda event: event.get("id") == question["id"])
    except AssertionError as error:
        result.offences.append(f"{question['type']}: {error}; {_keep(victim, folder)}")
        return
    child.seen.clear()
    taken = time.monotonic() - began
    result.slowest_seconds = max(result.slowest_seconds, taken)
    code = "report" if answer["event"] == "report" else str(answer.get("code"))
    result.answers[code] += 1
    unclean = code not in _CLEAN | {"report"} or (code != "report" and not answer["message"])
    if unclean or taken > _ANSWER_SECONDS:
        result.offences.append(f"{question['type']} took {taken:.1f} s: {answer}; {_keep(victim, folder)}")


def _keep(victim: Path, folder: Path) -> Path:
    kept = Path(tempfile.mkdtemp(prefix="fuzz")) / victim.name
    kept.write_bytes(victim.read_bytes())
    return kept


def _limit(pid: int) -> None:
    _, hard = resource.prlimit(pid, resource.RLIMIT_AS)
    resource.prlimit(pid, resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, hard))


def _peak_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        outcome = fuzz_media(Path(place), float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    sys.stdout.write(f"{outcome}\n")
    sys.exit(not outcome.clean)
