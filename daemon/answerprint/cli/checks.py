"""What the doctor looks at of the daemon and of what it keeps. Only `rebuild_journal` changes something."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from answerprint import __version__
from answerprint.api.types import DaemonInfo
from answerprint.cli.connect import reach_daemon
from answerprint.cli.jobs.words import size_words
from answerprint.cli.times import duration
from answerprint.errors import AnswerprintError, InputError, NoDaemonError
from answerprint.home import run_folder, state_folder
from answerprint.scheduler.config import load_config
from answerprint.text import counted

__all__ = ["DoctorCheck", "daemon_checks", "rebuild_journal", "verification_checks"]

_RESTART = "Restart it: answerprint daemon stop"


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """One thing that was looked at. note: worth knowing, and not wrong."""

    name: str
    ok: bool
    text: str
    remedy: str = ""
    note: bool = False


def daemon_checks() -> Iterator[DoctorCheck]:
    """Look at the settings, at the daemon if one runs, and at its journal."""
    from answerprint.store.private import openings

    for found in openings():
        yield DoctorCheck(str(found.path), False, found.message, found.remedy)
    try:
        load_config()
    except InputError as error:
        yield DoctorCheck("settings", False, error.message, error.remedy)
    info: DaemonInfo | None = None
    try:
        with reach_daemon() as client:
            info = client.info()
            yield _daemon(info, client.session.endpoint)
    except NoDaemonError as error:
        yield _no_daemon(error)
    except AnswerprintError as error:
        yield DoctorCheck("daemon", False, error.message, error.remedy or _RESTART)
    if info is not None:
        for problem in info.problems:
            yield DoctorCheck("daemon", False, problem)
    yield _journal(info)


def verification_checks() -> Iterator[DoctorCheck]:
    """Compare the journal with every file of its jobs, to the last hash, and look at what others could reach."""
    from answerprint.store.verify import verify_journal

    yield from _private()
    try:
        scratch = load_config().scratch_folder
    except InputError:
        return  # said already
    result = verify_journal(_journal_file(), scratch)
    for finding in result.findings:
        wrong = finding.level == "error"
        yield DoctorCheck(finding.subject, not wrong, finding.message, finding.remedy, note=not wrong)
    things = f"{counted(result.jobs, 'job')}, {counted(result.chunks, 'chunk')} and {size_words(result.bytes)}"
    number = len(result.errors)
    yield DoctorCheck(
        "journal and files", not number, f"{things} compared: {f'{number} wrong' if number else 'all as promised'}"
    )


def rebuild_journal() -> DoctorCheck:
    """Make the journal of jobs again, with the damaged one beside it.

    Raises HeldError while a daemon runs, and what `rebuild` raises: the old journal is then as it was.
    """
    from answerprint.server.home_lock import HomeLock
    from answerprint.store.rebuild import rebuild

    with HomeLock(state_folder(), run_folder()):
        report = rebuild(_journal_file(), load_config().scratch_folder)
    jobs = report.jobs_from_journal + report.jobs_from_folders
    kept = f"; the old one is {report.damaged}" if report.damaged is not None else ""
    lost = f"; not readable any more: {', '.join(report.lost)}" if report.lost else ""
    return DoctorCheck(
        "journal made again", True, f"{counted(jobs, 'job')}, {counted(report.chunks, 'chunk')}{lost}{kept}"
    )


def _daemon(info: DaemonInfo, endpoint: str) -> DoctorCheck:
    if info.version != __version__:
        text = f"is of version {info.version}, this program of version {__version__}"
        return DoctorCheck("daemon", False, text, _RESTART)
    warm = ", ".join(model.model for model in info.warm_models) or "no model"
    paused = f", suspended ({info.suspend_reason or 'no reason given'})" if info.suspended else ""
    text = f"process {info.pid} at {endpoint}, up {duration(info.uptime_seconds)}, {warm} warm{paused}"
    return DoctorCheck("daemon", True, text)


def _no_daemon(error: NoDaemonError) -> DoctorCheck:
    """None that runs is as good as one: unless something keeps it from running, or it does not answer."""
    from answerprint.rpc.session_file import check_private
    from answerprint.server.home_lock import find_owner

    run = run_folder()
    try:
        owner = find_owner(state_folder(), run)
        if owner is not None:
            return DoctorCheck("daemon", False, f"process {owner.pid} does not answer: {error.message}", _RESTART)
        if run.exists():
            check_private(run)
    except AnswerprintError as problem:
        return DoctorCheck("daemon", False, problem.message, problem.remedy)
    return DoctorCheck("daemon", True, "none runs; it is started when it is needed")


def _journal(info: DaemonInfo | None) -> DoctorCheck:
    from answerprint.store.tables.connection import file_version
    from answerprint.store.tables.schema import VERSION

    path = _journal_file()
    if not path.exists():
        return DoctorCheck("journal", True, "there is none yet")
    version = file_version(path)
    if version is None:
        return DoctorCheck("journal", False, f"{path} cannot be read", "Look closer: answerprint doctor --verify")
    if version > VERSION:
        text = f"{path} is of version {version}, and this program knows {VERSION} at most"
        return DoctorCheck("journal", False, text, "Use the newer version of Answerprint that wrote it.")
    counts = ", ".join(f"{number} {state}" for state, number in (info.jobs if info else {}).items() if number)
    return DoctorCheck("journal", True, f"{path}, {size_words(path.stat().st_size)}{f'; {counts}' if counts else ''}")


def _private() -> Iterator[DoctorCheck]:
    """Whether the run folder, the socket and the session file are for their user alone."""
    from answerprint.rpc.session_file import read_session

    run = run_folder()
    if os.name == "nt" or not run.exists():
        return
    try:
        session = read_session(run)
    except NoDaemonError:
        session = None
    socket = [session.socket] if session is not None and session.socket is not None else []
    paths = [run, run / "lock", run / "session.json", *socket]
    for path in (path for path in paths if os.path.lexists(path)):
        found = path.lstat()
        if found.st_uid != os.getuid():
            yield DoctorCheck(str(path), False, f"belongs to another user (id {found.st_uid})", f"Remove {path}.")
        elif found.st_mode & 0o077:
            text = f"is open to other users (mode {stat.S_IMODE(found.st_mode):04o})"
            yield DoctorCheck(str(path), False, text, f"Make it yours alone: chmod go-rwx {path}")
        else:
            yield DoctorCheck(path.name, True, f"{path} is yours alone")


def _journal_file() -> Path:
    return state_folder() / "journal.db"
