"""Only programs of the daemon's own user reach it, whatever is tried, and on every method there is."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from answerprint.client import connection
from answerprint.client.client import Client
from answerprint.errors import NoDaemonError
from answerprint.rpc import session_file
from answerprint.rpc.session_file import choose_socket, prepare_run_folder, read_session
from server.harness import METHODS, PATIENCE_SECONDS, Running, ask, raw_channel

UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED


@pytest.fixture(params=["socket", "port"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    with Running(tmp_path / "run", tcp=request.param == "port") as server:
        yield server


@pytest.mark.parametrize("method", METHODS)
def test_no_method_runs_without_the_token_of_this_start(running: Running, method: str) -> None:
    name, good = running.token
    wrong = [
        (),
        ((name, ""),),
        ((name, "Bearer"),),
        ((name, "Bearer " + "0" * 64),),
        ((name, good.replace("Bearer", "bearer")),),
        ((name, good[:-1]),),
        ((name, good + "0"),),
        ((name, good.removeprefix("Bearer ")),),
        ((name, good), (name, good)),
        (("token", good),),
    ]
    with raw_channel(running.server.session.endpoint) as channel:
        for metadata in wrong:
            assert ask(channel, method, b"", metadata) is UNAUTHENTICATED, metadata
    assert running.daemon.calls == []


@pytest.mark.parametrize("method", METHODS)
def test_no_method_runs_for_a_web_page(running: Running, method: str) -> None:
    with raw_channel(running.server.session.endpoint) as channel:
        for origin in ("http://localhost", "null", ""):
            assert ask(channel, method, b"", (running.token, ("origin", origin))) is UNAUTHENTICATED
    assert running.daemon.calls == []


def test_the_token_of_the_start_before_opens_nothing(running: Running) -> None:
    old = running.token
    running.restart()
    assert running.token != old
    with raw_channel(running.server.session.endpoint) as channel:
        assert ask(channel, "/answerprint.rpc.v1.System/GetInfo", b"", (old,)) is UNAUTHENTICATED
        assert ask(channel, "/answerprint.rpc.v1.System/GetInfo", b"", (running.token,)) is grpc.StatusCode.OK


def test_a_browser_gets_no_answer(running: Running) -> None:
    request = b"POST /answerprint.rpc.v1.System/GetInfo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    for data in (request, b"GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", os.urandom(4096)):
        with plain_connection(running) as raw:
            raw.sendall(data)
            answer = b"".join(iter(lambda: _receive(raw), b""))
        assert b"HTTP/1" not in answer
    assert running.daemon.calls == []
    with running.client() as client:
        assert client.info().version == "1.2.3"


def plain_connection(running: Running) -> socket.socket:
    path = running.server.session.socket
    if path is None:
        host, port = running.server.session.endpoint.split(":")
        return socket.create_connection((host, int(port)), PATIENCE_SECONDS)
    raw = socket.socket(socket.AF_UNIX)
    raw.settimeout(PATIENCE_SECONDS)
    raw.connect(str(path))
    return raw


def _receive(raw: socket.socket) -> bytes:
    try:
        return raw.recv(4096)
    except ConnectionError:
        return b""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_another_user_cannot_even_connect(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == os.getuid() and parent != Path("/tmp"):  # noqa: S108 - of the system
            parent.chmod(parent.stat().st_mode | 0o011)
    with Running(tmp_path / "run") as running:
        script = (
            "import os, socket, sys\n"
            "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "os.stat(sys.argv[2])\n"  # the way there is open: what refuses is the folder itself
            "for path in sys.argv[1:2]:\n"
            "    try: socket.socket(socket.AF_UNIX).connect(path)\n"
            "    except PermissionError: print('refused')\n"
            "try: open(sys.argv[2] + '/session.json')\n"
            "except PermissionError: print('refused')\n"
        )
        done = subprocess.run(
            [sys.executable, "-I", "-c", script, str(running.run / "d.sock"), str(running.run)],
            capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
    assert done.stdout == "refused\nrefused\n", done.stderr


def test_a_client_sends_no_token_to_the_process_of_another_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Running(tmp_path / "run") as running:
        monkeypatch.setattr(connection, "_peer_uid", lambda probe: os.getuid() + 1)
        with pytest.raises(NoDaemonError, match="another user"):
            running.client()
        assert running.daemon.calls == []
        monkeypatch.undo()
        with running.client() as client:
            assert client.info().version == "1.2.3"


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="elsewhere the system does not say")
def test_the_owner_of_the_other_end_is_known(tmp_path: Path) -> None:
    with Running(tmp_path / "run") as running, socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(running.server.session.socket))
        assert connection._peer_uid(probe) == os.getuid()


def test_everything_in_the_run_folder_is_the_users_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with Running(tmp_path / "deep" / "run") as running:
            modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in running.run.iterdir()}
            assert modes == {"d.sock": 0o700, "session.json": 0o600}
            assert stat.S_IMODE(running.run.stat().st_mode) == 0o700
            assert os.umask(0) == 0, "the umask of the process stays what it was"
    finally:
        os.umask(before)
    assert list(running.run.iterdir()) == [], "what the daemon made goes with it"


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777])
def test_a_run_folder_that_others_can_enter_is_refused_until_it_is_closed(tmp_path: Path, mode: int) -> None:
    run = tmp_path / "run"
    run.mkdir()
    run.chmod(mode)
    with pytest.raises(NoDaemonError, match="open to other users") as refusal:
        prepare_run_folder(run)
    assert f"chmod 700 {run}" in refusal.value.remedy
    run.chmod(0o700)
    with Running(run) as running, running.client() as client:
        assert client.info().version == "1.2.3"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
def test_a_run_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir(mode=0o700)
    os.chown(run, 65534, 65534)
    with pytest.raises(NoDaemonError, match="belongs to another user"):
        prepare_run_folder(run)


def test_a_link_or_a_file_in_place_of_the_run_folder_is_refused(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(real)
    (tmp_path / "file").touch(0o600)
    for name in ("link", "file"):
        with pytest.raises(NoDaemonError, match="not a folder"):
            prepare_run_folder(tmp_path / name)


def test_a_session_file_that_others_could_have_read_or_written_is_not_used(tmp_path: Path) -> None:
    with Running(tmp_path / "run") as running:
        file = running.run / "session.json"
        file.chmod(0o644)
        with pytest.raises(NoDaemonError, match="yours alone"):
            running.client()
        content = file.read_bytes()
        file.unlink()
        (tmp_path / "elsewhere").write_bytes(content)
        file.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(NoDaemonError, match="cannot be read"):
            running.client()
        file.unlink()
        os.mkfifo(file, 0o600)
        with pytest.raises(NoDaemonError, match="yours alone"):
            running.client()
        file.unlink()
        file.write_bytes(content)
        file.chmod(0o600)
        with running.client() as client:
            assert client.info().version == "1.2.3"


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", "{}", "null", "[" * 100_000, "\xff", '{"endpoint": 1, "token": "", "pid": 1, "start_id": ""}',
        '{"endpoint": "dns:evil.example", "token": "t", "pid": 1, "start_id": "s"}',
        '{"endpoint": "10.0.0.1:80", "token": "t", "pid": 1, "start_id": "s"}',
        '{"endpoint": "127.0.0.1:80,evil.example", "token": "t", "pid": 1, "start_id": "s"}',
        '{"endpoint": "unix:d.sock", "token": "t", "pid": 1, "start_id": "s"}',
    ],
)  # fmt: skip
def test_a_session_file_that_says_nothing_usable_is_an_error_with_a_remedy(tmp_path: Path, content: str) -> None:
    prepare_run_folder(tmp_path / "run")
    file = tmp_path / "run" / "session.json"
    file.write_text(content, "latin-1")
    file.chmod(0o600)
    with pytest.raises(NoDaemonError, match="not readable") as refusal:
        read_session(tmp_path / "run")
    assert refusal.value.remedy


def test_a_daemon_of_another_protocol_is_told_apart(tmp_path: Path) -> None:
    with Running(tmp_path / "run") as running:
        file = running.run / "session.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"protocol": 99, "newer": ["field"]}))
        with pytest.raises(NoDaemonError, match="version 99") as refusal:
            running.client()
        assert "answerprint daemon stop" in refusal.value.remedy


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for sockets with a short path, as systems give every user one."""
    with tempfile.TemporaryDirectory(prefix="run") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)


