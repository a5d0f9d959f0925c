"""`answerprint daemon`."""

from __future__ import annotations

import os
import signal
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from answerprint import __version__
from answerprint.api.job import UNFINISHED, JobState
from answerprint.api.types import DaemonInfo
from answerprint.cli.actions import Actions
from answerprint.cli.connect import reach_daemon, start_daemon
from answerprint.cli.context import Context
from answerprint.cli.jobs.words import size_words
from answerprint.cli.times import duration
from answerprint.errors import JobFailedError, NoDaemonError
from answerprint.home import run_folder, state_folder
from answerprint.text import counted

__all__ = ["add_arguments", "run"]

_EPILOG = """\
The daemon does the work for every command and for DaVinci Resolve, and keeps models loaded between jobs. Commands start
it when they need it. Only you can connect to it; it never listens on a network.

examples:
  answerprint daemon status
  answerprint daemon stop
  answerprintd                     run it in the foreground, for service managers

exit code: 3 if no daemon is running
"""

_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.05


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EPILOG
    actions = Actions(parser)
    actions.add("start", "start the daemon in the background and wait until it is ready")
    actions.add("stop", "stop the daemon; finished chunks are kept, jobs resume at the next start")
    actions.add("status", "show jobs, loaded models, devices, disks and problems")


def run(args: Namespace, context: Context) -> int:
    """Run the action and return the exit code."""
    if args.action == "start":
        return _start(context)
    return _stop(context) if args.action == "stop" else _status(context)


def _start(context: Context) -> int:
    client, started = start_daemon(context)
    with client:
        pid = client.session.pid
    if context.console.json:
        context.console.event({"event": "daemon", "state": "serving", "pid": pid, "started": started})
    else:
        context.console.out(f"The daemon {'has started' if started else 'is already running'} (process {pid}).")
    return 0


def _stop(context: Context) -> int:
    try:
        with reach_daemon() as client:
            pid = client.session.pid
            counts = client.info().jobs
            _announce_stop(context)
            client.shut_down()
    except NoDaemonError as error:
        pid, counts = _end_owner(context, error), {}
    _await_end()
    if context.console.json:
        context.console.event({"event": "daemon", "state": "stopped", "pid": pid, "jobs": counts})
    else:
        context.console.out(f"The daemon has stopped (process {pid}).{_left_words(counts)}")
    return 0


def _left_words(counts: Mapping[str, int]) -> str:
    """How many jobs are left, as a sentence with a leading space; empty for none."""
    waiting = sum(counts.get(state.value, 0) for state in UNFINISHED - {JobState.PAUSED})
    paused = counts.get(JobState.PAUSED.value, 0)
    parts = [f"{counted(waiting, 'job')} {'is' if waiting == 1 else 'are'} waiting"] if waiting else []
    parts += [f"{counted(paused, 'job')} {'is' if paused == 1 else 'are'} paused"] if paused else []
    return f" {', '.join(parts)}. To continue: answerprint daemon start" if parts else ""


def _with_waiting(error: NoDaemonError) -> NoDaemonError:
    """The error, plus how many jobs wait in the journal."""
    from answerprint.cli.jobs.stored import waiting_words  # imports SQLite, which --help does not need

    if type(error) is not NoDaemonError:
        return error
    return NoDaemonError(f"{error.message}{waiting_words()}", error.remedy)


def _announce_stop(context: Context) -> None:
    if not context.console.json:
        context.console.err("Stopping the daemon; finished chunks are kept.")


def _end_owner(context: Context, reason: NoDaemonError) -> int:
    """Signal the process that holds the home folder: a daemon of another version, or one that cannot be reached.

    Returns its process id. Raises `reason` if no process holds it.
    """
    from answerprint.server.home_lock import find_owner

    held = find_owner(state_folder(), run_folder())
    if held is None:
        raise _with_waiting(NoDaemonError("No daemon is running.", "Start one: answerprint daemon start")) from reason
    if held.pid is None:
        raise held
    _announce_stop(context)
    # SIGTERM shuts it down in order. Windows kills it at once; the next start recovers finished chunks.
    os.kill(held.pid, signal.SIGTERM)
    return held.pid


def _await_end() -> None:
    """Wait until the home folder is free: the system releases its lock when the process is gone."""
    from answerprint.server.home_lock import find_owner

    deadline = time.monotonic() + _STOP_SECONDS
    while (held := find_owner(state_folder(), run_folder())) is not None:
        if time.monotonic() >= deadline:
            raise JobFailedError(
                f"The daemon did not stop within {_STOP_SECONDS:.0f} s (process {held.pid}).",
                "Check its log. As a last resort, kill the process: finished chunks are kept.",
            ) from held
        time.sleep(_POLL_SECONDS)


def _status(context: Context) -> int:
    try:
        with reach_daemon() as client:
            info, endpoint = client.info(), client.session.endpoint
    except NoDaemonError as error:
        raise _with_waiting(error) from error
    if context.console.json:
        context.console.event({"event": "daemon", "state": "serving", "endpoint": endpoint, **asdict(info)})
        return 0
    lines = list(_lines(info, endpoint))
    width = max(len(name) for name, _ in lines)
    for name, text in lines:
        context.console.out(f"{name:<{width}}  {text}".rstrip())
    return 0


def _lines(info: DaemonInfo, endpoint: str) -> Iterator[tuple[str, str]]:
    memory = f", {size_words(info.resident_bytes)} of memory" if info.resident_bytes else ""
    yield "daemon", f"version {info.version}, process {info.pid}, up {duration(info.uptime_seconds)}{memory}"
    if info.version != __version__:
        yield "", f"this program is version {__version__}; to restart the daemon: answerprint daemon stop"
    yield "endpoint", endpoint
    counts = ", ".join(f"{number} {state}" for state, number in info.jobs.items() if number)
    yield "jobs", counts or "none"
    if info.suspended:
        reason = f" ({info.suspend_reason})" if info.suspend_reason else ""
        yield "suspended", f"yes{reason}; to resume: answerprint queue resume"
    for model in info.warm_models:
        left = "until unloaded" if model.remaining_seconds < 0 else f"for {duration(model.remaining_seconds)} more"
        when = "in use" if model.in_use else f"kept {left}"
        yield "loaded model", f"{model.model} on {model.device}, {size_words(model.bytes)}, {when}"
    if not info.warm_models:
        yield "loaded model", "none"
    for device in info.devices:
        yield "device", _device(device)
    if not info.devices:
        yield "device", "known after the first job"
    if info.memory_cap_bytes:
        yield "memory cap", size_words(info.memory_cap_bytes)
    for disk in info.disks:
        yield disk.purpose, f"{disk.folder}, {size_words(disk.used_bytes)} used, {size_words(disk.free_bytes)} free"
    for problem in info.problems:
        yield "PROBLEM", problem


def _device(device: dict[str, object]) -> str:
    parts = [f"{device.get('name')}: {device.get('about')}"]
    for name, word in (("bytes", ""), ("free_bytes", " free")):
        if size := device.get(name):
            parts.append(size_words(float(str(size))) + word)
    return ", ".join(parts)
