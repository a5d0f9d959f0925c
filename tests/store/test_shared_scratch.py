"""Two homes may share one scratch folder, with each other and with anybody: each touches its own part alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from answerprint.errors import StorageError
from answerprint.store.folders import make_job_folder, write_job_file
from answerprint.store.journal import Journal
from answerprint.store.recovery import recover
from answerprint.store.shared_scratch import make_home_id, move_in, own_scratch
from store.builders import FRAMES, add, finish_chunks, job


def test_a_home_has_one_id_for_ever_and_two_homes_have_two(tmp_path: Path) -> None:
    first, second = make_home_id(tmp_path / "a"), make_home_id(tmp_path / "b")
    assert first != second
    assert make_home_id(tmp_path / "a") == first
    shared = tmp_path / "shared"
    assert own_scratch(shared, tmp_path / "a") == shared / f"answerprint-{first}"


def test_a_damaged_id_is_said_and_not_taken_for_a_path(tmp_path: Path) -> None:
    (tmp_path / "id").write_text("../../etc")
    with pytest.raises(StorageError, match="id"):
        make_home_id(tmp_path)
    assert own_scratch(tmp_path / "s", tmp_path) == tmp_path / "s"


def test_the_start_of_one_home_leaves_the_work_of_another_on_the_same_disk(tmp_path: Path) -> None:
    shared = tmp_path / "fast"
    places = {}
    for name in ("a", "b"):
        make_home_id(tmp_path / name)
        places[name] = own_scratch(shared, tmp_path / name)
    at_work = job()  # begun: there is no chunk yet
    write_job_file(make_job_folder(places["a"], at_work.id), at_work)
    with Journal.open(tmp_path / "b" / "state" / "journal.db") as journal:
        report = recover(journal, places["b"])
    assert (places["a"] / at_work.id / "job.json").exists()
    assert report.left == []


def test_folders_of_an_older_version_move_in_and_others_stay(tmp_path: Path) -> None:
    shared, stranger = tmp_path / "fast", job()
    make_home_id(tmp_path)
    own = own_scratch(shared, tmp_path)
    with Journal.open(tmp_path / "state" / "journal.db") as journal:
        kept = add(journal)
        finish_chunks(journal, shared, kept, 2)
        write_job_file(make_job_folder(shared, stranger.id), stranger)
        assert move_in(shared, own, [kept.id]) == [own / kept.id]
        assert move_in(shared, own, [kept.id]) == []
        assert recover(journal, own).chunks == {}
        assert journal.get(kept.id).frames_done == 2 * FRAMES
    assert (shared / stranger.id / "job.json").exists()
    assert sorted(each.name for each in shared.iterdir()) == sorted([own.name, stranger.id])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_does_not_stop_the_start(tmp_path: Path) -> None:
    scratch, theirs = tmp_path / "scratch", job().id
    make_job_folder(scratch, theirs)
    (scratch / theirs / "job.json").write_text("theirs")
    os.chown(scratch / theirs, 65534, 65534)
    with Journal.open(tmp_path / "state" / "journal.db") as journal:
        assert recover(journal, scratch).left == [scratch / theirs]
    assert (scratch / theirs / "job.json").read_text() == "theirs"
