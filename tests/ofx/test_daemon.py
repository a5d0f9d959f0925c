"""The daemon behind the node: real jobs, real children, and a client that speaks as the plugin does."""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from answerprint.ofx.protocol import AskFlag, AskKind, Rendezvous, ShownState, StatusFlag
from cli.daemons import daemon_at
from ofx.clips import SIZE, make_clip, make_sequence, pictures_of
from ofx.node_client import NodeClient
from ofx.pictures import CONVERSIONS
from ofx.studio import Studio
from server.harness import await_until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the client of these tests speaks over a Unix socket")

CONVERT = CONVERSIONS["ACEScct"]
HALF = 6e-4
"""What half floats round of values up to 1.5."""


@pytest.fixture(scope="module")
def clip(studio: Studio) -> Path:
    """A movie that is restored at twice its size."""
    (studio.folder / "a").mkdir()
    source = make_clip(studio.folder / "a" / "clip.mkv")
    studio.restore(source, scale="2")
    return source


def test_every_restored_frame_is_shown_in_the_colours_of_the_host(studio: Studio, clip: Path) -> None:
    node = studio.node(clip)
    for frame, picture in enumerate(pictures_of(clip)):
        shown = node.wait_for(frame, CONVERT(picture))
        assert shown.agreeing == 1.0 and shown.header.frame == frame
        assert (shown.header.width, shown.header.height) == SIZE
        assert float(np.abs(shown.pixels[..., :3] - CONVERT(picture)).max()) < 0.05  # scaled up and down again
        assert (shown.pixels[..., 3] == 1).all()
    status = node.wait_for_status(lambda status: status.fits >= 1)
    assert (status.state, status.first, status.stop, status.permyriad) == (ShownState.DONE, 0, 6, 10000)
    assert status.residual <= 2 / 1023


def test_at_its_own_size_the_pixels_are_those_of_the_deliverable(studio: Studio, clip: Path) -> None:
    number, output = studio.restore(clip)
    node = studio.node(clip, job=number)
    for frame, (source, restored) in enumerate(zip(pictures_of(clip), pictures_of(output), strict=True)):
        shown = node.wait_for(frame, source)
        assert np.array_equal(shown.pixels[..., :3], restored.astype(np.float16))
        assert shown.header.job == number
    assert node.status() is not None


def test_another_frame_does_not_match_the_patches(studio: Studio, clip: Path) -> None:
    pictures = pictures_of(clip)
    node = studio.node(clip)
    node.wait_for(2, CONVERT(pictures[2]))
    assert node.shown(2, CONVERT(pictures[3])) is None
    assert node.shown(2, np.roll(CONVERT(pictures[2]), 1, 1)) is None
    assert node.shown(2, CONVERT(pictures[2]) * 1.1) is None


def test_a_second_look_gets_a_fit_of_its_own(studio: Studio, clip: Path) -> None:
    pictures = pictures_of(clip)
    node = studio.node(clip)
    node.wait_for(1, CONVERT(pictures[1]))
    for name in ("sRGB", "ACEScct"):
        shown = node.wait_for(1, CONVERSIONS[name](pictures[1]))
        assert float(np.abs(shown.pixels[..., :3] - CONVERSIONS[name](pictures[1])).max()) < 0.05


def test_a_refused_picture_says_why(studio: Studio, clip: Path) -> None:
    picture = pictures_of(clip)[4]
    node = studio.node(clip, (95, 54))  # a key of its own
    y, x = np.mgrid[-1:1:54j, -1:1:95j]
    node.send(node.question(4, picture[:, :95] * (1 - 0.4 * np.minimum(1, x * x + y * y))[..., None]))
    status = node.wait_for_status(lambda status: bool(status.flags & StatusFlag.NO_FIT))
    assert status.state is ShownState.DONE and status.fits == 0
    assert "before this node" in status.text or "not a frame of the file" in status.text


def test_a_file_that_nobody_restores(studio: Studio) -> None:
    source = make_clip(studio.folder / "lonely.mkv", 2)
    node = studio.node(source)
    node.send(node.question(0))
    status = node.wait_for_status(lambda status: True)
    assert (status.state, status.text) == (
        ShownState.NOTHING,
        "Nothing restores this clip yet. Press Restore this clip.",
    )
    gone = studio.node(studio.folder / "gone.mkv")
    gone.send(gone.question(0))
    assert "is not there. Relink" in gone.wait_for_status(lambda status: True).text


def test_a_frame_outside_and_a_job_of_another_clip_are_named(studio: Studio, clip: Path) -> None:
    node = studio.node(clip)
    node.send(node.question(99))
    assert "has frames 0 to 5, not 99." in node.wait_for_status(lambda status: "99" in status.text).text
    other = studio.node(clip, job=4711)
    other.send(other.question(0))
    status = other.wait_for_status(lambda status: True)
    assert status.state is ShownState.NOTHING and "Job 4711 does not restore this clip." in status.text


