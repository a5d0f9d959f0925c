"""Starts Answerprint for a menu script, and is its bridge to Resolve until it ends.

Standard library only, syntax of Python 3.6. The user gets a message with a remedy for any failure, never silence or a
traceback.

The command line is PROGRAM resolve menu ACTION [RENDER_JOB]. The program talks to `answerprint_bridge` on its standard
input and output. Messages have the kinds info, done (the last one, also a notice) and error.
"""

import os
import shutil
import subprocess
import sys
import threading

HELLO_SECONDS = 30.0
HANGING_SECONDS = 3.0
END_SECONDS = 10.0

# Variables that Resolve sets for its own libraries and Python; they break other programs.
_FOREIGN_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "LD_LIBRARY_PATH", "LD_PRELOAD")
_FOREIGN_PREFIXES = ("DYLD_", "_MEIPASS", "_PYI_")

_FOLDER = os.path.dirname(os.path.abspath(__file__))


def launch(installed, action, given):
    """Run one item of the menu; returns the exit code, 0 for success.

    installed: written by `answerprint resolve install`: program, folder, home, version. given: the globals that Resolve
    defines for a script.
    """
    environment = clean_environment(os.environ)
    if installed.get("home"):
        environment["ANSWERPRINT_HOME"] = installed["home"]
    messages = _load("answerprint_words")["Messages"](environment, _load("answerprint_notice")["notify"])
    resolve = _resolve(given)
    if resolve is None:
        return messages.fail(
            "The script was not run by Resolve.", "Run it from Resolve's menu Workspace > Scripts > Answerprint."
        )
    program = _program(installed, environment)
    if program is None:
        path = (installed.get("program") or ["unknown"])[0]
        return messages.fail(
            "The program was not found (%s)." % path,
            "Reinstall Answerprint, then run: answerprint resolve install",
        )
    line = [*program, "resolve", "menu", action]
    if given.get("job"):  # set by Resolve for a script that a render job triggers
        line.append(str(given["job"]))
    user = os.path.expanduser("~")  # Resolve's working folder may be read-only
    with open(os.devnull if messages.log is None else messages.log, "ab") as log:
        messages.log_start = log.tell()
        try:
            process = subprocess.Popen(
                line,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                cwd=user if os.path.isdir(user) else None,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as problem:
            return messages.fail(
                "The program could not be started (%s: %s)." % (program[0], problem.strerror or problem),
                "Reinstall Answerprint, then run: answerprint resolve install",
            )
    return _serve_program(resolve, process, messages, given)


def _serve_program(resolve, process, messages, given):
    """Serve the program until it ends, then report how it ended if it did not do so itself."""
    requests = TimedStream(process.stdout, HELLO_SECONDS, process.kill)
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(process, ended, requests, messages))
    watch.daemon = True
    watch.start()
    problem = None
    try:
        form = _load("answerprint_form")["ask"]
        fusion, bmd = given.get("fusion") or given.get("fu"), given.get("bmd")
        _load("answerprint_bridge")["serve"](
            resolve, requests, process.stdin, show=messages.show, ask=lambda shown: form(fusion, bmd, shown)
        )
    except OSError:
        pass  # the program ended; its exit code tells how
    except Exception as error:  # a line that is not in the protocol
        problem = error
    ended.set()
    requests.cancel()
    for pipe in (process.stdin, process.stdout):
        try:
            pipe.close()
        except OSError:
            pass
    try:
        code = process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    if requests.late:
        return messages.fail(
            "The program did not answer within %.0f s, and was stopped." % HELLO_SECONDS,
            "Try again. If this happens again, run: answerprint doctor." + messages.details(),
        )
    if problem is not None:
        return messages.fail(
            "The program sent an invalid line (%s)." % problem,
            "Update the scripts: answerprint resolve install." + messages.details(),
        )
    if code:
        return messages.unexpected(code)
    if not messages.shown:
        messages.show("Answerprint: Done.")
    return 0


def _watch(process, ended, requests, messages):
    """Report the end of the program while Resolve keeps this script in a call that does not return."""
    code = process.wait()
    if not ended.wait(HANGING_SECONDS) and not requests.late:
        messages.unexpected(code)


class TimedStream(object):
    """A stream of lines with a time limit for the first one. late: whether it passed, and `give_up` was called."""

    def __init__(self, stream, seconds, give_up):
        self._stream = stream
        self._give_up = give_up
        self.late = False
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def readline(self):
        """Read a line; b"" at the end."""
        line = self._stream.readline()
        if line:
            self.cancel()
        return line

    def cancel(self):
        """End the time limit."""
        self._timer.cancel()

    def _expire(self):
        self.late = True
        self._give_up()


def clean_environment(environ):
    """Return an environment for another program, without the variables that Resolve sets for its own."""
    return dict(
        (name, value)
        for name, value in environ.items()
        if name not in _FOREIGN_VARIABLES and not name.startswith(_FOREIGN_PREFIXES)
    )


def _resolve(given):
    """Resolve's object, which Resolve defines for a script under two names; None outside of Resolve."""
    if given.get("resolve") is not None:
        return given["resolve"]
    try:
        return given["bmd"].scriptapp("Resolve")
    except Exception:  # a missing name, or any error of Resolve's library
        return None


def _program(installed, environment):
    """The start of the program's command line: as installed, in this bundle, or on the PATH; None if not found."""
    program = [str(each) for each in installed.get("program") or []]
    if program and os.path.isfile(program[0]):
        return program
    name = "answerprint.exe" if sys.platform == "win32" else "answerprint"
    beside = os.path.join(os.path.dirname(os.path.dirname(_FOLDER)), name)
    found = beside if os.path.isfile(beside) else shutil.which(name, path=environment.get("PATH"))
    return [found] if found else None


def _load(name):
    """The names of a module next to this one, read anew each time: it may have been updated."""
    path = os.path.join(_FOLDER, name + ".py")
    names = {"__name__": name, "__file__": path}
    with open(path, "rb") as file:
        exec(compile(file.read(), path, "exec"), names)
    return names
