"""The one way in which child processes start, from a checkout, an installation or a frozen bundle.

Programs are named in text and imported when they run, so the parent never loads what its children need.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from answerprint.errors import AnswerprintError
from answerprint.text import spoken

__all__ = ["BUNDLE_FLAG", "PROGRAMS", "command", "main"]

PROGRAMS: Mapping[str, str] = MappingProxyType(
    {
        "daemon": "answerprint.cli.answerprintd",
        "device": "answerprint.worker.main",
        "media": "answerprint.worker.media_child",
        "doctor": "answerprint.worker.doctor",
        "convert": "answerprint.weights.importing.convert",
        "fit": "answerprint.backends.fit",
        "flow-cache": "answerprint.worker.flow_cache",
        "eval": "answerprint.metrics.evaluation",
        "bench": "answerprint.metrics.benchmark",
        "train": "answerprint.training.train",
    }
)

BUNDLE_FLAG = "--child"


def command(kind: str) -> list[str]:
    """Return the start of the command line that runs a program of `PROGRAMS`; its own arguments follow."""
    if getattr(sys, "frozen", False):
        return [sys.executable, BUNDLE_FLAG, kind]
    # -P: a file of the user's named like a module, in the folder where they work, is never imported.
    return [sys.executable, "-P", "-m", "answerprint.child", kind]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program that argv names with the rest of argv; returns its exit code."""
    kind, *rest = sys.argv[1:] if argv is None else argv
    try:
        code = importlib.import_module(PROGRAMS[kind]).main(rest)
    except AnswerprintError as error:
        sys.stderr.write(spoken(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return int(code or 0)


if __name__ == "__main__":
    sys.exit(main())
