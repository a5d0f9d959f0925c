"""`answerprintd`: the daemon in the foreground. This module assembles its parts."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from answerprint import __version__
from answerprint.api.job import JobState
from answerprint.api.types import NewJob
from answerprint.child import BUNDLE_FLAG, command
from answerprint.child import main as child_main
from answerprint.cli.console import Console, prepare_streams
from answerprint.descriptors import raise_limit
from answerprint.errors import AnswerprintError, CancelledError, NoDaemonError
from answerprint.frames.frame import FrameRange
from answerprint.home import frame_cache_folder, home, logs_folder, run_folder, state_folder
from answerprint.ipc.child import Child
from answerprint.rpc.session_file import root_warning
from answerprint.scheduler.config import Config, load_config
from answerprint.scheduler.journal_thread import JournalThread
from answerprint.scheduler.logfile import open_log
from answerprint.scheduler.service import Service
from answerprint.server.home_lock import HomeLock
from answerprint.server.node_socket import NodeSocket
from answerprint.server.server import Server, serve
from answerprint.store.journal import Journal
from answerprint.store.lock import HeldError
from answerprint.store.private import close_home
from answerprint.store.recovery import recover
from answerprint.store.shared_scratch import make_home_id, move_in

__all__ = ["main"]

_log = logging.getLogger("answerprint.daemon")

_CHECK_SECONDS = 1.0
"""How often the socket and the lock are checked."""

_EPILOG = """\
The daemon runs the jobs of `answerprint` and DaVinci Resolve, and keeps models loaded between them. Commands start it
when they need it; run this program from a service manager, or to watch the daemon at work.

Only you can connect to it; it never listens on a network. SIGTERM or Ctrl-C stops it: finished chunks are kept, and
jobs resume at the next start.

settings: config.toml in the program's folder, or ANSWERPRINT_<NAME> in the environment, such as
  keep_alive_seconds = "10m"     how long an unused model stays in memory
  memory_cap_bytes = "8G"        the most memory that loaded models may use
  threads = 4                    CPU cores that a job may use; leave some for editing
  scratch = "/fast/scratch"      where finished chunks are kept until their job is done

exit codes: 0 stopped on request, 2 bad settings, 4 failed, 6 another daemon is already running
"""


def main(argv: Sequence[str] | None = None, *, child_command: Callable[[str], list[str]] = command) -> int:
    """Run the daemon until it is stopped, and return the exit code. child_command: how to start a child process."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == [BUNDLE_FLAG]:
        return child_main(arguments[1:])
    parser = argparse.ArgumentParser(
        prog="answerprintd",
        description="Run the Answerprint daemon in the foreground.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"answerprintd {__version__}")
    parser.add_argument("--quiet", action="store_true", help="write to the log file only")
    args = parser.parse_args(arguments)
    prepare_streams()
    console = Console()
    try:
        raise_limit()
        notices = close_home(create=True)  # before any file in it is trusted
        config = load_config()
        open_log(logs_folder(), most_bytes=config.log_bytes, files=config.log_files, also_stderr=not args.quiet)
        for notice in notices:
            _log.warning("%s", notice)
        make_home_id(home())
        with HomeLock(state_folder(), run_folder()) as lock:
            return asyncio.run(_serve(config, child_command, lock))
    except HeldError as error:
        console.fail(error.message, error.remedy, code=error.code, exit_code=error.exit_code)
        return error.exit_code
    except CancelledError:
        return 0
    except AnswerprintError as error:
        _log.error("not started: %s", error.message)
        console.fail(error.message, error.remedy, code=error.code, exit_code=error.exit_code)
        return error.exit_code


async def _serve(config: Config, child_command: Callable[[str], list[str]], lock: HomeLock) -> int:
    """Recover jobs, serve calls and shut down in order."""
    ending = asyncio.Event()
    _on_signals(ending.set)
    if warning := root_warning():
        _log.warning("%s", warning)
    journal = JournalThread(lambda: Journal.open(state_folder() / "journal.db"))
    if config.scratch:
        moved = await journal.run(_move_in, journal.journal, Path(config.scratch), config.scratch_folder)
        _log.info("moved folders=%d to=%s", moved, config.scratch_folder)
    report = await journal.run(recover, journal.journal, config.scratch_folder)
    _log.info("recovered resumed=%d chunks=%d paused=%d", len(report.resumed), len(report.chunks), len(report.paused))
    for problem in report.unreadable:
        _log.error("%s", problem)
    for path in report.left:
        _log.warning("not made by Answerprint, left untouched: %s", path)

    service = Service(
        journal,
        config,
        start_worker=lambda: Child.start(child_command("device"), "device", logs_folder()),
        start_media=lambda: Child.start(child_command("media"), "media", logs_folder()),
        on_shut_down=ending.set,
        plan=_plan_node_job,
    )
    nodes = NodeSocket(run_folder(), frame_cache_folder(), service.nodes.ask)
    try:
        server = await serve(service, run_folder(), start_id=service.start_id)
    except AnswerprintError:
        await journal.close()
        raise
    try:
        service.start()
        await server.open()
        await _listen_to_nodes(nodes)
        _log.info("serving version=%s endpoint=%s", __version__, server.session.endpoint)
        watch = asyncio.create_task(_stay_reachable(server, nodes, lock, ending))
        await ending.wait()
        _log.info("ending")
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        await nodes.close()
        await server.drain()
    finally:
        try:
            await service.close()
        finally:
            await server.stop()
        _log.info("ended")
    return 0


def _plan_node_job(id: str, path: str, frames: FrameRange | None, taken: Sequence[str]) -> NewJob:
    # Only now: nobody may ever press the node's button, and the start stays short.
    from answerprint.resolve.restore.node_job import plan_node_job

    return plan_node_job(id, path, frames, taken)


def _move_in(journal: Journal, shared: Path, own: Path) -> int:
    return len(move_in(shared, own, [job.id for job in journal.in_states(frozenset(JobState))]))


async def _listen_to_nodes(nodes: NodeSocket) -> bool:
    """Listen to the OpenFX plugin; without it the daemon does everything else."""
    try:
        await nodes.listen()
    except NoDaemonError as error:
        _log.warning("%s", error)
        return False
    return True


async def _stay_reachable(server: Server, nodes: NodeSocket, lock: HomeLock, ending: asyncio.Event) -> None:
    """Listen again if a socket or a file that names it was removed; stop if the journal's folder or its lock was
    removed, as another daemon may have started there.
    """
    reported, heard = "", True
    while not ending.is_set():
        await asyncio.sleep(_CHECK_SECONDS)
        if not lock.guards():
            _log.error("stopping: the journal's folder or its lock was removed")
            ending.set()
            continue
        if not server.reachable():
            try:
                lock.restore_run()
                await server.listen_again()
            except AnswerprintError as error:
                if error.message != reported:  # retried every second, reported once
                    _log.error("not reachable: %s", error.message)
                reported = error.message
            else:
                reported = ""
                _log.warning(
                    "reachable again endpoint=%s: the folder or the socket had been removed", server.session.endpoint
                )
        if heard and not nodes.reachable():
            heard = await _listen_to_nodes(nodes)


def _on_signals(end: Callable[[], None]) -> None:
    """Call `end` on SIGTERM and Ctrl-C; Windows has only Ctrl-C."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, end)
        except NotImplementedError:
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(end))


if __name__ == "__main__":
    sys.exit(main())
