"""The contract with the OpenFX plugin: every layout comes back as it was, and nothing else is taken."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from answerprint.ofx.protocol import (
    MAX_MESSAGE_BYTES,
    MAX_PATCHES,
    MAX_PATH_BYTES,
    MAX_STATUS_BYTES,
    PATCH_BYTES,
    PATCH_SIDE,
    AskFlag,
    AskKind,
    FrameFileHeader,
    HostQuestion,
    MalformedError,
    Patch,
    Rendezvous,
    ShownState,
    StatusFile,
    StatusFlag,
    frame_key,
    frame_name,
    parse_frame_name,
)

PIXELS = bytes(range(192)) * 2

QUESTION = HostQuestion(
    bytes(range(32)), AskKind.FRAME, AskFlag.SAMPLES | AskFlag.FINAL, -7, 3, 1920, 1080, b"/clips/\xff.mov", 5, 9,
    2, 3, bytes(36),
)  # fmt: skip
STATUS = StatusFile(
    ShownState.RUNNING, 0, 1920, 1080, b"/clips/\xff.mov", "Restoring: 43 % done.", 12, 4300, 86400, 86410, 2,
    StatusFlag.SAMPLES_WANTED, 0.25,
)  # fmt: skip
FRAME = FrameFileHeader(2, 3, 4, 5, 64, 32, -7, 1, 12, 0.25, True, (Patch(1, 2, 0.5, PIXELS), Patch(56, 24, 0, PIXELS)))


def parse_message(data: bytes) -> HostQuestion:
    return HostQuestion.parse(data[4:])


def parse_frame(data: bytes) -> FrameFileHeader:
    return FrameFileHeader.parse(data, FRAME.pixel_offset + FRAME.pixel_bytes)


def changed(data: bytes, place: int, form: str, value: float | bytes) -> bytes:
    new = struct.pack(f"<{form}", value)
    return data[:place] + new + data[place + len(new) :]


def test_a_message_has_the_layout_of_the_contract() -> None:
    data = QUESTION.to_bytes()
    assert struct.unpack_from("<II", data) == (len(data) - 4, 1)
    assert data[8:40] == bytes(range(32))
    assert struct.unpack_from("<IIqqIIIIqqII", data, 40) == (1, 3, -7, 3, 1920, 1080, 2, 3, 5, 9, 12, 0)
    assert data[104:116] == b"/clips/\xff.mov" and data[116:] == bytes(36)
    assert parse_message(data) == QUESTION


def test_a_status_has_the_layout_of_the_contract() -> None:
    data = STATUS.to_bytes()
    assert data[:8] == b"APSTATUS"
    assert struct.unpack_from("<IIIIqqIIqqIIfIII", data, 8) == (
        1, len(data), 2, 4300, 86400, 86410, 2, 1, 0, 12, 1920, 1080, 0.25, 0, 21, 12
    )  # fmt: skip
    assert data[88:] == b"Restoring: 43 % done./clips/\xff.mov"
    assert StatusFile.parse(data) == STATUS


def test_a_frame_has_the_layout_of_the_contract() -> None:
    data = FRAME.to_bytes()
    assert data[:8] == b"APFRAME\0" and len(data) == 4096
    assert struct.unpack_from("<IIIIIIIIqIIIIfIqQ", data, 8) == (
        1, 128, 2, 3, 4, 5, 64, 32, -7, 1, 1, 2, 8, 0.25, 0, 12, 4096
    )  # fmt: skip
    assert data[88:128] == bytes(40)
    assert struct.unpack_from("<IIf", data, 128) == (1, 2, 0.5) and data[140:524] == PIXELS
    assert parse_frame(data) == FRAME


def test_pixels_begin_at_a_page_after_the_last_patch() -> None:
    full = replace(FRAME, patches=(FRAME.patches[0],) * MAX_PATCHES)
    assert full.pixel_offset == 102400 >= 128 + MAX_PATCHES * PATCH_BYTES
    assert replace(FRAME, patches=()).pixel_offset == 4096
    assert FrameFileHeader.parse(full.to_bytes(), 102400 + full.pixel_bytes) == full


def test_a_key_is_fnv_of_everything_that_decides_the_answer() -> None:
    assert frame_key(0, 1920, 1080, b"/clips/a.mov") == "8ac4cb8367b507f9"
    keys = {
        frame_key(*asked)
        for asked in [(0, 8, 8, b"/a"), (1, 8, 8, b"/a"), (0, 9, 8, b"/a"), (0, 8, 9, b"/a"), (0, 8, 8, b"/b")]
    }
    assert len(keys) == 5
    assert QUESTION.key == frame_key(3, 1920, 1080, QUESTION.path)


@pytest.mark.parametrize(("fit", "frame"), [(0, 0), (7, -1), (3, 86400), (0, 2**63 - 1)])
def test_the_name_of_a_frame_comes_back(fit: int, frame: int) -> None:
    assert parse_frame_name(frame_name(fit, frame)) == (fit, frame)


@pytest.mark.parametrize("name", ["status", "8-0", "0-", "0-01", "0--0", "0-1.part", "-1-1", "0-1 ", "0-\u0661"])
def test_other_names_are_no_frames(name: str) -> None:
    assert parse_frame_name(name) is None


def test_a_rendezvous_comes_back(tmp_path: Path) -> None:
    for endpoint in ("unix:/home/a/run/ofx.sock", "127.0.0.1:50000"):
        there = Rendezvous(endpoint, "0f" * 32, 4711, tmp_path / "frames \udcff")
        assert Rendezvous.parse(there.to_bytes()) == there
    assert there.to_bytes().splitlines()[0] == b"answerprint-ofx 1"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"answerprint-ofx 2\nunix:/s\n" + b"0f" * 32 + b"\n1\n/c\n",
        b"answerprint-ofx 1\n10.0.0.1:80\n" + b"0f" * 32 + b"\n1\n/c\n",
        b"answerprint-ofx 1\nunix:/s\nshort\n1\n/c\n",
        b"answerprint-ofx 1\nunix:/s\n" + b"0f" * 32 + b"\n-1\n/c\n",
        b"answerprint-ofx 1\nunix:/s\n" + b"0f" * 32 + b"\n1\nrelative\n",
        b"answerprint-ofx 1\nunix:/s\n" + b"0f" * 32 + b"\n1\n/c\nmore\n",
        b"answerprint-ofx 1\nunix:/s\n" + b"0f" * 32 + b"\n1\n/half",
    ],
)
def test_another_rendezvous_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        Rendezvous.parse(data)


def test_a_folder_that_a_line_cannot_hold_is_refused() -> None:
    with pytest.raises(MalformedError):
        Rendezvous("unix:/s", "0f" * 32, 1, Path("/a\nb")).to_bytes()


@pytest.mark.parametrize(
    ("place", "form", "value"),
    [
        (4, "I", 2), (40, "I", 0), (40, "I", 4), (44, "I", 8 | 1), (44, "I", 0), (56, "q", -1), (64, "I", 0),
        (64, "I", 65536), (68, "I", 0), (72, "I", 0), (72, "I", 129), (76, "I", 73), (80, "q", 10), (96, "I", 0),
        (96, "I", 13), (96, "I", 2**32 - 1), (100, "I", 1), (104, "c", b"\0"),
    ],
)  # fmt: skip
def test_a_message_with_one_wrong_field_is_refused(place: int, form: str, value: float | bytes) -> None:
    with pytest.raises(MalformedError):
        parse_message(changed(QUESTION.to_bytes(), place, form, value))


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": b"short"}, {"samples": b""}, {"flags": AskFlag(0)}, {"path": b""}, {"job": -1}, {"frame": 2**63},
        {"columns": 129}, {"path": bytes([65]) * (MAX_PATH_BYTES + 1)},
    ],
)  # fmt: skip
def test_an_impossible_message_is_not_made(wrong: dict[str, object]) -> None:
    with pytest.raises(MalformedError):
        replace(QUESTION, **wrong).to_bytes()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("place", "form", "value"),
    [
        (0, "c", b"B"), (8, "I", 2), (12, "I", 88), (16, "I", 7), (20, "I", 10001), (32, "q", 1), (40, "I", 9),
        (44, "I", 4), (48, "q", -1), (56, "q", -1), (64, "I", 0), (72, "f", float("nan")), (76, "I", 1), (80, "I", 99),
        (84, "I", 2**32 - 1), (88, "c", b"\xff"),
    ],
)  # fmt: skip
def test_a_status_with_one_wrong_field_is_refused(place: int, form: str, value: float | bytes) -> None:
    with pytest.raises(MalformedError):
        StatusFile.parse(changed(STATUS.to_bytes(), place, form, value))


def test_a_long_text_is_cut_between_characters() -> None:
    data = replace(STATUS, text="\u00e4" * MAX_STATUS_BYTES).to_bytes()
    assert MAX_STATUS_BYTES - 1 <= len(data) <= MAX_STATUS_BYTES
    assert set(StatusFile.parse(data).text) == {"\u00e4"}


@pytest.mark.parametrize(
    ("place", "form", "value"),
    [
        (0, "c", b"B"), (8, "I", 2), (12, "I", 64), (16, "I", 61), (20, "I", 2**32 - 1), (24, "I", 0), (28, "I", 0),
        (32, "I", 5), (36, "I", 2**31), (48, "I", 8), (52, "I", 2), (56, "I", 257), (56, "I", 11), (60, "I", 16),
        (64, "f", float("inf")), (68, "I", 1), (72, "q", -1), (80, "Q", 4095), (80, "Q", 2**63), (128, "I", 57),
        (132, "I", 25), (136, "f", float("nan")), (136, "f", -1.0),
    ],
)  # fmt: skip
def test_a_frame_with_one_wrong_field_is_refused(place: int, form: str, value: float | bytes) -> None:
    with pytest.raises(MalformedError):
        parse_frame(changed(FRAME.to_bytes(), place, form, value))


@pytest.mark.parametrize("wrong", [-1, 1])
def test_a_frame_of_another_length_is_refused(wrong: int) -> None:
    with pytest.raises(MalformedError):
        FrameFileHeader.parse(FRAME.to_bytes(), FRAME.pixel_offset + FRAME.pixel_bytes + wrong)


PARSERS: list[tuple[Callable[[bytes], object], bytes]] = [
    (parse_message, QUESTION.to_bytes()),
    (StatusFile.parse, STATUS.to_bytes()),
    (parse_frame, FRAME.to_bytes()[: 128 + 2 * PATCH_BYTES]),
    (Rendezvous.parse, Rendezvous("unix:/s", "0f" * 32, 1, Path("/c")).to_bytes()),
]


@pytest.mark.parametrize(("parse", "data"), PARSERS)
def test_damaged_bytes_raise_nothing_else(parse: Callable[[bytes], object], data: bytes) -> None:
    chance = random.Random(1)  # noqa: S311 - not for secrets
    for length in range(len(data)):
        with pytest.raises(MalformedError):
            parse(data[:length])
    for _ in range(3000):
        damaged = bytearray(data)
        for _ in range(chance.randrange(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            parse(bytes(damaged))
        except MalformedError:
            continue


def test_a_message_is_at_most_a_mebibyte() -> None:
    with pytest.raises(MalformedError):
        HostQuestion.parse(bytes(MAX_MESSAGE_BYTES + 1))
    assert PATCH_BYTES == 12 + PATCH_SIDE * PATCH_SIDE * 6
