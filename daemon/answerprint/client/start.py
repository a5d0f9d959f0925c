"""Connect to the daemon, and start it if none is running; it outlives the program that starts it."""

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
"""Exit code of a daemon that finds another one running; for the caller, that is success."""

_POLL_SECONDS = 0.05
_NOTICE_SECONDS = 1.0
_RESTART_SECONDS = 1.0
_PREFIX = "answerprint: "
"""Starts the error line of our programs; the remedy follows on an indented line."""

# Variables that a program needs to find its files, its language and its devices. Others are dropped: the daemon would
# outlive the shell, virtual environment or frozen program that they belong to.
_VARIABLES = frozenset(
    {
        *("HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER"),
        *("APPDATA", "COMSPEC", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "NUMBER_OF_PROCESSORS", "PROGRAMDATA"),
        *("SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERNAME", "USERPROFILE", "WINDIR"),
    }
)
_VARIABLE_PREFIXES = ("ANSWERPRINT_", "CUDA_", "HIP_", "LC_", "MKL_", "NVIDIA_", "OMP_", "PYTORCH_", "ROCR_", "XDG_")


def ensure_daemon(
    command: Sequence[str],
    *,
    run: Path | None = None,
    timeout: float = 20.0,
    on_wait: Callable[[str], None] = lambda message: None,
) -> Client:
    """Return a client of the daemon; start it with `command` if none is running.

    on_wait: called with a message after each second of waiting. Raises NoDaemonError if no daemon serves within the
    timeout.
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
        notice = begin + _NOTICE_SECONDS
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
                    f"The daemon is not ready after {timeout:.0f} s: {problem.message}", f"See its log: {starter.log}"
                )
            if now >= notice:
                on_wait(f"Waiting for the daemon to start ({now - begin:.0f} s)")
                notice = now + _NOTICE_SECONDS
            time.sleep(_POLL_SECONDS)


class _Starter:
    """The process that becomes the daemon; started again if it found an older daemon that was stopping."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._process, self.log = _spawn(self._command)
        self._restart_at: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ignored: object) -> None:
        """Let it outlive this program: mark it as ended, so that Popen does not warn."""
        if self._process.poll() is None:
            self._process.returncode = 0

    def dismiss(self, serving: int) -> None:
        """End it if another daemon serves: it must not take over later."""
        # Not on Windows, where a launcher may be the parent; there it notices by itself.
        if os.name != "nt" and self._process.pid != serving and self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_RESTART_SECONDS)

    def check(self) -> None:
        """Raise NoDaemonError if it has ended with an error."""
        code = self._process.poll()
        if code is None:
            return
        if code != ALREADY_RUNNING:
            message, remedy = _final_error(self.log)
            raise NoDaemonError(
                f"The daemon did not start{': ' + message if message else '.'}", remedy or f"See its log: {self.log}"
            )
        # Another daemon holds the lock: it is starting or stopping.
        now = time.monotonic()
        if self._restart_at is None:
            self._restart_at = now + _RESTART_SECONDS
        elif now >= self._restart_at:
            self._process, self.log = _spawn(self._command)
            self._restart_at = None


def _final_error(log: Path) -> tuple[str, str]:
    """The final error and remedy in a log; without them, its last line."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "", ""
    found = [number for number, line in enumerate(lines) if line.startswith(_PREFIX)]
    if not found:
        return last_line(log), ""
    after = lines[found[-1] + 1 : found[-1] + 2]
    return lines[found[-1]].removeprefix(_PREFIX), "".join(line.strip() for line in after if line.startswith("  "))


def daemon_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of the daemon: minimal, so that it does not depend on who starts it; paths are absolute."""
    environ = os.environ if environ is None else environ
    kept = {
        name: value
        for name, value in environ.items()
        if name.upper() in _VARIABLES or name.upper().startswith(_VARIABLE_PREFIXES)
    }
    if kept.get("ANSWERPRINT_HOME"):
        kept["ANSWERPRINT_HOME"] = str(home(environ))
    return kept


def _spawn(command: Sequence[str]) -> tuple[subprocess.Popen[bytes], Path]:
    """Start the program detached: in its own session, without a terminal, unaffected by the end of this one."""
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
                cwd=home(),  # the current folder may be unmounted
                start_new_session=os.name != "nt",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
                | getattr(subprocess, "DETACHED_PROCESS", 0),
            )
    except OSError as error:
        raise NoDaemonError(
            f"Cannot start the daemon ({error.strerror}).", f"Make sure that {home()} is writable."
        ) from error
    return process, log