@pytest.mark.parametrize("name", ["d" * 120, "with space", "per%20cent", "hash#mark", "kino-Плёнка"])
def test_a_run_folder_whose_path_no_socket_can_have_works_through_a_short_one(
    tmp_path: Path, name: str, runtime: Path
) -> None:
    with Running(tmp_path / name / "run") as running:
        path = running.server.session.socket
        assert path is not None
        assert len(os.fsencode(path)) <= 100
        assert stat.S_IMODE(path.parent.lstat().st_mode) == 0o700
        assert path.parent.parent == runtime
        with running.client() as client:
            assert client.info().version == "1.2.3"
    assert list(runtime.iterdir()) == []


def test_the_short_folder_is_never_one_that_somebody_else_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = tmp_path / "xdg"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    run = tmp_path / ("d" * 120)
    short = choose_socket(run).parent
    short.chmod(0o755)
    with pytest.raises(NoDaemonError, match="open to other users"):
        choose_socket(run)
    short.rmdir()
    short.symlink_to(tmp_path)
    with pytest.raises(NoDaemonError, match="not a folder"):
        choose_socket(run)
    short.unlink()
    assert choose_socket(run).parent == short


def test_two_run_folders_never_share_a_short_folder(tmp_path: Path, runtime: Path) -> None:
    assert choose_socket(tmp_path / ("a" * 120)) != choose_socket(tmp_path / ("b" * 120))


def test_what_a_killed_daemon_left_is_replaced(tmp_path: Path) -> None:
    run = tmp_path / "run"
    prepare_run_folder(run)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(run / "d.sock"))
    (run / "session.json").write_text("{}")
    with Running(run) as running, running.client() as client:
        assert client.info().version == "1.2.3"


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_what_is_no_socket_is_never_removed(tmp_path: Path, kind: str) -> None:
    run = tmp_path / "run"
    prepare_run_folder(run)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    place = run / "d.sock"
    {"file": place.touch, "link": lambda: place.symlink_to(victim), "folder": place.mkdir}[kind]()
    with pytest.raises(NoDaemonError, match="not a socket"):
        session_file.remove_stale_socket(place)
    assert os.path.lexists(place)
    assert victim.read_text() == "precious"


def test_without_a_daemon_the_error_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(NoDaemonError) as refusal:
        Client.connect(tmp_path / "run", timeout=0)
    assert refusal.value.exit_code == 3
    assert "daemon start" in refusal.value.remedy
    with Running(tmp_path / "run") as running:
        session = running.server.session
    session_file.write_session(tmp_path / "run", session)  # as a killed daemon leaves it
    with pytest.raises(NoDaemonError, match="No daemon is running"):
        Client.connect(tmp_path / "run", timeout=0)


def test_root_is_warned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "root" in session_file.root_warning()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert session_file.root_warning() == ""
