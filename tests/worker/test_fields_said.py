"""What a job says of the fields of its clip, and which frames a preview at field rate shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import PreviewRequest, RestoreRequest
from answerprint.errors import InputError
from answerprint.frames import ClipInfo, FieldOrder, FrameRange
from answerprint.frames.cadence import as_stored
from answerprint.ipc.messages import Message
from answerprint.media import probe
from answerprint.worker.resolved_job import few_frames, resolve_job
from media.interlace import Picture, film, interlaced, moments
from media.makers import make_png
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


def test_a_preview_at_field_rate_shows_the_frame_that_was_named(tmp_path: Path) -> None:
    for number, frame in enumerate(COMBED):
        make_png(tmp_path / f"f{number:04}.png", np.repeat(frame[..., None].astype(np.uint16) * 257, 3, axis=2))
    clip = ClipRef(str(tmp_path / "f%04d.png"), fields=FieldOrder.TOP_FIRST, deinterlace="field")
    request = PreviewRequest(RestoreRequest(clip, str(tmp_path / "out"), model="identity"), frame=5, count=3)
    resolved = resolve_job(request.restore, preview=True)
    assert (resolved.info.frames, resolved.info.rate) == (24, Fraction(48))
    shown = few_frames(resolved, request)
    assert shown.frames == FrameRange(9, 12)
    assert [file.name for file in shown.source_files(shown.frames)] == ["f0004.png", "f0005.png"]
    assert as_stored(resolved.info) == clip_as_probed(clip)
    with pytest.raises(InputError, match="Frames run from 0 to 11"):
        few_frames(resolved, replace(request, frame=12))


def clip_as_probed(clip: ClipRef) -> ClipInfo:
    return replace(clip, deinterlace="").interpret(probe(clip.media))
