"""The command `answerprint` with a scripted child: `python cli_with_child.py SCENE ARGUMENT...`."""

from __future__ import annotations

import sys
from pathlib import Path

from answerprint.cli.main import main

if __name__ == "__main__":
    script = Path(__file__).with_name("child_script.py")
    sys.exit(main(sys.argv[2:], child_command=lambda kind: [sys.executable, str(script), sys.argv[1]]))
