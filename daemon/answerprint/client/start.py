"""A daemon for whoever needs one: the one that runs, or a new one that outlives the program that starts it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from answerprint.client.client import Client
from answerprint.errors import NoDaemonError
from answerprint.home import home, logs_folder, run_folder
from answerprint.ipc.child_log import create_log, last_line
from answerprint.rpc.errors import OtherVersionError
from answerprint.store.private import make_private

__all__ = ["ALREADY_RUNNING", "daemon_environment", "ensure_daemon"]

ALREADY_RUNNING = 6
"""Exit code of a daemon that finds another one: as good as one that was started."""

_POLL_SECONDS = 0.05
_TELL_SECONDS = 1.0
_AGAIN_SECONDS = 1.0
_PREFIX = "answerprint: "
"""Before what a program of ours says in the end; the remedy follows on a line that is indented."""

# What a program needs of its environment to find its files, its language and its devices. The rest stays behind: what
# a shell, a virtual environment or a frozen program sets for itself would outlive it in the daemon.
_KEPT = frozenset(
    {
        *("HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER"),
        *("APPDATA", "COMSPEC", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "NUMBER_OF_PROCESSORS", "PROGRAMDATA"),
        *("SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERNAME", "USERPROFILE", "WINDIR"),
    }
)
_KEPT_PREFIXES = ("ANSWERPRINT_", "CUDA_", "HIP_", "LC_", "MKL_", "NVIDIA_", "OMP_", "PYTORCH_", "ROCR_", "XDG_")


def ensure_daemon(
    command: Sequence[str],
    *,
    run: Path | None = None,
    timeout: float = 20.0,
    on_wait: Callable[[str], None] = lambda message: None,
) -> Client:
    """Return a client of the daemon that serves, starting one by `command` where none does.

    on_wait: told what is waited for, when it takes a second, and again each second.
    Raises NoDaemonError when none comes to serve within the timeout.
    """
    folder = run or run_folder()
    try:
        return Client.connect(folder, timeout=timeout)
    except OtherVersionError:
        raise
    except NoDaemonError:
        pass
    begin = time.monotonic()
    with _Starter(command) as starter:
        tell = begin + _TELL_SECONDS
        while True:
            try:
                client = Client.connect(folder, timeout=_POLL_SECONDS)
            except NoDaemonError as error:
                problem = error
            else:
                starter.dismiss(client.session.pid)
                return client
            starter.check()
            now = time.monotonic()
            if now - begin >= timeout:
                raise NoDaemonError(
                    f"The daemon does not serve after {timeout:.0f} s: {problem.message}", f"Its log is {starter.log}."
                )
            if now >= tell:
                on_wait(f"Waiting for the daemon ({now - begin:.0f} s)")
                tell = now + _TELL_SECONDS
            time.sleep(_POLL_SECONDS)


class _Starter:
    """The process that is to become the daemon, and another one where it found the daemon before it ending."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._process, self.log = _spawn(self._command)
        self._again: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ignored: object) -> None:
        """Let it live on when this program has ended: nobody waits for it, and nobody is to be warned of that."""
        if self._process.poll() is None:
            self._process.returncode = 0

    def dismiss(self, serving: int) -> None:
        """End it if another process serves: it has not noticed yet, and must not take over when that one ends."""
        # On Windows a launcher may stand between: there it notices by itself.
        if os.name != "nt" and self._process.pid != serving and self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_AGAIN_SECONDS)

    def check(self) -> None:
        """Raise NoDaemonError when it has ended for a reason of its own."""
        code = self._process.poll()
        if code is None:
            return
        if code != ALREADY_RUNNING:
            said, remedy = _last_words(self.log)
            raise NoDaemonError(
                f"The daemon did not start{': ' + said if said else '.'}", remedy or f"Its log is {self.log}."
            )
        # Another one holds the lock: it is about to serve, or about to end.
        now = time.monotonic()
        if self._again is None:
            self._again = now + _AGAIN_SECONDS
        elif now >= self._again:
            self._process, self.log = _spawn(self._command)
            self._again = None


def _last_words(log: Path) -> tuple[str, str]:
    """Why a daemon ended, and the remedy, as it wrote them; else its last line."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "", ""
    said = [number for number, line in enumerate(lines) if line.startswith(_PREFIX)]
    if not said:
        return last_line(log), ""
    after = lines[said[-1] + 1 : said[-1] + 2]
    return lines[said[-1]].removeprefix(_PREFIX), "".join(line.strip() for line in after if line.startswith("  "))


def daemon_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a daemon: little, and the same whoever starts it; its folder is named absolutely."""
    environ = os.environ if environ is None else environ
    kept = {
        name: value
        for name, value in environ.items()
        if name.upper() in _KEPT or name.upper().startswith(_KEPT_PREFIXES)
    }
    if kept.get("ANSWERPRINT_HOME"):
        kept["ANSWERPRINT_HOME"] = str(home(environ))
    return kept


def _spawn(command: Sequence[str]) -> tuple[subprocess.Popen[bytes], Path]:
    """Start the program in a session of its own: no terminal, no signal and no end of ours reaches it."""
    try:
        make_private(home())
        log = create_log(logs_folder(), "daemon-start")
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - our own program
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=daemon_environment(),
                cwd=home(),  # whatever folder the user is in can be unmounted
                start_new_session=os.name != "nt",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
                | getattr(subprocess, "DETACHED_PROCESS", 0),
            )
    except OSError as error:
        raise NoDaemonError(
            f"The daemon cannot be started ({error.strerror}).", f"Make sure that {home()} can be written to."
        ) from error
    return process, log
