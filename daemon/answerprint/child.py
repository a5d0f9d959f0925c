"""Start child processes from a checkout, an installation or a frozen bundle.

Programs are module names, imported when they run, so that the parent never imports what its children need.
"""

from __future__ import annotations

import importlib
import os
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
        "compare": "answerprint.metrics.prove",
        "train": "answerprint.training.train",
    }
)

BUNDLE_FLAG = "--child"

_ENVIRONMENT: Mapping[str, Mapping[str, str]] = MappingProxyType({"media": {"OPENBLAS_NUM_THREADS": "1"}})
"""What libraries of a program read when they are loaded. Its equations are small: threads that wait for each other took
six times the processor time of one thread, measured on a busy machine."""


def command(kind: str) -> list[str]:
    """Return the command line that runs a program of `PROGRAMS`, without its arguments."""
    if getattr(sys, "frozen", False):
        return [sys.executable, BUNDLE_FLAG, kind]
    # -P: never import a file in the user's current folder that is named like a module.
    return [sys.executable, "-P", "-m", "answerprint.child", kind]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program named by argv[0] with the other arguments; returns its exit code."""
    kind, *rest = sys.argv[1:] if argv is None else argv
    for name, value in _ENVIRONMENT.get(kind, {}).items():
        os.environ.setdefault(name, value)
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
