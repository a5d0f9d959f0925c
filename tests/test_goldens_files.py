"""What a job leaves on disk, by a real run of the embedded network's form on a few frames: see `test_goldens`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest
from safetensors import safe_open

from answerprint import __version__
from answerprint.flow.cache import cache_key
from answerprint.flow.opencv import DisEstimator
from answerprint.frames import FieldOrder
from answerprint.media.provenance import read_provenance
from answerprint.store.atomic import temporary_name
from answerprint.worker.mux_job import DeliverTask, deliver
from answerprint.worker.requests import JobChannel, JobControls
from answerprint.worker.resolved_job import resolve_job
from golden import Golden, shape
from worker.children import JOB
from worker.clips import write_clip
from worker.rendering import Rendering

DELIVERABLES = ("out.mov", "out.mkv", "out.mp4", "out.%04d.png", "out.%04d.tif", "out.%04d.exr")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_what_a_job_leaves_on_disk(home: Path, tmp_path: Path, golden: Golden) -> None:
    clip = write_clip(tmp_path / "clip.mkv", 0, 4)
    job = Rendering(clip, home / "scratch" / JOB, {"chunk": 2})
    rendered = job.run()
    home_files = [path for path in sorted(home.rglob("*")) if path.is_file()]
    (entry, *_) = [path for path in home_files if path.suffix == ".flow"]
    receipts = [json.loads(path.read_text()) for path in sorted(job.folder.glob("chunk-*.json"))]
    found = {
        "files": sorted({_name(path.relative_to(home)) for path in home_files}),
        "a temporary file": re.sub(r"[0-9a-f]{24}", "RANDOM", temporary_name()),
        "receipt": shape(receipts[0]),
        "receipt of the last chunk": {"carry": shape(receipts[-1]["carry"])},
        "started": shape(job.kinds("started")[0], frozenset({"event"})),
        "chunk": shape({key: each for key, each in job.kinds("chunk")[0].items() if key != "receipt"}),
        "progress": sorted(job.kinds("progress")[0]),
        "rendered": shape(rendered),
        "state for the next chunk": _state(min(job.folder.glob("chunk-*.carry"))),
        "segment": _tags(min(job.folder.glob("chunk-*.nut"))),
        "flow": {
            "begins with its key": entry.read_bytes()[:32].hex() == entry.stem,
            "then": entry.read_bytes()[32:40].decode("latin-1"),
        },
        "deliverables": _deliverables(job, tmp_path),
    }
    golden.check("files.json", found)


def _name(path: Path) -> str:
    """Without what differs from one to the next."""
    return re.sub(r"[0-9a-f]{64}", "HASH", re.sub(r"/[0-9a-f]{2}/", "/HA/", path.as_posix()))


def _state(path: Path) -> dict[str, Any]:
    with safe_open(str(path), framework="np") as file:
        tensors = {name: str(file.get_slice(name).get_dtype()) for name in sorted(file.keys())}
        texts = {key: json.loads(text) for key, text in (file.metadata() or {}).items()}
    return {
        "texts": {key: shape(text) | {"version": text["version"]} for key, text in texts.items()},
        "tensors": tensors,
    }


def _tags(path: Path) -> dict[str, Any]:
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        tags = {**container.metadata, **video.metadata}
        ours = {key: text for key, text in tags.items() if "answerprint" in key.lower()}
        return {"codec": video.codec_context.name, "pixels": video.codec_context.pix_fmt, "tags": ours}


def _deliverables(job: Rendering, folder: Path) -> Mapping[str, Any]:
    """What every form of deliverable says of itself; the same in each."""
    texts = {}
    for name in DELIVERABLES:
        request = replace(job.request, output=str(folder / name))
        task = DeliverTask(JOB, request, job.folder, tuple(job.chunks))
        final = deliver(task, JobChannel(lambda event: None, JobControls(), {}))
        first = next(iter(sorted(folder.glob(re.sub(r"%04d", "*", name)))))
        texts[name] = {"name of the first file": first.name, "texts": dict(sorted(read_provenance(first).items()))}
    said = {json.dumps(each["texts"]) for each in texts.values()}
    assert len(said) == 1, texts
    (text,) = said
    return {
        "first files": [each["name of the first file"] for each in texts.values()],
        "texts": json.loads(text.replace(__version__, "VERSION")),
        "done": shape(final),
    }


def test_chunks_and_flow_of_before_are_known_again(home: Path, tmp_path: Path, golden: Golden) -> None:
    """Where these change, jobs that are half done begin anew with an error, and all flow is measured again."""
    source = tmp_path / "source"
    source.write_bytes(b"source")
    os.utime(source, ns=(0, 10**18))
    clip = write_clip(tmp_path / "clip.mkv", 0, 10)
    request = Rendering(clip, tmp_path / "job", {"seed": 7, "strength": 0.5}).request
    order = resolve_job(request)
    clips = {
        "as it is": replace(order.info, path=source),
        "interlaced": replace(order.info, path=source, field_order=FieldOrder.TOP_FIRST),
    }
    prints = {name: replace(order, info=info).fingerprint for name, info in clips.items()}
    key = cache_key(DisEstimator(), "a" * 64, "b" * 64)
    golden.check("fingerprints.json", {"of a job": prints, "of a flow pair": key})
