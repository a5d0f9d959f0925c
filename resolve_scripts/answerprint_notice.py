"""Desktop notices: Resolve shows printed text in its Console only, which is closed most of the time.

Standard library only, syntax of Python 3.6. It does not use Resolve's own toolkit, which opens a blocking dialog in the
free edition.
"""

import os
import shutil
import subprocess
import sys

_SECONDS = 5
_APPLE = (
    "on run argv",
    'display notification (item 1 of argv) with title "Answerprint"',
    "end run",
)


def notify(text, environment=None):
    """Show a notice if the system can; returns whether it did. Raises nothing."""
    environment = dict(os.environ) if environment is None else environment
    try:
        if sys.platform == "win32":
            return _box(text)
        line = _command(text, environment)
        if line is None:
            return False
        nothing = subprocess.DEVNULL
        process = subprocess.Popen(line, stdin=nothing, stdout=nothing, stderr=nothing, env=environment)
    except (OSError, ValueError):
        return False
    try:
        return process.wait(_SECONDS) == 0
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


def _command(text, environment):
    path = environment.get("PATH")
    if sys.platform == "darwin":
        tool = shutil.which("osascript", path=path)
        return tool and [tool] + [part for line in _APPLE for part in ("-e", line)] + [text]
    if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        return None
    tool = shutil.which("notify-send", path=path)
    if tool:
        return [tool, "--app-name=Answerprint", "--", "Answerprint", text]
    tool = shutil.which("kdialog", path=path)
    return tool and [tool, "--title", "Answerprint", "--passivepopup", text, "10"]


def _box(text):
    import ctypes

    information, foreground = 0x40, 0x10000
    return bool(ctypes.windll.user32.MessageBoxW(None, text, "Answerprint", information | foreground))
