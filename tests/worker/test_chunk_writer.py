"""A chunk is on disk whole or not at all, and what the disk does is said so that the job can go on."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from answerprint.errors import DiskFullError, JobFailedError, StorageError
from answerprint.flow.prepare import prepare
from answerprint.frames import FrameRange
from answerprint.media import probe
from answerprint.media.segment import SegmentReader
from answerprint.pipeline.clip_state import ClipState
from answerprint.pipeline.restore_clip import RestoredChunk
from answerprint.store import atomic, failpoints
from answerprint.store.receipts import ChunkReceipt, carry_path, find_damage, read_receipt, receipt_path, segment_path
from answerprint.temporal.sampler import CARRIED, CarriedState
from answerprint.worker import chunk_writer as scratch_module
from answerprint.worker.chunk_writer import ChunkWriter
from answerprint.worker.lost_chunks import LostChunkError
from answerprint.worker.memory_fallbacks import ChunkSettings
from worker.children import JOB
from worker.clips import frame_of, frames_of, write_clip

RECIPE = ChunkSettings(4, 160, 0, 0)
STEPS = ("segment_before_fsync", "segment_after_rename", "carry_after_rename", "before_receipt", "after_receipt")


@pytest.fixture
def scratch(tmp_path: Path) -> ChunkWriter:
    folder = tmp_path / JOB
    folder.mkdir(mode=0o700)
    return ChunkWriter(folder, JOB, "fingerprint", Fraction(24), 1 << 20)


@pytest.fixture(autouse=True)
def no_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(failpoints.VARIABLE, raising=False)
    monkeypatch.delenv(failpoints.ONCE_VARIABLE, raising=False)
    failpoints.reset()


def chunk(number: int, first: int = 0, stop: int = 4, *, opens: bool = True) -> RestoredChunk:
    frames = frames_of(first, stop)
    last = prepare(frames[-1].picture)
    carry = CarriedState(first + 2, {0: torch.ones(3, 8, 8, dtype=CARRIED)}, {})
    state = ClipState(number + 1, stop, last, (first + 2, last), (carry,))
    return RestoredChunk(number, opens, FrameRange(first, stop), frames, state)


def litter(scratch: ChunkWriter) -> list[str]:
    return [path.name for path in scratch.folder.iterdir() if atomic.is_temporary(path.name)]


def assert_whole(scratch: ChunkWriter, receipt: ChunkReceipt) -> None:
    assert not find_damage(scratch.folder, receipt)
    assert read_receipt(receipt_path(scratch.folder, receipt.chunk)) == receipt
    assert len(list(SegmentReader(scratch.folder, receipt).frames())) == receipt.stop - receipt.first
    assert litter(scratch) == []


def test_a_chunk_is_its_segment_what_it_hands_on_and_a_receipt_of_both(scratch: ChunkWriter) -> None:
    receipt = scratch.commit(chunk(3, 12, 16, opens=False), RECIPE, last=False)
    assert (receipt.job, receipt.chunk, receipt.first, receipt.stop) == (JOB, 3, 12, 16)
    assert receipt.fingerprint == "fingerprint"
    assert receipt.recipe == {
        "chunk": 4, "tile_cells": 160, "batch": 0, "rung": 0, "dtype": "float32", "opens_shot": False,
    }  # fmt: skip
    assert_whole(scratch, receipt)
    for path in (segment_path(scratch.folder, 3), carry_path(scratch.folder, 3), receipt_path(scratch.folder, 3)):
        assert os.name == "nt" or path.stat().st_mode & 0o077 == 0


def test_the_last_chunk_hands_nothing_on(scratch: ChunkWriter) -> None:
    receipt = scratch.commit(chunk(0), RECIPE, last=True)
    assert receipt.carry is None
    assert not carry_path(scratch.folder, 0).exists()
    assert_whole(scratch, receipt)


def test_the_same_pictures_are_the_same_file(scratch: ChunkWriter) -> None:
    one = scratch.commit(chunk(0), RECIPE, last=False)
    other = scratch.commit(chunk(0), RECIPE, last=False)
    assert one == other


@pytest.mark.parametrize("step", STEPS)
def test_a_full_disk_says_how_much_is_needed_and_where(
    step: str, scratch: ChunkWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(failpoints.VARIABLE, f"{step}:raise-enospc")
    with pytest.raises(DiskFullError) as failure:
        scratch.commit(chunk(0), RECIPE, last=False)
    assert failure.value.needed_bytes > 1 << 20
    assert failure.value.folder == str(scratch.folder)
    assert litter(scratch) == []
    receipt = scratch.commit(chunk(0), RECIPE, last=False)
    assert_whole(scratch, receipt)


@pytest.mark.parametrize("step", STEPS)
def test_a_failure_of_the_disk_is_met_with_another_file_once(
    step: str, scratch: ChunkWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(failpoints.VARIABLE, f"{step}:raise-eio")
    receipt = scratch.commit(chunk(0), RECIPE, last=False)
    assert_whole(scratch, receipt)


@pytest.mark.parametrize("step", STEPS)
def test_a_second_failure_is_the_end_until_the_disk_is_well(
    step: str, scratch: ChunkWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(failpoints.VARIABLE, f"{step}:raise-eio:1,{step}:raise-eio:2")
    with pytest.raises(StorageError) as failure:
        scratch.commit(chunk(0), RECIPE, last=False)
    assert not isinstance(failure.value, DiskFullError)
    assert litter(scratch) == []
    receipt = scratch.commit(chunk(0), RECIPE, last=False)
    assert_whole(scratch, receipt)


def test_a_file_whose_sync_failed_is_given_up(scratch: ChunkWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second fsync may report success for data that the first one lost."""
    made: list[str] = []
    failed: list[int] = []
    real_fsync, real_name = os.fsync, atomic.temporary_name

    def fsync(descriptor: int) -> None:
        if not failed:
            failed.append(len(made))
            raise OSError(errno.EIO, "Input/output error")
        real_fsync(descriptor)

    def name() -> str:
        made.append(real_name())
        return made[-1]

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(atomic, "temporary_name", name)
    receipt = scratch.commit(chunk(0), RECIPE, last=True)
    assert failed == [1]
    assert len(set(made)) == 3, "two for the segment, one for the receipt"
    assert_whole(scratch, receipt)


