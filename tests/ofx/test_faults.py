"""Whatever the daemon, its files or other users do: a render returns, shows the host's picture, and nothing is left."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from answerprint.ofx.protocol import FRAME_HEADER_BYTES, STATUS_HEADER_BYTES
from ofx.answers import Answers
from ofx.compiling import compiler
from ofx.host import Node, open_host
from ofx.test_shown import FILM, RESOLVE_OPAQUE, SIZE, noise
from ofx.torturing import fill, torture

pytestmark = pytest.mark.skipif(compiler() is None, reason="needs a C compiler, or the package ziglang")

SLOWEST_MS = 20.0
SOURCE, RESTORED = noise(1), noise(2)


@pytest.fixture
def node(plugin: Path, answers: Answers) -> Iterator[Node]:
    """A node that shows a restored frame at time 7."""
    answers.put_status(FILM, SIZE)
    answers.put_frame(FILM, 7, SOURCE, RESTORED)
    with open_host(plugin, RESOLVE_OPAQUE) as host, Node(host, SIZE, path=FILM, parameters={"badge": 0}) as made:
        made.give(7, SOURCE)
        assert np.array_equal(made.render(7).picture, RESTORED)
        yield made


def passes_through(node: Node) -> bool:
    return np.array_equal(node.render(7).picture, SOURCE)


def hits(node: Node) -> bool:
    return np.array_equal(node.render(7).picture, RESTORED)


def test_loading_opens_nothing(plugin: Path, answers: Answers) -> None:
    def held() -> tuple[list[str], int]:
        files = sorted(str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.exists())
        return files, len(list(Path("/proc/self/task").iterdir()))

    before = held()
    with open_host(plugin):
        assert held() == before
    assert held() == before
    assert answers.questions() == []


def test_a_frame_cut_at_any_place_is_not_shown(node: Node, answers: Answers) -> None:
    file = answers.folder(FILM, SIZE) / "0-7"
    whole = file.read_bytes()
    edges = [0, 1, 127, 128, 129, 4095, 4096, len(whole) - 1]
    for length in [*edges, *range(130, len(whole), 997)]:
        file.write_bytes(whole[:length])
        assert passes_through(node), length
    file.write_bytes(whole)
    assert hits(node)


def test_a_status_cut_at_any_place_is_none(node: Node, answers: Answers) -> None:
    file = answers.folder(FILM, SIZE) / "status"
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        assert passes_through(node), length
    file.write_bytes(whole)
    assert hits(node)


@pytest.mark.parametrize(("name", "length"), [("0-7", FRAME_HEADER_BYTES), ("status", STATUS_HEADER_BYTES + 12)])
def test_any_other_byte_does_no_harm(node: Node, answers: Answers, name: str, length: int) -> None:
    file = answers.folder(FILM, SIZE) / name
    whole = bytearray(file.read_bytes())
    for place in range(length):
        for change in (1, 0x80, 0xFF):
            broken = whole.copy()
            broken[place] ^= change
            file.write_bytes(broken)
            picture = node.render(7).picture
            assert picture.shape == SOURCE.shape
    file.write_bytes(whole)
    assert hits(node)


@pytest.mark.parametrize("what", ["0-7", "status"])
def test_what_is_no_file_is_no_answer(node: Node, answers: Answers, what: str, tmp_path: Path) -> None:
    file = answers.folder(FILM, SIZE) / what
    moved = file.rename(tmp_path / "moved")
    makers: list[Callable[[], None]] = [lambda: os.mkfifo(file), file.mkdir, lambda: file.symlink_to(moved)]
    for make in makers:
        make()
        assert passes_through(node)
        file.rmdir() if file.is_dir() else file.unlink()
    moved.rename(file)
    assert hits(node)


def test_a_frame_cut_while_it_is_read(node: Node, answers: Answers) -> None:
    file = answers.folder(FILM, SIZE) / "0-7"
    whole = file.read_bytes()
    over = threading.Event()

    def cut() -> None:
        places = np.random.default_rng(5)
        while not over.is_set():
            os.truncate(file, int(places.integers(len(whole))))
            file.write_bytes(whole)

    other = threading.Thread(target=cut)
    other.start()
    try:
        shown = [node.render(7).picture for _ in range(300)]
    finally:
        over.set()
        other.join()
    assert all(np.array_equal(each, SOURCE) or np.array_equal(each, RESTORED) for each in shown)
    assert hits(node)


PRIVATE = [("run", 0o755), ("run", 0o770), ("run/ofx", 0o644), ("run/ofx", 0o660), ("cache/frames", 0o755)]


@pytest.mark.parametrize(("place", "mode"), PRIVATE)
def test_what_others_can_reach_is_not_trusted(node: Node, answers: Answers, place: str, mode: int) -> None:
    path = answers.home / place
    private = path.stat().st_mode
    answers.questions()
    path.chmod(mode)
    assert passes_through(node)
    node.edit("refresh")
    assert "others can reach it" in node.text("status") and "answerprint doctor" in node.text("status")
    assert answers.questions() == []
    path.chmod(private)
    assert hits(node)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to somebody else")
@pytest.mark.parametrize("place", ["run", "run/ofx", "cache/frames"])
def test_what_another_user_owns_is_not_trusted(node: Node, answers: Answers, place: str) -> None:
    os.chown(answers.home / place, 12345, 12345)
    assert passes_through(node)
    os.chown(answers.home / place, 0, 0)
    assert hits(node)


def test_a_link_in_place_of_the_rendezvous_is_not_followed(node: Node, answers: Answers, tmp_path: Path) -> None:
    path = answers.home / "run" / "ofx"
    moved = path.rename(tmp_path / "ofx")
    path.symlink_to(moved)
    answers.questions()
    assert passes_through(node)
    assert answers.questions() == []


RENDEZVOUS: dict[str, Callable[[bytes], bytes]] = {
    "another version": lambda whole: whole.replace(b"answerprint-ofx 1", b"answerprint-ofx 2"),
    "empty": lambda _: b"",
    "one line": lambda whole: whole.split(b"\n")[0] + b"\n",
    "a short token": lambda whole: whole.replace(b"5a5a", b"5a", 1),
    "a long path": lambda whole: whole.replace(b"unix:/", b"unix:/" + b"a" * 300, 1),
    "huge": lambda whole: whole + b"\0" * 100_000,
    "no text": lambda _: bytes(range(256)) * 16,
    "nobody there": lambda whole: whole.replace(b"ofx.sock", b"none.sck").replace(b"5a5a", b"6b6b"),
}


@pytest.mark.parametrize("fault", RENDEZVOUS)
def test_a_bad_rendezvous_asks_nobody(node: Node, answers: Answers, fault: str) -> None:
    path = answers.home / "run" / "ofx"
    whole = path.read_bytes()
    answers.questions()
    path.write_bytes(RENDEZVOUS[fault](whole))
    shutil.rmtree(answers.folder(FILM, SIZE))
    assert min(node.render(7).milliseconds for _ in range(3)) <= SLOWEST_MS and passes_through(node)
    assert answers.questions() == []


def test_a_daemon_that_reads_nothing_costs_nothing(node: Node, answers: Answers) -> None:
    shutil.rmtree(answers.folder(FILM, SIZE))
    taken = sorted(node.render(7).milliseconds for _ in range(3000))  # until the socket is full
    assert taken[-30] <= SLOWEST_MS  # the others waited for a processor
    assert answers.questions()[0].frame == 7


def test_a_new_daemon_is_found(node: Node, answers: Answers) -> None:
    answers.stop()
    shutil.rmtree(answers.folder(FILM, SIZE))
    assert passes_through(node)
    answers.listen()
    answers.write_rendezvous("7b" * 32)
    assert passes_through(node)
    assert {each.token for each in answers.questions()} == {b"{" * 32}


def test_a_socket_of_another_kind(node: Node, answers: Answers) -> None:
    answers.stop()
    answers.endpoint.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(answers.endpoint))
        shutil.rmtree(answers.folder(FILM, SIZE))
        assert passes_through(node)


def test_loading_many_times_leaves_nothing(tmp_path: Path) -> None:
    with fill(tmp_path, (24, 16)):
        done = torture("loads", tmp_path, (24, 16), 30)
    assert done.status == 0, done.said
    before, loaded, after = done.lines
    assert loaded["of_plugin"] and not after["of_plugin"]
    assert {name: after[name] for name in ("files", "threads", "maps")} == {
        name: before[name] for name in ("files", "threads", "maps")
    }


def test_broken_bytes_do_no_harm(tmp_path: Path) -> None:
    with fill(tmp_path, (24, 16)):
        done = torture("fuzz", tmp_path, (24, 16), 4000)
    assert done.status == 0, done.said
    assert done.lines[0]["cases"] == 4000


def test_threads_while_files_vanish_and_a_user_clicks(tmp_path: Path) -> None:
    with fill(tmp_path, (24, 16)):
        done = torture("races", tmp_path, (24, 16), 2000, 8)
    assert done.status == 0, done.said
    assert done.lines[0]["mixtures"] == 0 and done.lines[0]["hits"]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["fuzz", "races", "loads"])
@pytest.mark.parametrize("sanitizer", ["address", "thread"])
def test_sanitizers_find_nothing(tmp_path: Path, what: str, sanitizer: str) -> None:
    with fill(tmp_path, (24, 16)):
        done = torture(what, tmp_path, (24, 16), 50 if what == "loads" else 5000, 4, sanitizer=sanitizer)
    assert done.status == 0 and not done.said, done.said
