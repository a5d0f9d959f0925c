"""The two places where the layouts of files and messages stand say the same: the plugin's and the daemon's."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from answerprint.ofx import protocol
from answerprint.ofx.protocol import AskFlag, AskKind, FrameFileHeader, HostQuestion, Patch, ShownState, StatusFile

HEADER = Path(__file__).parents[2] / "ofx" / "protocol.h"
DEFINED = dict(re.findall(r"^#define (\w+) (\S.*)$", HEADER.read_text("utf-8"), re.MULTILINE))
NUMBERS = {name: int(value.rstrip("u")) for name, value in DEFINED.items() if re.fullmatch(r"\d+u?", value)}

QUESTION = HostQuestion(
    bytes(range(32)), AskKind.RESTORE, AskFlag.SAMPLES | AskFlag.OFFSET, -7, 3, 1920, 1080, b"/a.mov", 5, 9, 2, 3,
    bytes(36),
)  # fmt: skip
STATUS = StatusFile(ShownState.PAUSED, 11, 1920, 1080, b"/a.mov", "Text", 12, 4300, -5, 90, 2, residual=0.25)
PIXELS = bytes(range(192)) * 2
FRAME = FrameFileHeader(2, 3, 4, 5, 64, 32, -7, 1, 12, 0.25, True, (Patch(1, 2, 0.5, PIXELS),))


def at(data: bytes, form: str, name: str, start: int = 0) -> float:
    return float(struct.unpack_from(f"<{form}", data, start + NUMBERS[name])[0])


@pytest.mark.parametrize(
    "name, form, value",
    [
        ("BYTES", "I", len(QUESTION.to_bytes()) - 4), ("VERSION", "I", 1), ("KIND", "I", 2), ("FLAGS", "I", 5),
        ("FRAME", "q", -7), ("JOB", "q", 3), ("WIDTH", "I", 1920), ("HEIGHT", "I", 1080), ("SAMPLES_W", "I", 2),
        ("SAMPLES_H", "I", 3), ("FIRST", "q", 5), ("STOP", "q", 9), ("PATH_BYTES", "I", 6), ("TOKEN", "B", 0),
    ],
)  # fmt: skip
def test_messages(name: str, form: str, value: int) -> None:
    assert at(QUESTION.to_bytes(), form, f"MESSAGE_{name}") == value


@pytest.mark.parametrize(
    "name, form, value",
    [
        ("VERSION", "I", 1), ("BYTES", "I", len(STATUS.to_bytes())), ("STATE", "I", 5), ("PROGRESS", "I", 4300),
        ("FIRST", "q", -5), ("STOP", "q", 90), ("FITS", "I", 2), ("FLAGS", "I", 0), ("JOB_ASKED", "q", 11),
        ("JOB_SHOWN", "q", 12), ("WIDTH", "I", 1920), ("HEIGHT", "I", 1080), ("RESIDUAL", "f", 0.25),
        ("TEXT_BYTES", "I", 4), ("PATH_BYTES", "I", 6),
    ],
)  # fmt: skip
def test_states(name: str, form: str, value: float) -> None:
    assert at(STATUS.to_bytes(), form, f"STATUS_{name}") == value


@pytest.mark.parametrize(
    "name, form, value",
    [
        ("VERSION", "I", 1), ("PATCHES_AT", "I", 128), ("X", "I", 2), ("Y", "I", 3), ("W", "I", 4), ("H", "I", 5),
        ("WIDTH", "I", 64), ("HEIGHT", "I", 32), ("FRAME", "q", -7), ("FIT", "I", 1), ("FLAGS", "I", 1),
        ("PATCHES", "I", 1), ("PATCH_SIDE", "I", 8), ("RESIDUAL", "f", 0.25), ("JOB", "q", 12),
        ("PIXELS_AT", "Q", FRAME.pixel_offset),
    ],
)  # fmt: skip
def test_frames(name: str, form: str, value: float) -> None:
    assert at(FRAME.to_bytes(), form, f"FRAME_{name}") == value


@pytest.mark.parametrize(
    "name, form, value", [("X", "I", 1), ("Y", "I", 2), ("TOLERANCE", "f", 0.5), ("VALUES", "B", 0)]
)
def test_patches(name: str, form: str, value: float) -> None:
    assert at(FRAME.to_bytes(), form, f"PATCH_{name}", protocol.FRAME_HEADER_BYTES) == value


def test_limits_and_kinds() -> None:
    assert NUMBERS["PROTOCOL_VERSION"] == protocol.VERSION
    assert NUMBERS["MAX_FITS"] == protocol.MAX_FITS
    assert NUMBERS["MAX_PATCHES"] == protocol.MAX_PATCHES
    assert NUMBERS["PATCH_SIDE"] == protocol.PATCH_SIDE
    assert NUMBERS["STATUS_MAX_BYTES"] == protocol.MAX_STATUS_BYTES
    assert NUMBERS["STATUS_HEADER_BYTES"] == protocol.STATUS_HEADER_BYTES
    assert NUMBERS["FRAME_HEADER_BYTES"] == protocol.FRAME_HEADER_BYTES
    assert NUMBERS["MESSAGE_HEADER_BYTES"] == protocol.MESSAGE_BYTES
    assert NUMBERS["FRAME_PIXELS_ALIGNMENT"] == protocol.PIXEL_ALIGNMENT
    assert (NUMBERS["MAX_SAMPLES_W"], NUMBERS["MAX_SAMPLES_H"]) == protocol.MAX_SAMPLES
    assert [NUMBERS[f"STATE_{state.name}"] for state in ShownState] == [state.value for state in ShownState]
    assert [NUMBERS[f"KIND_{name}"] for name in ("WANTED", "RESTORE", "AT")] == [kind.value for kind in AskKind]
    assert NUMBERS["STATUS_FLAG_WANTS_SAMPLES"] == protocol.StatusFlag.SAMPLES_WANTED
    assert NUMBERS["STATUS_FLAG_NO_FIT"] == protocol.StatusFlag.NO_FIT
    assert [NUMBERS[f"MESSAGE_FLAG_{flag.name}"] for flag in AskFlag] == [flag.value for flag in AskFlag]
