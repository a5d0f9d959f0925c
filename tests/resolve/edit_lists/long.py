"""Lists of many events, none of whose pieces touches another."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from answerprint.api.types import MediaInfo

__all__ = ["long_list", "probe"]

_APART = 60  # source frames from piece to piece: more than both handles and the piece
_LENGTH = 10
_DAY = 24 * 90000


def long_list(folder: Path, names: Sequence[str], pieces: int) -> Path:
    """An EDL at 25 frames a second, beside its media; each event is of the next of these files."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    lines = ["TITLE: Cut"]
    for number in range(pieces):
        first = number // len(names) * _APART
        record = number * _LENGTH % (_DAY - _LENGTH)
        labels = (first, first + _LENGTH, record, record + _LENGTH)
        lines += [
            f"{number + 1:06} AX V C {' '.join(map(_label, labels))}",
            f"* FROM CLIP NAME: {Path(names[number % len(names)]).name}",
        ]
    path = folder / "cut.edl"
    path.write_text("\n".join(lines), "ascii")
    return path


def probe(path: Path, rate: Fraction) -> MediaInfo:
    """All of them are long enough."""
    return MediaInfo(str(path), False, 64, 48, Fraction(25), _DAY)


def _label(frame: int) -> str:
    return f"{frame // 90000:02}:{frame // 1500 % 60:02}:{frame // 25 % 60:02}:{frame % 25:02}"
