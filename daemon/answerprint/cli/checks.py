"""Checks of `answerprint doctor` on the daemon and its files. Only `rebuild_journal` changes anything."""

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
from answerprint.home import frame_cache_folder, run_folder, state_folder
from answerprint.scheduler.config import load_config
from answerprint.text import counted

__all__ = ["DoctorCheck", "daemon_checks", "rebuild_journal", "verification_checks"]

_RESTART = "Restart it: answerprint daemon stop, then answerprint daemon start"


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """The result of one check. note: worth knowing, but not a problem."""

    name: str
    ok: bool
    text: str
    remedy: str = ""
    note: bool = False


def daemon_checks() -> Iterator[DoctorCheck]:
    """Check the settings, the daemon if one is running, and its journal."""
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
    yield _node(info)


def verification_checks() -> Iterator[DoctorCheck]:
    """Compare the journal with every file of its jobs by hash, and check the permissions of private files."""
    from answerprint.store.verify import verify_journal

    yield from _private()
    try:
        scratch = load_config().scratch_folder
    except InputError:
        return  # already reported
    result = verify_journal(_journal_file(), scratch)
    for finding in result.findings:
        wrong = finding.level == "error"
        yield DoctorCheck(finding.subject, not wrong, finding.message, finding.remedy, note=not wrong)
    compared = f"{counted(result.jobs, 'job')}, {counted(result.chunks, 'chunk')} and {size_words(result.bytes)}"
    number = len(result.errors)
    yield DoctorCheck(
        "journal and files", not number, f"{compared} checked: {counted(number, 'error') if number else 'no errors'}"
    )


def rebuild_journal() -> DoctorCheck:
    """Rebuild the journal of jobs and keep the damaged one beside it.

    Raises HeldError while a daemon is running, and what `rebuild` raises: the old journal is then unchanged.
    """
    from answerprint.server.home_lock import HomeLock
    from answerprint.store.rebuild import rebuild

    with HomeLock(state_folder(), run_folder()):
        report = rebuild(_journal_file(), load_config().scratch_folder)
    jobs = report.jobs_from_journal + report.jobs_from_folders
    kept = f"; the damaged journal is kept as {report.damaged}" if report.damaged is not None else ""
    lost = f"; could not be recovered: {', '.join(report.lost)}" if report.lost else ""
    return DoctorCheck(
        "journal rebuilt", True, f"{counted(jobs, 'job')}, {counted(report.chunks, 'chunk')}{lost}{kept}"
    )


def _daemon(info: DaemonInfo, endpoint: str) -> DoctorCheck:
    if info.version != __version__:
        text = f"version {info.version} is running, but this program is version {__version__}"
        return DoctorCheck("daemon", False, text, _RESTART)
    loaded = ", ".join(model.model for model in info.warm_models) or "none"
    paused = f", suspended ({info.suspend_reason or 'no reason given'})" if info.suspended else ""
    text = f"process {info.pid} at {endpoint}, up {duration(info.uptime_seconds)}, loaded models: {loaded}{paused}"
    return DoctorCheck("daemon", True, text)


def _no_daemon(error: NoDaemonError) -> DoctorCheck:
    """No daemon is fine, unless something keeps it from starting, or one runs and does not answer."""
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
    return DoctorCheck("daemon", True, "not running; commands start it when they need it")


def _node(info: DaemonInfo | None) -> DoctorCheck:
    """The socket and the cache of the OpenFX node."""
    from answerprint.ofx.frame_cache import FrameCache
    from answerprint.ofx.protocol import MalformedError, Rendezvous
    from answerprint.server.node_socket import rendezvous_path

    try:
        limit = load_config().frame_cache_bytes
    except InputError:
        limit = 0  # already reported
    used = FrameCache(frame_cache_folder(), limit).used_bytes()
    frames = f"{size_words(used)} of {size_words(limit)} of frames in {frame_cache_folder()}"
    if info is None:
        return DoctorCheck("OpenFX node", True, f"served while a daemon runs; {frames}")
    try:
        endpoint = Rendezvous.parse(rendezvous_path(run_folder()).read_bytes()).endpoint
    except (OSError, MalformedError):
        return DoctorCheck("OpenFX node", False, "the daemon does not listen to it; its log says why", _RESTART)
    return DoctorCheck("OpenFX node", True, f"served at {endpoint}; {frames}")


def _journal(info: DaemonInfo | None) -> DoctorCheck:
    from answerprint.store.tables.connection import file_version
    from answerprint.store.tables.schema import VERSION

    path = _journal_file()
    if not path.exists():
        return DoctorCheck("journal", True, "none yet")
    version = file_version(path)
    if version is None:
        return DoctorCheck("journal", False, f"{path} cannot be read", "Find out more: answerprint doctor --verify")
    if version > VERSION:
        text = f"{path} has format {version}; this program knows formats up to {VERSION}"
        return DoctorCheck("journal", False, text, "Use the newer version of Answerprint that wrote it.")
    counts = ", ".join(f"{number} {state}" for state, number in (info.jobs if info else {}).items() if number)
    return DoctorCheck("journal", True, f"{path}, {size_words(path.stat().st_size)}{f'; {counts}' if counts else ''}")


def _private() -> Iterator[DoctorCheck]:
    """Check that only their owner can reach the run folder, the socket and the session file."""
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
            text = f"other users can reach it (mode {stat.S_IMODE(found.st_mode):04o})"
            yield DoctorCheck(str(path), False, text, f"Restrict it: chmod go-rwx {path}")
        else:
            yield DoctorCheck(path.name, True, f"only you can reach {path}")


def _journal_file() -> Path:
    return state_folder() / "journal.db"
