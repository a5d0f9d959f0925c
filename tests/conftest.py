"""What holds for all tests."""

from __future__ import annotations

import os
import signal

import answerprint  # noqa: F401  It sets what torch reads when it is loaded.

# A runner started in the background ignores SIGINT, and its children would inherit that: Ctrl-C would do nothing.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What a runner says of its own terminal would count for the programs that tests start in others.
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)
