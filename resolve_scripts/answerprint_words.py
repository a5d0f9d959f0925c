"""What is said to the person in front of Resolve, and where the rest of it goes.

Standard library only, and the syntax of Python 3.6.
"""

import os
import sys

LOG_BYTES = 1000000


class Words(object):
    """What the person in front of Resolve reads; log: the file of the program's standard error, None for none.

    notify: shows a text as a notice, in an environment.
    """

    def __init__(self, environment, notify):
        self._environment = environment
        self._notify = notify
        self.log = _log(environment)
        self.log_start = 0
        self.spoken = False
        self._failed = False

    def show(self, text, kind="info"):
        """Show a line as it comes; the last word and errors are a notice, too."""
        text = plain(text)
        self.spoken = True
        self._failed = self._failed or kind == "error"
        _say(text)
        if kind != "info":
            self._notify(text, self._environment)

    def fail(self, message, remedy):
        """Say what went wrong and what to do; returns an exit code."""
        self.show("Answerprint: %s\n  %s" % (message, remedy), "error")
        return 1

    def unexpected(self, code):
        """Say how the program ended, in its own words where it left some; returns an exit code."""
        if self._failed:
            return code
        said = self._said()
        plain = [number for number, line in enumerate(said) if line.startswith("answerprint: ")]
        if plain:
            lines = said[plain[-1] :][:2]
            if "invalid choice: 'resolve'" in lines[0] or "invalid choice: 'menu'" in lines[0]:
                self.fail(
                    "The program is older than this script.",
                    "Install Answerprint again, then run: answerprint resolve install",
                )
                return code
            lines[0] = "Answerprint: " + lines[0][len("answerprint: ") :]
            self.show("\n".join(lines), "error")
            return code
        how = "signal %d" % -code if code < 0 else "exit code %d" % code
        reason = "" if not said or any(each.startswith("Traceback") for each in said) else ": " + said[-1].strip()
        self.fail("The program ended unexpectedly (%s%s)." % (how, reason), "Try again." + self.details())
        return code

    def details(self):
        """Where to read more."""
        return "" if self.log is None else " Details are in " + self.log

    def _said(self):
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
    """Return the folder in which Answerprint keeps its files, as the program itself finds it."""
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
    """Text whose lines hold nothing that would steer a terminal or a window: names come from files."""
    return "\n".join("".join(each if each.isprintable() else "?" for each in line) for line in text.split("\n"))


def _log(environment):
    """The log file, which begins anew when it is large; None where none can be written."""
    path = os.path.join(home(environment), "logs", "resolve-menu.log")
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        mode = "wb" if os.path.exists(path) and os.path.getsize(path) > LOG_BYTES else "ab"
        open(path, mode).close()
    except OSError:
        return None
    return path


def _say(text):
    """Print; a Console that cannot show a character, or is not there, ends nothing."""
    try:
        print(text)
    except UnicodeError:
        print(text.encode("ascii", "backslashreplace").decode("ascii"))
    except Exception:  # no standard output at all, as in a program without a console
        return
    try:
        sys.stdout.flush()
    except Exception:
        pass