def test_two_restorations_of_one_file_are_told_apart(studio: Studio) -> None:
    (studio.folder / "two").mkdir()
    source = make_clip(studio.folder / "two" / "clip.mkv", 2)
    picture = pictures_of(source)[0]
    first, _ = studio.restore(source)
    newest = studio.node(source)
    assert newest.wait_for(0, picture).header.job == first
    second, _ = studio.restore(source)
    newest.send(newest.question(0, picture))
    newest.wait_for_status(lambda status: status.shown == second)
    await_until(lambda: (shown := newest.shown(0, picture)) is not None and shown.header.job == second)
    assert studio.node(source, job=first).wait_for(0, picture).header.job == first


def test_the_button_restores_a_range_with_the_last_settings(studio: Studio) -> None:
    (studio.folder / "button").mkdir()
    source = make_clip(studio.folder / "button" / "clip.mkv", 6)
    wishes = studio.home / "state" / "resolve" / "wishes"
    wishes.mkdir(parents=True, exist_ok=True)
    settings = {"handles": 1, "codec": "ffv1", "settings": {"model": "identity", "scale": "1"}}
    (wishes / "wishes-0123.json").write_text(json.dumps(settings))
    node = studio.node(source)
    node.send(node.question(2, kind=AskKind.RESTORE, span=(2, 4)))
    status = node.wait_for_status(lambda status: status.state is ShownState.DONE)
    assert (status.first, status.stop) == (1, 5)
    assert (studio.folder / "button" / "Restored" / "clip_restored_v01.mkv").exists()


def test_a_refusal_is_what_the_status_says(studio: Studio) -> None:
    source = studio.folder / "broken.mov"
    source.write_bytes(b"no movie")
    node = studio.node(source)
    node.send(node.question(0, kind=AskKind.RESTORE))
    status = node.wait_for_status(lambda status: status.state is ShownState.REFUSED)
    assert "broken.mov" in status.text


def test_a_running_job_shows_the_frames_that_are_finished(studio: Studio) -> None:
    (studio.folder / "run").mkdir()
    source = make_clip(studio.folder / "run" / "clip.mkv", 12)
    pictures = pictures_of(source)
    number, _ = studio.restore(source, wait=False, chunk=2)
    node = studio.node(source)
    node.send(node.question(0, pictures[0]))
    assert node.wait_for_status(lambda status: status.shown == number).text.startswith(f"Job {number} ")
    assert node.wait_for(0, pictures[0]).header.job == number
    node.wait_for_status(lambda status: status.state is ShownState.DONE)
    assert node.wait_for(11, pictures[11]).header.job == number


def test_frames_are_made_ahead_of_the_playhead(studio: Studio) -> None:
    (studio.folder / "ahead").mkdir()
    source = make_clip(studio.folder / "ahead" / "clip.mkv", 24)
    pictures = pictures_of(source)
    studio.restore(source)
    node = studio.node(source)
    node.wait_for(1, pictures[1])  # from one sample, nothing more is asked
    await_until(lambda: all(node.shown(frame, pictures[frame]) for frame in range(1, 24)))
    assert node.shown(0, pictures[0]) is None
    node.send(node.question(0, kind=AskKind.HERE))
    await_until(lambda: node.shown(0, pictures[0]) is not None)


def test_a_cache_that_was_cleared_is_filled_again(studio: Studio, clip: Path) -> None:
    picture = CONVERT(pictures_of(clip)[5])
    node = studio.node(clip)
    node.wait_for(5, picture)
    shutil.rmtree(node.folder)
    assert node.wait_for(5, picture).agreeing == 1.0


def test_another_file_of_the_same_name_is_found_out(studio: Studio) -> None:
    (studio.folder / "new").mkdir()
    source = make_clip(studio.folder / "new" / "clip.mkv", 2)
    studio.restore(source)
    node = studio.node(source)
    node.wait_for(1, pictures_of(source)[1])
    source.unlink()
    make_clip(source, 2, seed=1)
    studio.restore(source)
    picture = pictures_of(source)[1]
    assert float(np.abs(node.wait_for(1, picture).pixels[..., :3] - picture).max()) < 2e-3


def test_a_restarted_daemon_goes_on_where_the_last_one_was(tmp_path_factory: pytest.TempPathFactory) -> None:
    home, folder = tmp_path_factory.mktemp("h"), tmp_path_factory.mktemp("c")
    source = make_clip(folder / "clip.mkv", 2)
    picture = CONVERT(pictures_of(source)[1])
    with daemon_at(home):
        Studio(home, folder).restore(source)
        NodeClient(home, source, SIZE).wait_for(1, picture)
    with daemon_at(home):
        node = NodeClient(home, source, SIZE)
        assert node.shown(1, picture) is not None
        (node.folder / "0-1").unlink()
        node.send(node.question(1))  # without samples
        await_until(lambda: node.shown(1, picture) is not None)
        assert node.wait_for_status(lambda status: status.fits == 1).state is ShownState.DONE


