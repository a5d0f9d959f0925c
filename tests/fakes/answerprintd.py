"""`answerprintd` with the stand-ins for its children: the shipped program in all else."""

from __future__ import annotations

import sys
from pathlib import Path

from answerprint.cli.answerprintd import main

_FOLDER = Path(__file__).resolve().parent

if __name__ == "__main__":
    sys.exit(main(child_command=lambda kind: [sys.executable, str(_FOLDER / f"{kind}_child.py")]))
