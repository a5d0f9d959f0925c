"""The table of attacks on the weights shelf and what became of them: `python -m models.report` in the folder tests."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from answerprint.errors import AnswerprintError

from .attacks import ATTACKS, Attack
from .place import Place
from .server import FileServer

__all__ = ["main"]


def main() -> int:
    """Attack, and print line by line; returns 0 when every attack was refused and nothing was harmed."""
    ok = True
    sys.stdout.write("| attack | refused with | remedy | victims | ok |\n|---|---|---|---|---|\n")
    for name, attack in ATTACKS.items():
        with tempfile.TemporaryDirectory(prefix="r") as folder, FileServer() as server:
            place = Place(Path(folder), server)
            words, remedy = _outcome(attack, place, folder)
            unharmed = place.unharmed()
        fine = bool(remedy) and unharmed
        ok &= fine
        cells = (name, words, remedy, "unchanged" if unharmed else "HARMED", "yes" if fine else "NO")
        sys.stdout.write(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |\n")
        sys.stdout.flush()
    return 0 if ok else 1


def _outcome(attack: Attack, place: Place, folder: str) -> tuple[str, str]:
    """What the user is told; both texts are empty for an attack that came through."""
    try:
        attack(place)
    except AnswerprintError as error:
        return error.message.replace(folder, "").replace(place.server.address, "SERVER"), error.remedy.replace(
            folder, ""
        )
    except Exception as error:  # noqa: BLE001 - a mistake in the program, and a line of the table
        return f"broke off: {error!r}", ""
    return "not refused", ""


if __name__ == "__main__":
    sys.exit(main())
