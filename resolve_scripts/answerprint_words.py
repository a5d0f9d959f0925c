"""The messages shown to the user of Resolve, and the log.

Standard library only, syntax of Python 3.6.
"""

import os
import sys

LOG_BYTES = 1000000


class Messages(object):
    """Shows messages. log: the file of the program's standard error, None if it is not writable.

    notify: shows a text as a desktop notice, in an environment.
    """

    def __init__(self, environment, notify):
        self._environment = environment
        self._notify = notify
        self.log = _log(environment)
        self.log_start = 0
        self.shown = False
        self._failed = False

    def show(self, text, kind="info"):
        """Show a message; the last one (done) and errors are a notice too."""
        text = plain(text)
        self.shown = True
        self._failed = self._failed or kind == "error"
        _print(text)
        if kind != "info":
            self._notify(text, self._environment)

    def fail(self, message, remedy):
        """Show a problem and its remedy; returns an exit code."""
        self.show("Answerprint: %s\n  %s" % (message, remedy), "error")
        return 1

    def unexpected(self, code):
        """Show how the program ended, with its own error message if it left one; returns an exit code."""
        if self._failed:
            return code
        logged = self._logged()
        errors = [number for number, line in enumerate(logged) if line.startswith("answerprint: ")]
        if errors:
            lines = logged[errors[-1] :][:2]
            if "invalid choice: 'resolve'" in lines[0] or "invalid choice: 'menu'" in lines[0]:
                self.fail(
                    "The program is older than this script.",
                    "Reinstall Answerprint, then run: answerprint resolve install",
                )
                return code
            lines[0] = "Answerprint: " + lines[0][len("answerprint: ") :]
            self.show("\n".join(lines), "error")
            return code
        how = "signal %d" % -code if code < 0 else "exit code %d" % code
        traceback = any(each.startswith("Traceback") for each in logged)
        reason = "" if not logged or traceback else ": " + logged[-1].strip()
        self.fail("The program ended unexpectedly (%s%s)." % (how, reason), "Try again." + self.details())
        return code

    def details(self):
        """Where to read more."""
        return "" if self.log is None else " Details are in " + self.log

    def _logged(self):
        if self.log is None:
            return []
        try:
            with open(self.log, "rb") as log:
                log.seek(self.log_start)
                text = log.read(LOG_BYTES).decode("utf-8", "replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.strip()]


def home(environ, platform=sys.platform):
    """Return the folder of Answerprint's files, by the same rules as the program itself."""
    if environ.get("ANSWERPRINT_HOME"):
        return os.path.abspath(os.path.expanduser(environ["ANSWERPRINT_HOME"]))
    user = os.path.expanduser("~")
    if platform == "win32":
        base = environ.get("LOCALAPPDATA", "")
        return os.path.join(base if os.path.isabs(base) else os.path.join(user, "AppData", "Local"), "answerprint")
    if platform == "darwin":
        return os.path.join(user, "Library", "Application Support", "answerprint")
    base = environ.get("XDG_DATA_HOME", "")
    return os.path.join(base if os.path.isabs(base) else os.path.join(user, ".local", "share"), "answerprint")


def plain(text):
    """Replace control characters, which names of files may hold, except line breaks."""
    return "\n".join("".join(each if each.isprintable() else "?" for each in line) for line in text.split("\n"))


def _log(environment):
    """The log file, emptied if it is large; None if it is not writable."""
    path = os.path.join(home(environment), "logs", "resolve-menu.log")
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        mode = "wb" if os.path.exists(path) and os.path.getsize(path) > LOG_BYTES else "ab"
        open(path, mode).close()
    except OSError:
        return None
    return path


def _print(text):
    """Print a text. A Console that lacks a character, or is missing, is no error."""
    try:
        print(text)
    except UnicodeError:
        print(text.encode("ascii", "backslashreplace").decode("ascii"))
    except Exception:  # no standard output, as in a program without a console
        return
    try:
        sys.stdout.flush()
    except Exception:
        pass
