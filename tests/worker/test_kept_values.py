"""What the source holds, the result holds: depth, values outside 0..1, and pictures that no model changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from answerprint.api.request import RestoreRequest
from answerprint.worker.resolved_job import ResolvedJob, resolve_job
from media.makers import make_png
from worker.clips import write_clip


def job_of(source: Path, output: str, **settings: object) -> ResolvedJob:
    request = {"input": str(source), "output": str(source.with_name(output)), "model": "identity", **settings}
    return resolve_job(RestoreRequest.from_json(request))


def test_more_than_twelve_bits_take_twice_the_room_and_the_estimate_says_so(tmp_path: Path) -> None:
    codes = np.zeros((32, 40, 3), np.uint16)
    deep = job_of(make_png(tmp_path / "deep.png", codes), "a.%04d.png")
    usual = job_of(write_clip(tmp_path / "clip.mkv", 0, 1), "b.mkv")
    assert (usual.float_segments, deep.float_segments) == (False, True)
    assert deep.estimate()["scratch_bytes"] == 2 * usual.estimate()["scratch_bytes"] > 0
