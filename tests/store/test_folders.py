"""The folder of a job: for its owner alone, and gone without a trace of anything else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from answerprint.api.clip_ref import ClipRef
from answerprint.errors import StorageError
from answerprint.store import quota
from answerprint.store.folders import job_folder, make_job_folder, read_waiting_job, remove_job_folder, write_job_file
from answerprint.store.receipts import DamagedChunkError
from store.builders import job, write_chunk


@pytest.mark.parametrize("bad", ["", "..", "a/b", "/etc", "ABCDEF00-0000-4000-8000-000000000000"])
def test_what_is_no_id_never_becomes_a_path(tmp_path: Path, bad: str) -> None:
    with pytest.raises(ValueError, match="not a job id"):
        job_folder(tmp_path, bad)


@pytest.mark.skipif(os.name == "nt", reason="file modes are those of POSIX")
def test_a_job_s_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    record = job()
    folder = make_job_folder(tmp_path / "scratch", record.id)
    write_job_file(folder, record)
    modes = [path.stat().st_mode & 0o777 for path in (folder.parent, folder, folder / "job.json")]
    assert modes == [0o700, 0o700, 0o600]
    folder.chmod(0o755)
    make_job_folder(tmp_path / "scratch", record.id)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_link_in_place_of_a_job_s_folder_is_refused(tmp_path: Path) -> None:
    record = job()
    (tmp_path / "theirs").mkdir()
    (tmp_path / record.id).symlink_to(tmp_path / "theirs")
    with pytest.raises(StorageError):
        make_job_folder(tmp_path, record.id)
    assert remove_job_folder(tmp_path, record.id).left == [tmp_path / record.id]
    assert (tmp_path / "theirs").is_dir()


def test_a_removed_folder_says_what_it_freed(tmp_path: Path) -> None:
    record = job()
    write_chunk(tmp_path, record.id, 0)
    size = sum(file.stat().st_size for file in (tmp_path / record.id).iterdir())
    removal = remove_job_folder(tmp_path, record.id)
    assert (removal.bytes, removal.left) == (size, [])
    assert size > 0
    assert list(tmp_path.iterdir()) == []
    assert remove_job_folder(tmp_path, record.id).bytes == 0


def test_what_was_asked_for_comes_back(tmp_path: Path) -> None:
    record = job("a \udcff name", clip=ClipRef(reel="A"), lane="cuda:1", priority=-3, not_before=1e9)
    folder = make_job_folder(tmp_path, record.id)
    write_job_file(folder, record)
    assert read_waiting_job(folder) == record


@pytest.mark.parametrize(
    "change", [{"id": "other"}, {"request": 3}, {"kind": "explode"}, {"number": "one"}, {"clip": None}, None]
)
def test_what_does_not_say_what_was_asked_for_is_refused(tmp_path: Path, change: dict[str, object] | None) -> None:
    record = job()
    folder = make_job_folder(tmp_path, record.id)
    write_job_file(folder, record)
    path = folder / "job.json"
    path.write_text("[" * 10_000 if change is None else json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DamagedChunkError):
        read_waiting_job(folder)


def test_the_room_of_a_folder_that_is_not_there_yet_is_that_of_its_place(tmp_path: Path) -> None:
    assert quota.room(tmp_path / "a" / "b") > 0


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1500, "1.5 kB"),
        (12_000_000, "12 MB"),
        (1_400_000_000, "1.4 GB"),
        (10**16, "10000 TB"),
    ],
)
def test_sizes_are_told_as_people_read_them(size: int, text: str) -> None:
    assert quota.size_text(size) == text
