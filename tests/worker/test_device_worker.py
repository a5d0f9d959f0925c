"""The real device worker, in real processes: whatever ends it, what it reported stays, and the next one goes on.

They have the default model, which is loaded in a tenth of the time; where steps and noise matter, a diffusion model.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from answerprint.api.request import RestoreRequest
from answerprint.ipc.messages import Message
from answerprint.store.receipts import ChunkReceipt
from media.makers import make_png
from worker.children import JOB, Child, chunks_in, of_kind, restore_order, run_job
from worker.clips import write_clip
from worker.rendering import pictures_of

DIFFUSION = "tiny-x4"
FRAMES = 11
SIZE = (24, 16)
BORDERS = [(0, 4), (4, 8), (8, 11)]
FAIL_POINTS = (
    "after_decode", "after_denoise", "segment_before_fsync", "segment_after_rename", "carry_after_rename",
    "before_receipt", "after_receipt",
)  # fmt: skip


@dataclass
class Place:
    """A clip to restore, and a home for all processes of these tests."""

    root: Path
    clip: Path
    jobs: int = 0

    def request(self, **settings: object) -> Message:
        base: Message = {"steps": 1, "chunk": 4, "device": "cpu", **settings}
        return RestoreRequest.from_json(
            {"input": str(self.clip), "output": str(self.root / "out.mkv"), **base}
        ).to_json()

    def folder(self) -> Path:
        """For a new job."""
        self.jobs += 1
        folder = self.root / f"scratch-{self.jobs}" / JOB
        folder.mkdir(mode=0o700, parents=True)
        return folder

    def child(self, **env: str) -> Child:
        return Child("device", self.root / "home", env=env)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("device")
    return Place(root, write_clip(root / "clip.mkv", 0, FRAMES, (8,), size=SIZE))


@pytest.fixture(scope="module")
def shared(place: Place) -> Iterator[Child]:
    """A worker for all tests that do it no harm."""
    with place.child() as child:
        child.until("ready")
        yield child


@pytest.fixture(scope="module")
def undisturbed(place: Place, shared: Child) -> str:
    """The pictures of the job, restored without interruption."""
    return finish(shared, place, place.folder(), [])


def finish(worker: Child, place: Place, folder: Path, done: list[ChunkReceipt], **settings: object) -> str:
    """Have a worker go on after these chunks; the pictures of all."""
    events = run_job(worker, restore_order(place.request(**settings), folder, done))
    assert events[-1]["event"] == "rendered", events[-1]
    receipts = [*done, *chunks_in(events)]
    assert [(r.first, r.stop) for r in receipts] == BORDERS
    return pictures_of(folder, receipts)


def test_a_job_is_told_from_beginning_to_end(place: Place, shared: Child) -> None:
    before = finish(shared, place, place.folder(), [], model=DIFFUSION)
    folder = place.folder()
    events = run_job(shared, restore_order(place.request(model=DIFFUSION), folder, []))
    jobs = [event for event in events if event["event"] != "models"]
    assert all(event["job"] == JOB for event in jobs)
    assert [event["event"] for event in jobs if event["event"] != "progress"] == [
        "stage", "started", "chunk", "chunk", "chunk", "rendered",
    ]  # fmt: skip
    (started,) = of_kind(events, "started")
    assert len(started["fingerprint"]) == 64
    assert started["estimate"].keys() == {"memory_bytes", "scratch_bytes", "output_bytes"}
    assert (started["input"]["range"], started["device"]) == ([0, FRAMES], "cpu")
    chunks = of_kind(events, "chunk")
    assert [event["frames_done"] for event in chunks] == [4, 8, FRAMES]
    assert {event["frames_total"] for event in chunks} == {FRAMES}
    assert [event["flow_cache"] for event in chunks] == [
        {"hits": 4, "misses": 0}, {"hits": 5, "misses": 0}, {"hits": 2, "misses": 0},
    ], "a pair counts once: frames with the key, a neighbour of each for noise, the key before"  # fmt: skip
    receipts = chunks_in(events)
    assert [r.recipe["opens_shot"] for r in receipts] == [True, False, True]
    assert {r.fingerprint for r in receipts} == {started["fingerprint"]}
    assert receipts[-1].carry is None
    size = sum(path.stat().st_size for path in folder.glob("chunk-*.nut"))
    assert size < started["estimate"]["scratch_bytes"]
    assert events[-1]["frames"] == FRAMES
    assert pictures_of(folder, receipts) == before


def test_the_second_job_spends_no_time_loading(place: Place, undisturbed: str) -> None:
    with place.child() as child:
        ready = child.until("ready")
        assert ready["device"] in [each["name"] for each in ready["devices"]]
        assert ready["libraries"]["torch"]
        counts = []
        for _ in range(2):
            events = run_job(child, restore_order(place.request(), place.folder(), []))
            counts.append(sum(1 for event in of_kind(events, "stage") if event["stage"] == "load"))
        assert counts == [1, 0]
        warm = of_kind(child.seen, "models")[-1]["warm"]
        assert [(each["model"], each["in_use"]) for each in warm] == [("swift-x4", False)]
        assert warm[0]["bytes"] > 0
        assert 0 < warm[0]["remaining_seconds"] <= 300
        child.send({"type": "exit"})
        assert child.ended() == 0


def killed_at(point: str, place: Place, folder: Path, **settings: object) -> list[ChunkReceipt]:
    """What a worker has reported that is killed in the second chunk."""
    with place.child(ANSWERPRINT_FAILPOINT=f"{point}:kill:2") as child:
        child.send(restore_order(place.request(**settings), folder, []))
        events = child.rest()
        assert child.ended() == -signal.SIGKILL
    done = chunks_in(events)
    assert [(r.first, r.stop) for r in done] == BORDERS[:1]
    return done


@pytest.mark.parametrize("point", FAIL_POINTS)
def test_a_worker_killed_anywhere_is_taken_over_from(point: str, place: Place, shared: Child, undisturbed: str) -> None:
    folder = place.folder()
    assert finish(shared, place, folder, killed_at(point, place, folder)) == undisturbed


@pytest.mark.parametrize(
    "point",
    [pytest.param(point, marks=[] if point == "after_denoise" else [pytest.mark.slow]) for point in FAIL_POINTS],
)
def test_a_worker_killed_with_noise_of_its_own_is_taken_over_from(point: str, place: Place, shared: Child) -> None:
    folder, settings = place.folder(), {"model": DIFFUSION, "steps": 2}
    done = killed_at(point, place, folder, **settings)
    assert finish(shared, place, folder, done, **settings) == finish(shared, place, place.folder(), [], **settings)


def test_memory_that_runs_out_in_the_real_worker_changes_no_picture(place: Place, undisturbed: str) -> None:
    folder = place.folder()
    with place.child(ANSWERPRINT_FAILPOINT="after_decode:oom:2") as child:
        events = run_job(child, restore_order(place.request(), folder, []))
    assert [event["rung"] for event in of_kind(events, "adapted")] == [1]
    assert events[-1]["event"] == "rendered"
    assert pictures_of(folder, chunks_in(events)) == undisturbed


def test_a_full_disk_ends_the_turn_and_the_job_goes_on_when_there_is_room(
    place: Place, shared: Child, undisturbed: str
) -> None:
    folder = place.folder()
    with place.child(ANSWERPRINT_FAILPOINT="segment_before_fsync:raise-enospc:2") as child:
        events = run_job(child, restore_order(place.request(), folder, []))
        last = events[-1]
        assert (last["event"], last["code"], last["folder"]) == ("error", "disk_full", str(folder))
        assert last["needed_bytes"] > 0
        done = chunks_in(events)
        assert len(done) == 1
        assert finish(child, place, folder, done) == undisturbed, "the same worker is well again"


def test_a_stop_gives_up_the_chunk_and_the_worker_serves_on(place: Place, shared: Child, undisturbed: str) -> None:
    shared.send(restore_order(place.request(model=DIFFUSION, steps=200), place.folder(), []))
    shared.until("progress")
    shared.send({"type": "stop"})
    final = shared.final()
    assert (final["event"], final["at_border"], final["job"]) == ("stopped", False, JOB)
    assert finish(shared, place, place.folder(), []) == undisturbed


def test_a_yield_ends_the_turn_at_the_next_border(place: Place, shared: Child, undisturbed: str) -> None:
    folder = place.folder()
    before = len(shared.seen)
    shared.send(restore_order(place.request(), folder, []))
    shared.until("progress")
    shared.send({"type": "yield"})
    final = shared.final()
    assert (final["event"], final["at_border"]) == ("stopped", True)
    done = chunks_in(shared.seen[before:])
    assert 0 < len(done) < 3
    assert finish(shared, place, folder, done) == undisturbed


def test_a_worker_without_a_parent_ends_at_once(place: Place) -> None:
    long = write_clip(place.root / "long.mkv", 0, 200)
    with place.child() as child:
        child.send(restore_order({**place.request(), "input": str(long)}, place.folder(), []))
        child.until("progress")
        began = time.monotonic()
        child.close()
        child.ended()
        assert time.monotonic() - began < 5, "0.5 s and a busy machine; the job itself would take far longer"


def test_a_worker_without_a_parent_ends_while_it_still_loads(place: Place) -> None:
    with place.child() as child:
        child.close()
        assert child.ended() == 0


def test_a_job_that_has_all_its_chunks_needs_no_model(place: Place, shared: Child) -> None:
    folder = place.folder()
    done = chunks_in(run_job(shared, restore_order(place.request(), folder, [])))
    events = run_job(shared, restore_order(place.request(), folder, done))
    assert (events[-1]["event"], events[-1]["frames"]) == ("rendered", 0)
    assert chunks_in(events) == []


def test_chunks_of_another_source_are_not_gone_on_from(place: Place, shared: Child) -> None:
    folder = place.folder()
    events = run_job(shared, restore_order(place.request(), folder, []))
    done, fingerprint = chunks_in(events)[:1], of_kind(events, "started")[0]["fingerprint"]
    status = place.clip.stat()
    os.utime(place.clip, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    try:
        last = run_job(shared, restore_order(place.request(), folder, done, fingerprint=fingerprint))[-1]
        assert (last["event"], last["code"]) == ("error", "source_changed")
        assert run_job(shared, restore_order(place.request(), folder, [], fingerprint=fingerprint))[-1]["event"] == (
            "rendered"
        )
    finally:
        os.utime(place.clip, ns=(status.st_atime_ns, status.st_mtime_ns))
    last = run_job(shared, restore_order(place.request(seed=7), folder, done, fingerprint=fingerprint))[-1]
    assert last["code"] == "source_changed"
    assert finish(shared, place, folder, done) == finish(shared, place, place.folder(), [])


def test_no_chunk_is_kept_of_a_source_that_changed_after_it_was_begun(place: Place, shared: Child) -> None:
    folder = place.folder()
    status = place.clip.stat()
    shared.send(restore_order(place.request(), folder, []))
    try:
        shared.until("chunk")
        os.utime(place.clip, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
        last = shared.final()
        assert (last["event"], last["code"]) == ("error", "source_changed")
        assert len(list(folder.glob("chunk-*.json"))) < 3, "it was noticed at a border, not at the end"
    finally:
        os.utime(place.clip, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_other_settings_of_the_output_do_not_count(place: Place, shared: Child) -> None:
    folder = place.folder()
    done = chunks_in(run_job(shared, restore_order(place.request(), folder, [])))[:1]
    other = {**place.request(), "output": str(place.root / "other.mov"), "overwrite": True}
    assert run_job(shared, restore_order(other, folder, done))[-1]["event"] == "rendered"


def test_models_are_loaded_kept_and_freed_on_request(place: Place) -> None:
    with place.child() as child:
        child.send({"type": "limits", "memory_cap_bytes": 0, "reserve_bytes": 0})
        child.send({"type": "load", "model": "swift-x4", "keep_alive_seconds": -1})
        (warm,) = child.until(lambda event: event["event"] == "models" and bool(event["warm"]))["warm"]
        assert (warm["model"], warm["remaining_seconds"], warm["in_use"]) == ("swift-x4", None, False)
        child.send({"type": "load", "model": "absent-x9", "keep_alive_seconds": -1})
        error = child.until("error")
        assert (error["job"], error["code"]) == ("", "bad_model")
        child.send({"type": "unload", "model": ""})
        assert child.until("models")["warm"] == []


def test_a_model_that_cannot_be_loaded_ends_its_job_and_not_the_worker(place: Place) -> None:
    with place.child(ANSWERPRINT_FAILPOINT="load_model:oom:1") as child:
        events = run_job(child, restore_order(place.request(), place.folder(), []))
        assert (events[-1]["event"], events[-1]["code"]) == ("error", "job_failed")
        assert "does not fit" in events[-1]["message"]
        assert run_job(child, restore_order(place.request(), place.folder(), []))[-1]["event"] == "rendered"


def test_a_preview_is_a_job_like_any_other(place: Place, shared: Child) -> None:
    folder = place.root / "preview"
    preview = {**place.request(), "output": str(folder), "frame": 5, "count": 2}
    events = run_job(shared, {"type": "preview", "job": "p", "request": preview, "keep_alive_seconds": 300})
    last = events[-1]
    assert (last["event"], last["job"], last["frames"]) == ("done", "p", 2)
    assert sorted(last["files"]) == sorted(str(path) for path in folder.iterdir())
    preview = {**preview, "frame": 99}
    assert run_job(shared, {"type": "preview", "job": "p", "request": preview})[-1]["code"] == "bad_input"


@pytest.mark.skipif(os.name == "nt", reason="file modes are those of POSIX")
def test_a_folder_in_which_everyone_may_rename_is_said_and_used(place: Place, shared: Child) -> None:
    share, inner = place.root / "share", place.root / "share" / "out"
    inner.mkdir(parents=True)
    (place.root / "link").symlink_to(inner)
    share.chmod(0o777)
    preview = {**place.request(), "frame": 5, "count": 1}
    for output, said in ((inner, True), (place.root / "link", True), (place.root / "preview of mine", False)):
        order = {"type": "preview", "job": "p", "request": {**preview, "output": str(output), "overwrite": True}}
        events = run_job(shared, {**order, "keep_alive_seconds": 300})
        assert events[-1]["event"] == "done"
        warnings = [event["message"] for event in of_kind(events, "warning")]
        assert [str(share) in message and "chmod +t" in message for message in warnings] == [True] * said
    request = {**place.request(), "output": str(inner / "film.mkv")}
    assert len(of_kind(run_job(shared, restore_order(request, place.folder(), [])), "warning")) == 1


def test_a_preview_never_replaces_the_pictures_that_it_is_of(place: Place, shared: Child) -> None:
    folder = place.root / "plates"
    folder.mkdir()
    for index in range(6):
        make_png(folder / f"plates-{index:06d}.png", np.full((24, 32, 3), 9000, np.uint16))
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    preview = {
        **place.request(),
        "input": str(folder),
        "output": str(folder),
        "overwrite": True,
        "frame": 3,
        "count": 2,
    }
    last = run_job(shared, {"type": "preview", "job": "p", "request": preview, "keep_alive_seconds": 300})[-1]
    assert (last["event"], last["code"]) == ("error", "bad_output")
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


@pytest.mark.parametrize(
    "order",
    [
        {"type": "restore", "job": "x"},
        {"type": "restore", "job": "x", "request": {"input": "a"}, "scratch": "/"},
        {"type": "preview", "job": "x", "request": None},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(order: Message, shared: Child) -> None:
    last = run_job(shared, order)[-1]
    assert (last["event"], last["code"], last["job"]) == ("error", "bad_input", "x")
