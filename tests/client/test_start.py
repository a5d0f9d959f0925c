"""Whoever needs a daemon gets one: the one that runs, or a new one that outlives them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from answerprint.client.client import Client
from answerprint.client.start import daemon_environment, ensure_daemon
from answerprint.errors import NoDaemonError
from answerprint.home import logs_folder, run_folder
from answerprint.rpc.errors import OtherVersionError
from answerprint.rpc.session_file import lock_path, prepare_run_folder
from answerprint.store.lock import InstanceLock
from server.harness import PATIENCE_SECONDS, await_until

PROGRAM = Path(__file__).parents[1] / "fakes" / "daemon.py"


def command(scene: str = "") -> list[str]:
    return [sys.executable, str(PROGRAM), *([scene] if scene else [])]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own; whatever serves there in the end is ended."""
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    yield tmp_path
    with contextlib.suppress(NoDaemonError), Client.connect(timeout=0) as client:
        client.shut_down()
        await_until(lambda: not (run_folder() / "session.json").exists())


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_a_daemon_is_started_once_and_found_from_then_on() -> None:
    with ensure_daemon(command()) as first, ensure_daemon(command()) as second:
        assert first.session == second.session
        assert first.info().version == "1.2.3"


def test_many_at_once_get_the_same_daemon() -> None:
    with ThreadPoolExecutor(4) as pool:
        clients = list(pool.map(lambda _: ensure_daemon(command(), timeout=60), range(4)))
    assert len({client.session.start_id for client in clients}) == 1
    for client in clients:
        assert client.info().version == "1.2.3"
        client.close()


def test_the_daemon_outlives_who_started_it_and_has_nothing_of_his(home: Path) -> None:
    script = (
        "import sys\n"
        "from answerprint.client.start import ensure_daemon\n"
        "with ensure_daemon(sys.argv[1:]) as client: print(client.info().pid)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command("report")],
        capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "MY_SECRET": "1", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    pid = int(done.stdout)
    with Client.connect() as client:
        assert client.info().pid == pid
    environment = (home / "environment").read_text().split("\n")
    assert "MY_SECRET" not in environment
    assert {"ANSWERPRINT_HOME", "LC_ALL", "PATH"} <= set(environment)
    assert (home / "session").read_text() == f"{pid} {pid} {home}"


def test_the_environment_of_a_daemon_names_its_home_absolutely(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    kept = daemon_environment(
        {"ANSWERPRINT_HOME": "here", "_MEIPASS2": "/x", "PYTHONPATH": "/y", "CUDA_VISIBLE_DEVICES": "1"}
    )
    assert kept == {"ANSWERPRINT_HOME": str(tmp_path / "here"), "CUDA_VISIBLE_DEVICES": "1"}


def test_a_daemon_that_cannot_start_says_why_and_where_more_is() -> None:
    with pytest.raises(NoDaemonError, match="the disk is on fire") as refusal:
        ensure_daemon(command("broken"))
    assert refusal.value.exit_code == 3
    assert str(logs_folder()) in refusal.value.remedy
    with ensure_daemon(command()) as client:
        assert client.info().version == "1.2.3"


def test_a_program_that_is_not_there_is_an_error_with_a_remedy() -> None:
    with pytest.raises(NoDaemonError, match="Cannot start the daemon") as refusal:
        ensure_daemon(["/nowhere/answerprintd"])
    assert refusal.value.remedy


def test_a_daemon_that_does_not_come_to_serve_is_waited_for_with_words_and_not_for_ever() -> None:
    told: list[str] = []
    begin = time.monotonic()
    with pytest.raises(NoDaemonError, match="is not ready after 2 s"):
        ensure_daemon(command("mute"), timeout=2.2, on_wait=told.append)
    assert time.monotonic() - begin < PATIENCE_SECONDS
    assert told[0] == "Waiting for the daemon to start (1 s)"


def test_a_daemon_that_is_about_to_end_is_followed_by_a_new_one() -> None:
    prepare_run_folder(run_folder())
    lock = InstanceLock(lock_path(run_folder()))  # as one that has closed its server and still lives
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ensure_daemon, command(), timeout=60)
        await_until(lambda: len(list(logs_folder().glob("daemon-start-*"))) >= 1)
        await_until(lambda: len(list(logs_folder().glob("daemon-start-*"))) >= 2)
        lock.release()
        with waiting.result(60) as client:
            assert client.info().version == "1.2.3"


def test_a_second_daemon_ends_and_leaves_the_first_ones_socket_alone() -> None:
    with ensure_daemon(command()) as client:
        socket = client.session.socket
        assert socket is not None
        before = socket.lstat(), (run_folder() / "session.json").read_bytes()
        second = subprocess.run(command(), capture_output=True, timeout=60, check=False)
        assert second.returncode == 6
        assert (socket.lstat(), (run_folder() / "session.json").read_bytes()) == before
        assert client.info().pid == client.session.pid


def test_a_daemon_of_another_version_is_not_joined_by_a_second_one() -> None:
    with ensure_daemon(command()) as client:
        file = run_folder() / "session.json"
        content = file.read_text()
        file.write_text(json.dumps(json.loads(content) | {"protocol": 99}))
        with pytest.raises(OtherVersionError, match="version 99") as refusal:
            ensure_daemon(command())
        assert "answerprint daemon stop" in refusal.value.remedy
        assert len(list(logs_folder().glob("daemon-start-*"))) == 1
        file.write_text(content)
        assert client.info().version == "1.2.3"


def test_after_a_kill_the_next_daemon_serves_at_once() -> None:
    with ensure_daemon(command()) as client:
        pid = client.session.pid
    os.kill(pid, signal.SIGKILL)
    with ensure_daemon(command()) as client:
        assert client.session.pid != pid
        assert client.info().version == "1.2.3"
        assert not alive(pid)


def test_the_parent_is_small_and_quick() -> None:
    """The server with nothing behind it: what it costs is what the daemon has left for its own work."""
    script = (
        "import asyncio, sys, time\n"
        "begin = time.perf_counter()\n"
        f"sys.path.insert(0, {str(PROGRAM.parent.parent)!r})\n"
        "from pathlib import Path\n"
        "from answerprint.server.server import serve\n"
        "from fakes.daemon import FakeDaemon\n"
        "async def main():\n"
        "    server = await serve(FakeDaemon(Path('/')), Path(sys.argv[1]) / 'run', start_id='x')\n"
        "    await server.open()\n"
        "    status = Path('/proc/self/status').read_text()\n"
        "    kilobytes = int(status.split('VmRSS:')[1].split()[0])\n"
        "    heavy = {'torch', 'av', 'cv2', 'diffusers'} & set(sys.modules)\n"
        "    print(time.perf_counter() - begin, kilobytes, *heavy)\n"
        "    await server.stop(0)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(run_folder().parent)], capture_output=True, text=True, timeout=60, check=True
    )
    seconds, kilobytes, *heavy = done.stdout.split()
    assert heavy == []
    assert int(kilobytes) < 80 * 1024
    assert float(seconds) < 5, "a tenth of it where the machine has nothing else to do"
