"""The checksums beside a movie are those of its pictures, in FFmpeg's form."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.errors import OutputError
from answerprint.frames import OutputSpec
from answerprint.media import open_reader, open_writer, probe
from answerprint.media.boundary import open_container
from answerprint.media.framemd5 import framemd5
from answerprint.scheduler.preflight import check_restore
from answerprint.worker.resolved_job import resolve_job
from answerprint.worker.sidecar import write_framemd5
from media.makers import make_movie


def lines(text: bytes) -> list[str]:
    """Without the name of the program."""
    return [line for line in text.decode().splitlines() if not line.startswith("#software")]


def test_every_picture_has_the_md5_of_its_samples(tmp_path: Path) -> None:
    path = make_movie(tmp_path / "a.mkv", 3, codec="ffv1", sound="pcm_s16le")
    with open_container(path) as container:
        pictures = [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]
    found = [line for line in lines(framemd5(path, Fraction(25))) if not line.startswith("#")]
    assert [line.split(", ")[-1].strip() for line in found] == [_md5(data) for data in pictures]
    assert [[int(part) for part in line.split(",")[:5]] for line in found] == [
        [0, n, n, 1, len(pictures[n])] for n in range(3)
    ]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(24000, 1001)])
def test_the_lines_are_those_of_ffmpeg(rate: Fraction, tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with open_writer(path, OutputSpec(48, 32, rate, "ffv1", source_format="yuv420p")) as writer:
        for grey in (0.1, 0.5, 0.9):
            writer.write(np.full((32, 48, 3), grey, np.float32))
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v:0", "-f", "framemd5", "-"]
    theirs = subprocess.run(command, capture_output=True, check=True).stdout
    assert lines(framemd5(path, rate)) == lines(theirs)


def test_an_archive_of_the_source_itself_has_the_checksums_of_the_source(tmp_path: Path) -> None:
    source = make_movie(tmp_path / "in.mkv", 3, codec="ffv1")
    request = RestoreRequest(ClipRef(str(source)), str(tmp_path / "out.mkv"), model="identity", framemd5=True)
    resolved = resolve_job(request)
    with open_writer(tmp_path / "out.mkv", resolved.spec()) as writer, open_reader(probe(source)) as reader:
        for frame in reader:
            writer.write(frame.picture, frame.alpha)
    written = write_framemd5(resolved, lambda: None)
    assert written == tmp_path / "out.mkv.framemd5"
    assert written.read_bytes() == framemd5(source, Fraction(25))
    write_framemd5(resolved, lambda: None)  # as a retry of the job does
    written.write_bytes(b"another's")
    with pytest.raises(OutputError, match="already exists"):
        write_framemd5(resolved, lambda: None)
    with pytest.raises(OutputError, match="already exists"):
        check_restore(request)


def test_a_sequence_has_no_such_file(tmp_path: Path) -> None:
    source = make_movie(tmp_path / "in.mkv", 3, codec="ffv1")
    request = RestoreRequest(ClipRef(str(source)), str(tmp_path / "o.%04d.png"), model="identity", framemd5=True)
    with pytest.raises(OutputError, match="--sidecar") as refused:
        check_restore(request)
    assert refused.value.remedy


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
