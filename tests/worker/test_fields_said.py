"""What a job says of the fields of its clip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from answerprint.ipc.messages import Message
from media.interlace import Picture, film, interlaced, moments
from worker.rendering import Rendering

SLOW = moments(24, step=1)
WHOLE = SLOW[::2]
COMBED = interlaced([255 - picture for picture in SLOW])
LATE = [*[SLOW[0]] * 60, *COMBED[:4], *[SLOW[0]] * 60]
"""Few combed frames, between those that are looked at beforehand."""


def said(clip: Path, folder: Path, settings: Message) -> Sequence[str]:
    job = Rendering(clip, folder, {"strength": 0.0, "chunk": 40, **settings})
    assert job.run()["event"] == "rendered"
    return [event["message"] for event in job.kinds("warning")]


@pytest.mark.parametrize(
    ("frames", "settings", "expected"),
    [
        (WHOLE, {}, []),
        (
            [*WHOLE, *COMBED],
            {},
            [
                "Partly interlaced (12 of 24 frames looked at are combed, 0 are flagged so): each combed frame is "
                "deinterlaced at frame rate (bwdif).",
                "12 frames of 24 that were read were combed.",
            ],
        ),
        (
            LATE,
            {},
            [
                "4 frames of 122 that were read were combed, from 60 on, and restored as they are: --fields per-frame "
                "deinterlaces them."
            ],
        ),
        (LATE, {"interpret": {"fields": "progressive"}}, []),
    ],
)
def test_a_job_says_what_it_finds_and_does(
    frames: list[Picture],
    settings: Message,
    expected: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
    clip = film(tmp_path / "clip.mkv", frames)
    assert said(clip, tmp_path / "scratch", settings) == expected
