"""Starts Answerprint for a menu script, and lends it Resolve until it ends.

Standard library only, and the syntax of Python 3.6. Whatever goes wrong, the person in front of Resolve reads what, and
what to do: nothing ends in silence or in a traceback.

The program's command line: PROGRAM resolve menu ACTION [RENDER_JOB]. On its standard input and output it speaks with
`answerprint_bridge`; lines to show are of the kind info, done (the last word, also a notice) or error.
"""

import os
import shutil
import subprocess
import sys
import threading

HELLO_SECONDS = 30.0
HANGING_SECONDS = 3.0
END_SECONDS = 10.0

# What Resolve sets for its own libraries and its own Python breaks another program.
_FOREIGN_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "LD_LIBRARY_PATH", "LD_PRELOAD")
_FOREIGN_PREFIXES = ("DYLD_", "_MEIPASS", "_PYI_")

_FOLDER = os.path.dirname(os.path.abspath(__file__))


def launch(installed, action, given):
    """Run one action of the menu to its end; returns the exit code, 0 when all went well.

    installed: what `answerprint resolve install` knew: program, folder, home, version. given: the globals that Resolve
    defines for a script.
    """
    environment = clean_environment(os.environ)
    if installed.get("home"):
        environment["ANSWERPRINT_HOME"] = installed["home"]
    words = _load("answerprint_words")["Words"](environment, _load("answerprint_notice")["notify"])
    resolve = _resolve(given)
    if resolve is None:
        return words.fail(
            "This is a script for DaVinci Resolve.", "Run it from Resolve's menu Workspace > Scripts > Answerprint."
        )
    program = _program(installed, environment)
    if program is None:
        was = (installed.get("program") or ["nowhere"])[0]
        return words.fail(
            "The program is not where it was (%s)." % was,
            "Install Answerprint again, then run: answerprint resolve install",
        )
    line = [*program, "resolve", "menu", action]
    if given.get("job"):  # Resolve names the render job to a script that the job triggers
        line.append(str(given["job"]))
    user = os.path.expanduser("~")  # the folder that Resolve is in may be read-only, or its own
    with open(os.devnull if words.log is None else words.log, "ab") as log:
        words.log_start = log.tell()
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
            return words.fail(
                "The program cannot be started (%s: %s)." % (program[0], problem.strerror or problem),
                "Install Answerprint again, then run: answerprint resolve install",
            )
    return _converse(resolve, process, words, given)


def _converse(resolve, process, words, given):
    """Be the bridge until the program ends, then say how it ended where it did not say so itself."""
    requests = Punctual(process.stdout, HELLO_SECONDS, process.kill)
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(process, over, requests, words))
    watch.daemon = True
    watch.start()
    problem = None
    try:
        form = _load("answerprint_form")["ask"]
        fusion, bmd = given.get("fusion") or given.get("fu"), given.get("bmd")
        _load("answerprint_bridge")["serve"](
            resolve, requests, process.stdin, show=words.show, ask=lambda shown: form(fusion, bmd, shown)
        )
    except OSError:
        pass  # it is gone; its exit code says how
    except Exception as error:  # a line that is none of the protocol's
        problem = error
    over.set()
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
        return words.fail(
            "The program said nothing for %.0f s, and was ended." % HELLO_SECONDS,
            "Try again. If it stays so, run: answerprint doctor" + words.details(),
        )
    if problem is not None:
        return words.fail(
            "The program said what this script cannot read (%s)." % problem,
            "Bring the scripts up to date: answerprint resolve install" + words.details(),
        )
    if code:
        return words.unexpected(code)
    if not words.spoken:
        words.show("Answerprint: Done.")
    return 0


def _watch(process, over, requests, words):
    """Say that the program has ended while Resolve keeps this script in a call that does not come back."""
    code = process.wait()
    if not over.wait(HANGING_SECONDS) and not requests.late:
        words.unexpected(code)


class Punctual(object):
    """A stream of lines whose first one has to come in time. late: whether it did not, and `give_up` was called."""

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
        """Wait no longer."""
        self._timer.cancel()

    def _expire(self):
        self.late = True
        self._give_up()


def clean_environment(environ):
    """Return an environment for another program, without what Resolve set for its own."""
    return dict(
        (name, value)
        for name, value in environ.items()
        if name not in _FOREIGN_VARIABLES and not name.startswith(_FOREIGN_PREFIXES)
    )


def _resolve(given):
    """Resolve's object, which Resolve defines for a script under more than one name; None outside."""
    if given.get("resolve") is not None:
        return given["resolve"]
    try:
        return given["bmd"].scriptapp("Resolve")
    except Exception:  # a name that is not there, and whatever Resolve's library raises
        return None


def _program(installed, environment):
    """The start of the program's command line: where it was installed, in this bundle, or on the PATH; else None."""
    program = [str(each) for each in installed.get("program") or []]
    if program and os.path.isfile(program[0]):
        return program
    name = "answerprint.exe" if sys.platform == "win32" else "answerprint"
    beside = os.path.join(os.path.dirname(os.path.dirname(_FOLDER)), name)
    found = beside if os.path.isfile(beside) else shutil.which(name, path=environment.get("PATH"))
    return [found] if found else None


def _load(name):
    """The names of a module beside this one, read anew: it may have been brought up to date."""
    path = os.path.join(_FOLDER, name + ".py")
    names = {"__name__": name, "__file__": path}
    with open(path, "rb") as file:
        exec(compile(file.read(), path, "exec"), names)
    return names