def test_a_deliverable_that_is_gone_is_said(studio: Studio) -> None:
    (studio.folder / "lost").mkdir()
    source = make_clip(studio.folder / "lost" / "clip.mkv", 2)
    number, output = studio.restore(source)
    output.unlink()
    node = studio.node(source)
    node.send(node.question(0, pictures_of(source)[0]))
    status = node.wait_for_status(lambda status: "gone" in status.text)
    assert status.text.startswith(f"The restored file of job {number} is gone.") and str(output) in status.text


@pytest.mark.parametrize(
    ("rate", "timecode", "origin"),
    [
        (Fraction(24), "01:00:00:00", 86400),
        (Fraction(30000, 1001), "01:00:00;00", 107892),
        (Fraction(24000, 1001), None, 0),
    ],
)
def test_the_host_may_count_from_the_start_timecode(
    studio: Studio, rate: Fraction, timecode: str | None, origin: int
) -> None:
    folder = studio.folder / f"tc{origin}"
    folder.mkdir()
    source = make_clip(folder / "clip.mov", 3, rate=rate, timecode=timecode)
    studio.restore(source)
    picture = pictures_of(source)[2]
    node = studio.node(source)
    assert node.wait_for(origin + 2, picture).header.frame == origin + 2
    status = node.wait_for_status(lambda status: status.fits > 0)
    assert (status.first, status.stop) == (origin, origin + 3)


@pytest.mark.parametrize("name", ["%", "[", "one"])
def test_a_sequence_by_any_of_its_names_and_by_the_numbers_of_its_files(studio: Studio, name: str) -> None:
    folder = studio.folder / f"seq{len(name)}{ord(name[0])}"
    pattern = make_sequence(folder, 1001)
    studio.restore(pattern)
    named = {"%": pattern, "[": folder / "plate.[1001-1004].png", "one": folder / "plate.1003.png"}[name]
    picture = pictures_of(pattern)[2]
    node = studio.node(named)
    assert node.wait_for(1003, picture).header.frame == 1003
    offset = NodeClient(studio.home, named, (SIZE[0], SIZE[1]), job=0)
    offset.send(offset.question(2, picture, flags=AskFlag.OFFSET))


def test_a_name_of_any_bytes_has_a_status_and_no_job(studio: Studio) -> None:
    node = studio.node(os.fsencode(studio.folder) + b"/clip \xff\xfe.mkv")
    node.send(node.question(0, kind=AskKind.RESTORE))
    status = node.wait_for_status(lambda status: status.state is ShownState.REFUSED)
    assert status.path == node.path
    assert status.text == "The name of the file is not Unicode. Rename the file, then relink the clip."


# The socket


def is_closed(connection: socket.socket) -> bool:
    """Whether the daemon closes it, without a word."""
    connection.settimeout(10)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


HOSTILE = {
    "another token": lambda data: data[:8] + bytes(32) + data[40:],
    "another version": lambda data: data[:4] + struct.pack("<I", 2) + data[8:],
    "too long": lambda data: struct.pack("<I", (1 << 20) + 1) + data[4:],
    "too short": lambda data: struct.pack("<I", 3) + data[4:],
    "http": lambda data: b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + data,
    "no path": lambda data: data[:96] + struct.pack("<I", 0) + data[100:],
    "half": lambda data: data[:-1],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_malformed_bytes_close_the_connection_and_harm_nothing(studio: Studio, clip: Path, name: str) -> None:
    node = studio.node(clip)
    with node.connect() as connection:
        connection.sendall(HOSTILE[name](node.question(0).to_bytes()))
        assert is_closed(connection)
    with node.connect() as connection:  # a right one stays open
        connection.sendall(node.question(0).to_bytes() * 3)
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_a_crowd_is_turned_away_and_the_daemon_goes_on(studio: Studio, clip: Path) -> None:
    node = studio.node(clip)
    crowd = [node.connect() for _ in range(200)]
    assert is_closed(crowd[-1])
    for connection in crowd:
        connection.close()
    node.send(node.question(1))
    node.wait_for_status(lambda status: True)


def test_rendezvous_and_socket_are_private_and_come_back(studio: Studio) -> None:
    file = studio.home / "run" / "ofx"
    before = Rendezvous.parse(file.read_bytes())
    assert file.stat().st_mode & 0o777 == 0o600
    assert Path(before.endpoint.removeprefix("unix:")).stat().st_mode & 0o077 == 0
    assert before.cache.stat().st_mode & 0o777 == 0o700
    file.unlink()
    await_until(file.exists)
    Path(before.endpoint.removeprefix("unix:")).unlink()
    await_until(lambda: Path(before.endpoint.removeprefix("unix:")).exists())
    assert replace(Rendezvous.parse(file.read_bytes()), pid=0) == replace(before, pid=0)


def test_a_stopped_daemon_leaves_no_rendezvous(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("h")
    with daemon_at(home):
        assert (home / "run" / "ofx").exists()
    assert not (home / "run" / "ofx").exists() and not (home / "run" / "ofx.sock").exists()