def test_room_is_looked_for_before_a_chunk(scratch: ChunkWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch.commit(chunk(0), RECIPE, last=False)
    assert scratch.expected_bytes == sum(
        path.stat().st_size for path in (segment_path(scratch.folder, 0), carry_path(scratch.folder, 0))
    )
    monkeypatch.setattr(scratch_module, "room", lambda folder: scratch.expected_bytes)
    with pytest.raises(DiskFullError) as failure:
        scratch.check_room()
    assert failure.value.needed_bytes > scratch.expected_bytes
    monkeypatch.setattr(scratch_module, "room", lambda folder: failure.value.needed_bytes)
    scratch.check_room()


def test_a_clip_goes_on_from_the_state_of_its_last_chunk(scratch: ChunkWriter, tmp_path: Path) -> None:
    info = probe(write_clip(tmp_path / "clip.mkv", 0, 12))
    made = chunk(0)
    receipt = scratch.commit(made, RECIPE, last=False)
    state = scratch.resume(receipt, info, FrameRange(0, 12))
    assert (state.chunk, state.frame) == (1, 4)
    assert state.last.content_hash == made.state.last.content_hash


def harm(scratch: ChunkWriter, receipt: ChunkReceipt, how: str) -> ChunkReceipt:
    path = carry_path(scratch.folder, receipt.chunk)
    if how == "gone":
        path.unlink()
    elif how == "bit":
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    else:
        return replace(receipt, carry=None)
    return receipt


@pytest.mark.parametrize("how", ["gone", "bit", "never"])
def test_where_a_shot_ends_nothing_has_to_be_handed_on(how: str, scratch: ChunkWriter, tmp_path: Path) -> None:
    info = probe(write_clip(tmp_path / "clip.mkv", 0, 12, (4,)))
    receipt = scratch.commit(chunk(0), RECIPE, last=False)
    state = scratch.resume(harm(scratch, receipt, how), info, FrameRange(0, 12))
    assert (state.chunk, state.frame, state.carries) == (1, 4, ())


@pytest.mark.parametrize("how", ["gone", "bit", "never"])
def test_within_a_shot_its_chunks_have_to_be_made_again(how: str, scratch: ChunkWriter, tmp_path: Path) -> None:
    """From the one that opened the shot: those before it stay."""
    info = probe(write_clip(tmp_path / "clip.mkv", 0, 20, (4,)))
    scratch.commit(chunk(0), RECIPE, last=False)
    scratch.commit(chunk(1, 4, 8, opens=True), RECIPE, last=False)
    scratch.commit(chunk(2, 8, 12, opens=False), RECIPE, last=False)
    last = scratch.commit(chunk(3, 12, 16, opens=False), RECIPE, last=False)
    with pytest.raises(LostChunkError) as failure:
        scratch.resume(harm(scratch, last, how), info, FrameRange(0, 20))
    assert failure.value.code == "damaged_chunk"
    assert failure.value.details == {"chunk": 1}


def test_one_process_at_a_time_works_in_a_folder_and_a_dying_one_is_waited_for(scratch: ChunkWriter) -> None:
    program = (
        "import sys; from pathlib import Path; from answerprint.store.lock import InstanceLock\n"
        "lock = InstanceLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(scratch.folder / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(JobFailedError, match="still working"), scratch.locked(0.0):
            pass

        def die(seconds: float) -> None:
            holder.kill()
            holder.wait()

        scratch.sleep = die  # while it is waited for
        with scratch.locked(60.0):
            pass
    with scratch.locked(0.0):
        pass


def test_frames_far_outside_come_back_as_they_are(scratch: ChunkWriter) -> None:
    made = chunk(0)
    frame = frame_of(0)
    frame.picture[:2, :2] = (5.0, -60.0, 60.5)
    receipt = scratch.commit(replace(made, frames=[frame, *list(made)[1:]]), RECIPE, last=False)
    assert np.array_equal(SegmentReader(scratch.folder, receipt).frame(0).picture, frame.picture)
