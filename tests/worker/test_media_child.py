"""The real media child: it opens what may be hostile, and writes a deliverable that can be written again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from answerprint.api.request import RestoreRequest
from answerprint.flow.prepare import prepare
from answerprint.frames import Frame, FrameRange
from answerprint.ipc.messages import Message
from answerprint.media import open_reader, probe
from answerprint.media.provenance import read_provenance
from answerprint.pipeline.clip_state import ClipState
from answerprint.pipeline.restore_clip import RestoredChunk
from answerprint.store.atomic import is_temporary
from answerprint.store.receipts import ChunkReceipt, segment_path
from answerprint.worker.chunk_writer import ChunkWriter
from answerprint.worker.memory_fallbacks import ChunkSettings
from answerprint.worker.resolved_job import resolve_job
from fakes import no_hard_links
from media.makers import make_movie, number_in, read_sound
from worker.children import JOB, Child, of_kind, run_job
from worker.rendering import pictures_of

FIRST, STOP = 3, 14
BORDERS = ((3, 4), (4, 8), (8, 12), (12, 14))


@dataclass
class Job:
    """A job whose chunks are all there: what a model might have made, by a model that only enlarges."""

    root: Path
    clip: Path
    output: Path
    settings: Message = field(default_factory=dict)
    receipts: list[ChunkReceipt] = field(default_factory=list)
    fingerprint: str = ""
    """Of what the chunks were made of; empty: of all that is there now."""

    @property
    def folder(self) -> Path:
        return self.root / JOB

    @property
    def request(self) -> Message:
        settings: Message = {"range": f"{FIRST}:{STOP}", "chunk": 4, "device": "cpu", **self.settings}
        return RestoreRequest.from_json({"input": str(self.clip), "output": str(self.output), **settings}).to_json()

    @property
    def mux(self) -> Message:
        made_of = self.fingerprint or resolve_job(RestoreRequest.from_json(self.request)).fingerprint
        listing = self.root / "receipts.json"
        listing.write_text(json.dumps([replace(each, fingerprint=made_of).to_json() for each in self.receipts]))
        return {
            "type": "mux", "id": 5, "job": JOB, "request": self.request, "scratch": str(self.folder),
            "receipts_file": str(listing),
        }  # fmt: skip

    def frame(self, index: int, **more: object) -> Message:
        receipt = next((r for r in self.receipts if r.first <= index < r.stop), None)
        return {
            "type": "frame", "id": 6, "job": JOB, "request": self.request, "scratch": str(self.folder),
            "receipt": None if receipt is None else receipt.to_json(), "frame": index, "side": "restored",
            "format": "png", "max_width": 0, "max_height": 0, "size": [256, 192],
            "output": str(self.root / "still"), **more,
        }  # fmt: skip

    @property
    def pictures(self) -> str:
        return pictures_of(self.folder, self.receipts)

    def litter(self) -> list[str]:
        """What a try that was ended left beside the output."""
        return [path.name for path in self.output.parent.iterdir() if is_temporary(path.name)]

    def child(self, **env: str) -> Child:
        return Child("media", self.root / "home", env=env)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """A child for all tests that do it no harm."""
    with Child("media", tmp_path_factory.mktemp("home")) as child:
        child.until("ready")
        yield child


@pytest.fixture
def job(tmp_path: Path) -> Job:
    out = tmp_path / "out"
    out.mkdir()
    clip = make_movie(tmp_path / "clip.mov", 18, sound="pcm_s16le", timecode="01:00:00:00")
    job = Job(tmp_path, clip, out / "out.mov")
    job.folder.mkdir(mode=0o700)
    info = probe(clip)
    with open_reader(info) as reader:
        sources = list(reader)
    scratch = ChunkWriter(job.folder, JOB, "fingerprint", Fraction(25), 1 << 20)
    for number, (first, stop) in enumerate(BORDERS):
        frames = [
            Frame(f.index, cv2.resize(f.picture, (256, 192), interpolation=cv2.INTER_NEAREST))
            for f in sources[first:stop]
        ]
        state = ClipState(number + 1, stop, prepare(frames[-1].picture))
        chunk = RestoredChunk(number, number == 0, FrameRange(first, stop), frames, state)
        job.receipts.append(scratch.commit(chunk, ChunkSettings(4, 160, 0, 0), last=stop == STOP))
    return job


def test_it_never_loads_torch() -> None:
    program = (
        "import sys; import answerprint.worker.media_child\nprint({'torch', 'diffusers', 'grpc'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"


def test_a_clip_is_probed_as_a_job_will_see_it(job: Job, shared: Child) -> None:
    answer = run_job(shared, {"type": "probe", "id": 1, "request": job.request})[-1]
    facts = answer["facts"]
    assert (answer["event"], answer["id"]) == ("report", 1)
    assert facts["input"].items() >= {"width": 64, "height": 48, "frames": 18, "rate": "25"}.items()
    assert (facts["size"], facts["codec"], facts["range"]) == ([256, 192], "prores4444", [FIRST, STOP])
    written = sum(segment_path(job.folder, n).stat().st_size for n in range(4))
    assert facts["scratch_bytes"] > written
    assert facts["output_bytes"] > 0
    assert facts["fields"][0] == job.request["input"], "of this file"
    odd = {"output": str(job.root / "out.mp4"), "size": [255, 192]}  # known before any frame is restored
    for bad in ({"range": "50:60"}, {"input": str(job.root / "absent.mov")}, {"model": "absent"}, odd):
        refused = run_job(shared, {"type": "probe", "id": 2, "request": {**job.request, **bad}})[-1]
        assert (refused["event"], refused["exit_code"], refused["id"]) == ("error", 2, 2)
    assert run_job(shared, {"type": "probe", "id": 3})[-1]["code"] == "bad_input"


def test_a_deliverable_is_written_with_all_that_the_source_has(job: Job, shared: Child) -> None:
    events = run_job(shared, job.mux)
    last = events[-1]
    assert (last["event"], last["id"], last["job"]) == ("done", 5, JOB)
    assert (last["output"], last["frames"]) == (str(job.output), STOP - FIRST)
    assert last["picture_sha256"] == job.pictures
    mine = [event for event in events if event["event"] != "ready"]
    assert all((event["id"], event["job"]) == (5, JOB) for event in mine)
    assert [event["stage"] for event in of_kind(events, "stage")] == ["mux", "verify"]
    assert [event["frames_done"] for event in of_kind(events, "progress")] == [1, 5, 9, 11]
    found = probe(job.output)
    assert found.rate == 25
    assert (found.frames, found.width, found.height) == (11, 256, 192)
    assert found.start_timecode == "01:00:00:03"
    with open_reader(found) as reader:
        assert [number_in(frame.picture) for frame in reader] == list(range(FIRST, STOP))
    begins, samples, _ = read_sound(job.output)
    assert begins == 0
    assert len(samples) == (STOP - FIRST) * 48000 // 25
    made_by = read_provenance(job.output)
    assert made_by["answerprint_job"] == JOB
    assert made_by["answerprint_range"] == f"{FIRST}:{STOP}"
    assert job.litter() == []


@pytest.mark.parametrize("point", ["mux_before_publish", "mux_after_publish"])
def test_a_deliverable_whose_writer_was_killed_is_written_once(point: str, job: Job, shared: Child) -> None:
    with job.child(ANSWERPRINT_FAILPOINT=f"{point}:kill") as child:
        child.send(job.mux)
        child.rest()
        assert child.ended() == -signal.SIGKILL
    published = job.output.stat() if point == "mux_after_publish" else None
    assert job.output.exists() == (published is not None)
    last = run_job(shared, job.mux)[-1]
    assert (last["event"], last["picture_sha256"]) == ("done", job.pictures)
    assert published is None or job.output.stat().st_ino == published.st_ino, "what was there is taken as done"
    assert job.litter() == []


@pytest.mark.parametrize("name", ["out.mov", "out.%04d.png"])
def test_a_kill_where_there_are_no_hard_links_blocks_no_later_try(name: str, job: Job) -> None:
    job.output = job.output.with_name(name)
    program = [sys.executable, "-P", no_hard_links.__file__, "media"]
    nth = 3 if "%" in name else 1
    env = {"ANSWERPRINT_FAILPOINT": f"after_claim:kill:{nth}"}
    with Child("media", job.root / "home", env=env, program=program) as child:
        child.send(job.mux)
        child.rest()
        assert child.ended() == -signal.SIGKILL
    left = [file for file in job.output.parent.iterdir() if not is_temporary(file.name)]
    assert [file.stat().st_size == 0 for file in sorted(left)] == [False] * (nth - 1) + [True], "the claim is there"
    with Child("media", job.root / "home", program=program) as child:
        last = run_job(child, job.mux)[-1]
    assert (last["event"], last.get("picture_sha256")) == ("done", job.pictures), last
    assert job.litter() == []


def test_what_somebody_else_put_there_is_refused_unless_it_may_go(job: Job, shared: Child) -> None:
    job.output.write_bytes(b"the only copy")
    last = run_job(shared, job.mux)[-1]
    assert (last["event"], last["code"]) == ("error", "bad_output")
    assert job.output.read_bytes() == b"the only copy"
    other = {**job.mux, "job": "another job"}
    job.output.unlink()
    assert run_job(shared, other)[-1]["event"] == "done"
    assert run_job(shared, job.mux)[-1]["code"] == "bad_output", "a deliverable of another job is not this one's"
    job.settings["overwrite"] = True
    assert run_job(shared, job.mux)[-1]["event"] == "done"
    assert read_provenance(job.output)["answerprint_job"] == JOB


def test_a_damaged_deliverable_of_this_job_is_written_again(job: Job, shared: Child) -> None:
    run_job(shared, job.mux)
    shorter = job.receipts.pop()
    job.settings["range"] = f"{FIRST}:{shorter.first}"
    job.output.unlink()
    run_job(shared, job.mux)
    job.receipts.append(shorter)
    del job.settings["range"]
    assert probe(job.output).frames == shorter.first - FIRST, "too short for this job"
    last = run_job(shared, job.mux)[-1]
    assert (last["event"], last["picture_sha256"]) == ("done", job.pictures)
    assert probe(job.output).frames == STOP - FIRST


def test_a_source_that_was_rendered_anew_gets_no_deliverable_of_the_old_chunks(job: Job, shared: Child) -> None:
    order = job.mux
    data = job.clip.read_bytes()
    job.clip.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    last = run_job(shared, order)[-1]
    assert (last["event"], last["code"]) == ("error", "source_changed")
    assert list(job.output.parent.iterdir()) == []
    assert run_job(shared, job.mux)[-1]["event"] == "done", "chunks of the new one fit"


@pytest.mark.parametrize("name", ["out.mov", "out.%04d.png"])
def test_a_source_that_is_rendered_anew_while_it_is_written_gets_no_deliverable(
    name: str, job: Job, shared: Child
) -> None:
    """Its sound would be of the new one, its pictures of the old one."""
    job.output = job.output.with_name(name)
    order = job.mux
    shared.send(order)
    shared.until("progress")
    os.utime(job.clip, ns=(1, 1))
    last = shared.final()
    assert (last["event"], last["code"]) == ("error", "source_changed")
    assert list(job.output.parent.iterdir()) == []
    assert run_job(shared, job.mux)[-1]["event"] == "done"


@pytest.mark.parametrize("how", ["bit", "gone"])
def test_a_damaged_chunk_is_named_so_that_it_is_made_again(how: str, job: Job, shared: Child) -> None:
    path = segment_path(job.folder, 2)
    whole = path.read_bytes()
    if how == "bit":
        path.write_bytes(whole[:999] + bytes([whole[999] ^ 1]) + whole[1000:])
    else:
        path.unlink()
    last = run_job(shared, job.mux)[-1]
    assert (last["event"], last["code"]) == ("error", "damaged_chunk")
    assert last["chunk"] == 0, "the chunk that opened its shot: nothing is carried into it"
    assert not job.output.exists()
    assert job.litter() == []
    path.write_bytes(whole)
    assert run_job(shared, job.mux)[-1]["picture_sha256"] == job.pictures


def test_chunks_that_do_not_make_the_clip_are_refused(job: Job, shared: Child) -> None:
    all_of_them = job.receipts
    for some in (all_of_them[:-1], all_of_them[1:], [all_of_them[0], *all_of_them[2:]], []):
        job.receipts = some
        assert run_job(shared, job.mux)[-1]["code"] == "job_failed"
    assert not job.output.exists()


def test_a_full_disk_says_how_much_is_needed_and_where(job: Job) -> None:
    with job.child(ANSWERPRINT_FAILPOINT="mux_before_publish:raise-enospc") as child:
        last = run_job(child, job.mux)[-1]
        assert (last["event"], last["code"], last["folder"]) == ("error", "disk_full", str(job.output.parent))
        assert last["needed_bytes"] > 0
        assert list(job.output.parent.iterdir()) == []
        assert run_job(child, job.mux)[-1]["event"] == "done"


def test_a_stop_leaves_nothing_beside_the_output_and_the_child_serves_on(job: Job, shared: Child) -> None:
    shared.send(job.mux)
    shared.send({"type": "stop"})
    assert shared.final() == {"event": "stopped", "at_border": False, "id": 5, "job": JOB}
    assert list(job.output.parent.iterdir()) == []
    assert run_job(shared, job.mux)[-1]["event"] == "done"


def test_it_ends_when_it_is_asked_to(job: Job) -> None:
    with job.child() as child:
        child.send({"type": "exit"})
        assert child.ended() == 0


def test_without_a_parent_it_ends_and_cleans_up(job: Job) -> None:
    with job.child() as child:
        child.until("ready")
        child.send(job.mux)
        child.close()
        assert child.ended() == 0
    assert job.litter() == []


def test_a_sequence_that_was_published_in_part_is_completed(job: Job, shared: Child) -> None:
    job.output = job.output.with_name("out.%04d.png")
    assert run_job(shared, job.mux)[-1]["event"] == "done"
    files = sorted(job.output.parent.iterdir())
    assert [file.name for file in files] == [f"out.{n:04d}.png" for n in range(FIRST, STOP)]
    files[4].unlink()
    last = run_job(shared, job.mux)[-1]
    assert (last["event"], last["picture_sha256"]) == ("done", job.pictures)
    assert files[4].exists()
    files[4].unlink()
    files[6].write_bytes(b"a photograph")
    assert run_job(shared, job.mux)[-1]["code"] == "bad_output"
    assert files[6].read_bytes() == b"a photograph"


@pytest.mark.parametrize("form", ["png", "jpeg"])
def test_a_finished_frame_and_its_source_are_shown_at_one_size(form: str, job: Job, shared: Child) -> None:
    shown = {}
    for side in ("restored", "source"):
        asked = job.frame(9, side=side, format=form, max_width=128)
        facts = run_job(shared, asked)[-1]["facts"]
        assert (facts["width"], facts["height"], facts["media_type"]) == (128, 96, f"image/{form}")
        path = Path(facts["path"])
        assert path.stat().st_size == facts["bytes"]
        picture = cv2.imread(str(path))
        assert picture is not None
        shown[side] = picture.astype(np.float32) / 255
        assert number_in(shown[side]) == 9
    assert float(np.abs(shown["restored"] - shown["source"]).mean()) < 0.05


@pytest.mark.parametrize("name", ["out.mov", "out.%04d.png"])
def test_a_frame_of_a_job_that_is_done_comes_from_its_deliverable(name: str, job: Job, shared: Child) -> None:
    job.output = job.output.with_name(name)
    run_job(shared, job.mux)
    facts = run_job(shared, job.frame(12, receipt=None))[-1]["facts"]
    picture = cv2.imread(str(facts["path"]))
    assert picture is not None
    assert number_in(picture.astype(np.float32) / 255) == 12
    refused = run_job(shared, job.frame(17, receipt=None))[-1]
    assert (refused["event"], refused["code"]) == ("error", "bad_input")


def test_questions_that_make_no_sense_are_refused_and_the_next_is_answered(job: Job, shared: Child) -> None:
    assert run_job(shared, job.frame(9, side="above"))[-1]["code"] == "bad_input"
    assert run_job(shared, job.frame(2))[-1]["event"] == "error"
    assert run_job(shared, {"type": "mux", "id": 1, "job": JOB})[-1]["code"] == "bad_input"
    assert run_job(shared, job.frame(9))[-1]["event"] == "report"


def test_segments_can_be_opened_with_the_libraries_of_anybody(job: Job) -> None:
    with av.open(str(segment_path(job.folder, 1))) as container:
        assert len(list(container.decode(video=0))) == 4
