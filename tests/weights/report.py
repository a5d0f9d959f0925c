"""What became of the attacks on the weights shelf: `python -m models.report` in the folder tests."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from answerprint.errors import AnswerprintError
from tables import Row, Table, print_tables
from weights.attacks import ATTACKS, Attack
from weights.place import Place
from weights.server import FileServer

__all__ = ["TABLE", "measure"]


def measure() -> Iterator[Row]:
    """Attack after attack; the bar is that it is refused with a remedy and that nothing is harmed."""
    for name, attack in ATTACKS.items():
        with tempfile.TemporaryDirectory(prefix="r") as folder, FileServer() as server:
            place = Place(Path(folder), server)
            words, remedy = _outcome(attack, place, folder)
            unharmed = place.unharmed()
        yield Row((name, words, remedy, "unchanged" if unharmed else "HARMED"), bool(remedy) and unharmed)


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


TABLE = Table("Attacks by weights", ("attack", "refused with", "remedy", "victims"), measure)

if __name__ == "__main__":
    sys.exit(print_tables(TABLE))
