"""The sidecar of a deliverable can be checked by others: hashes of files, and sums of frames as ffmpeg makes them."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from answerprint.api.request import RestoreRequest
from answerprint.errors import OutputError
from answerprint.frames.sequence import sidecar_of
from answerprint.scheduler.preflight import check_restore
from cli.program import Program
from media.makers import make_movie


def sums_of_ffmpeg(file: Path) -> list[str]:
    """MD5 of each decoded frame."""
    words = ["ffmpeg", "-v", "error", "-i", str(file), "-map", "0:v", "-f", "framemd5", "-"]
    out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return [line.rpartition(",")[2].strip() for line in out.splitlines() if not line.startswith("#")]


def test_it_names_what_the_result_was_made_of(studio: Program) -> None:
    source = make_movie(studio.folder / "clip.mov", 6, timecode="01:00:00:00", sound="pcm_s16le")
    words = ("clip.mov", "out.mkv", "--model", "identity", "--range", "1:4", "--sidecar")
    done = studio.run("restore", *words)
    assert done.returncode == 0, done.stderr
    sidecar = studio.folder / "out.mkv.json"
    said = json.loads(sidecar.read_text())
    for part, file in (("source", source), ("deliverable", studio.folder / "out.mkv")):
        (about,) = said[part]["files"]
        assert about == {
            "name": file.name, "bytes": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        }  # fmt: skip
    assert (said["source"]["range"], said["model"]["name"], said["settings"]["seed"]) == ([1, 4], "identity", 0)
    assert [number for number, _ in said["source"]["frame_md5"]] == [1, 2, 3]
    assert f'[1, "{said["source"]["frame_md5"][0][1]}"],' in sidecar.read_text().replace("   ", "")
    assert [number for number, _ in said["deliverable"]["frame_md5"]] == [0, 1, 2]
    assert said["working_space"]["name"]
    assert {"answerprint", "ffmpeg", "torch"} <= said["versions"].keys()
    if shutil.which("ffmpeg"):
        assert [each for _, each in said["source"]["frame_md5"]] == sums_of_ffmpeg(source)[1:4]
        assert [each for _, each in said["deliverable"]["frame_md5"]] == sums_of_ffmpeg(studio.folder / "out.mkv")
    again = studio.run("restore", *words)
    assert (again.returncode, json.loads(sidecar.read_text())) == (2, said)
    assert studio.run("restore", *words, "--overwrite").returncode == 0
    assert json.loads(sidecar.read_text())["job"] != said["job"]


def test_a_file_of_its_name_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.mov").touch()
    (tmp_path / "b.mov.json").write_text("mine")
    request = {"input": str(tmp_path / "a.mov"), "output": str(tmp_path / "b.mov")}
    check_restore(RestoreRequest.from_json(request))
    with pytest.raises(OutputError, match=r"b\.mov\.json already exists"):
        check_restore(RestoreRequest.from_json({**request, "sidecar": True}))


def test_a_request_without_one_is_written_as_before() -> None:
    request = {"input": "/a", "output": "/b.mov"}
    assert "sidecar" not in RestoreRequest.from_json(request).to_json()
    asked = RestoreRequest.from_json({**request, "sidecar": True})
    assert RestoreRequest.from_json(asked.to_json()) == asked


@pytest.mark.parametrize(
    ("output", "name"),
    [("o/a.mov", "o/a.mov.json"), ("o/a.%04d.png", "o/a.png.json"), ("o/%d.exr", "o/sequence.exr.json")],
)
def test_it_lies_beside_the_result(output: str, name: str) -> None:
    assert sidecar_of(Path(output)) == Path(name)
