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
The daemon does the work of every command and of DaVinci Resolve, and keeps models warm between jobs. Commands start it
when they need it. It listens where only you can reach it, never on a network.

examples:
  answerprint daemon status
  answerprint daemon stop
  answerprintd                     in the foreground, for service managers

exit code: 3 when none runs
"""

_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.05


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the arguments."""
    parser.epilog = _EPILOG
    actions = Actions(parser)
    actions.add("start", "start it in the background, if none runs, and wait until it serves")
    actions.add("stop", "end it: jobs keep what is done, and go on at the next start")
    actions.add("status", "what it is doing, what is warm, and what is wrong")


def run(args: Namespace, context: Context) -> int:
    """Do what was asked; returns the exit code."""
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
        context.console.out(f"The daemon {'serves' if started else 'runs already'} (process {pid}).")
    return 0


def _stop(context: Context) -> int:
    try:
        with reach_daemon() as client:
            pid = client.session.pid
            counts = client.info().jobs
            _announce_end(context)
            client.shut_down()
    except NoDaemonError as error:
        pid, counts = _end_owner(context, error), {}
    _await_end()
    if context.console.json:
        context.console.event({"event": "daemon", "state": "stopped", "pid": pid, "jobs": counts})
    else:
        context.console.out(f"The daemon has ended (process {pid}).{_left_words(counts)}")
    return 0


def _left_words(counts: Mapping[str, int]) -> str:
    """How many jobs are left, as a sentence with a space before it; empty for none."""
    waiting = sum(counts.get(state.value, 0) for state in UNFINISHED - {JobState.PAUSED})
    paused = counts.get(JobState.PAUSED.value, 0)
    parts = [f"{counted(waiting, 'job')} {'waits' if waiting == 1 else 'wait'}"] if waiting else []
    parts += [f"{counted(paused, 'job')} {'is' if paused == 1 else 'are'} paused"] if paused else []
    return f" {', '.join(parts)}. To go on: answerprint daemon start" if parts else ""


def _none_runs(error: NoDaemonError) -> NoDaemonError:
    """The error, with what waits in the journal where no daemon has it."""
    from answerprint.cli.jobs.stored import waiting_words  # SQLite, for which --help has no use

    if type(error) is not NoDaemonError:
        return error
    return NoDaemonError(f"{error.message}{waiting_words()}", error.remedy)


def _announce_end(context: Context) -> None:
    if not context.console.json:
        context.console.err("The daemon ends; the running chunk is given up, all else is kept.")


def _end_owner(context: Context, reason: NoDaemonError) -> int:
    """End by signal whoever holds the home: a daemon of another protocol, or one that cannot be reached; its process.

    Raises the reason where nobody does.
    """
    from answerprint.server.home_lock import find_owner

    held = find_owner(state_folder(), run_folder())
    if held is None:
        raise _none_runs(NoDaemonError("No daemon is running.", "Start one: answerprint daemon start")) from reason
    if held.pid is None:
        raise held
    _announce_end(context)
    # Asked like this it shuts down in order; Windows ends it at once, and the next start finds what is done.
    os.kill(held.pid, signal.SIGTERM)
    return held.pid


def _await_end() -> None:
    """Wait until the home is free: the system frees it when the process is gone, and not before."""
    from answerprint.server.home_lock import find_owner

    deadline = time.monotonic() + _STOP_SECONDS
    while (held := find_owner(state_folder(), run_folder())) is not None:
        if time.monotonic() >= deadline:
            raise JobFailedError(
                f"The daemon has not ended after {_STOP_SECONDS:.0f} s (process {held.pid}).",
                "Look into its log; as a last resort kill that process: what is done is kept.",
            ) from held
        time.sleep(_POLL_SECONDS)


def _status(context: Context) -> int:
    try:
        with reach_daemon() as client:
            info, endpoint = client.info(), client.session.endpoint
    except NoDaemonError as error:
        raise _none_runs(error) from error
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
        yield "", f"this program is version {__version__}: restart the daemon with answerprint daemon stop"
    yield "listens", endpoint
    counts = ", ".join(f"{number} {state}" for state, number in info.jobs.items() if number)
    yield "jobs", counts or "none"
    if info.suspended:
        reason = f" ({info.suspend_reason})" if info.suspend_reason else ""
        yield "suspended", f"yes{reason}; to go on: answerprint queue resume"
    for model in info.warm_models:
        left = "for ever" if model.remaining_seconds < 0 else f"for {duration(model.remaining_seconds)} more"
        when = "in use" if model.in_use else f"kept {left}"
        yield "warm model", f"{model.model} on {model.device}, {size_words(model.bytes)}, {when}"
    if not info.warm_models:
        yield "warm model", "none"
    for device in info.devices:
        yield "device", _device(device)
    if not info.devices:
        yield "device", "known when a job has run"
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
