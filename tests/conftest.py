"""What holds for all tests."""

from __future__ import annotations

import signal

# A runner started in the background ignores SIGINT, and its children would inherit that: Ctrl-C would do nothing.
signal.signal(signal.SIGINT, signal.default_int_handler)
