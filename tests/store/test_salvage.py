"""What a damaged journal still says comes back: jobs are lost with their own bytes, and with nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from answerprint.api.job import JobState
from answerprint.errors import JournalError
from answerprint.store.journal import Journal
from answerprint.store.rebuild import rebuild
from answerprint.store.recovery import recover
from fault.damaged_journals import KINDS, damage_many, fill_journal
from store.builders import FRAMES, add, finish_chunks

PAGE = 4096


def labels(path: Path) -> list[str]:
    with Journal.open(path) as journal:
        return sorted(each.label for each in journal.page(limit=1000)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_no_job_is_lost_whose_bytes_are_there(tmp_path: Path, kind: str) -> None:
    damages = damage_many(tmp_path, kind, tries=4, seed=1, jobs=40)
    assert (damages.lost, damages.raised) == ([], [])
    assert damages.tries == 4
    assert damages.intact > 0


@pytest.mark.parametrize("length", [64, PAGE])
def test_one_damaged_page_costs_at_most_the_jobs_on_it(tmp_path: Path, length: int) -> None:
    path = tmp_path / "journal.db"
    before = sorted(fill_journal(path, 100).values())
    data = bytearray(path.read_bytes())
    leaf = next(
        start
        for start in range(PAGE, len(data), PAGE)
        if data[start] == 13 and b"restorequeued" in data[start : start + PAGE]
    )
    on_it = bytes(data[leaf : leaf + PAGE]).count(b"restorequeued")
    data[leaf : leaf + length] = b"\xff" * length
    path.write_bytes(data)
    with pytest.raises(JournalError):
        Journal.open(path)
    rebuild(path, tmp_path / "scratch")
    after = labels(path)
    assert set(after) <= set(before)
    assert len(before) - len(after) == (on_it if length == PAGE else 0)
    assert on_it > 1


def test_a_number_far_beyond_all_others_is_given_anew_at_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    fill_journal(path, 3)
    with closing(sqlite3.connect(path)) as sqlite, sqlite:
        sqlite.execute("UPDATE jobs SET number = ? WHERE number = 2", (2**46 + 1,))
    rebuild(path, tmp_path / "scratch")
    with Journal.open(path) as journal:
        assert {each.number: each.label for each in journal.page()[0]} == {
            1: "shot 00000",
            3: "shot 00002",
            4: "shot 00001",
        }
        assert add(journal).number == 5


def test_a_job_that_makes_no_sense_is_named_and_the_others_come_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    fill_journal(path, 3)
    with closing(sqlite3.connect(path)) as sqlite, sqlite:
        lost = sqlite.execute("SELECT id FROM jobs WHERE number = 2").fetchone()[0]
        sqlite.execute("UPDATE jobs SET label = ? WHERE number = 2", ('"shot',))
    report = rebuild(path, tmp_path / "scratch")
    assert report.lost == [f"job 2 ({lost})"]
    assert labels(path) == ["shot 00000", "shot 00002"]


def test_a_request_longer_than_a_page_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    fill_journal(path, 20)
    with Journal.open(path) as journal:
        request = {"input": "/film/long.mov", "output": "/out/long.mov", "note": "x" * 20_000}
        kept = add(journal, label="long", request=request)
        journal.append(kept.id, {"event": "warning", "message": "y" * 9000})
        journal.change(kept.id, when={JobState.QUEUED}, state=JobState.PAUSED)
    rebuild(path, tmp_path / "scratch")
    with Journal.open(path) as journal:
        again = journal.get(kept.id)
        assert (again.request, again.state) == (request, JobState.PAUSED)
        assert journal.events(kept.id)[1].event["message"] == "y" * 9000


def test_a_job_that_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    fill_journal(path, 60)
    with Journal.open(path) as journal:
        for each in journal.page()[0][:40]:
            journal.change(each.id, when={JobState.QUEUED}, state=JobState.CANCELLED)
            journal.delete(each.id)
    before = labels(path)
    rebuild(path, tmp_path / "scratch")
    assert labels(path) == before


def test_names_that_are_no_text_are_damage_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    fill_journal(path, 5)
    data = path.read_bytes()
    path.write_bytes(
        data.replace(b"CREATE TABLE jobs", b"CREATE TABL\xff \xfeobs").replace(b"tablejobs", b"tablej\xff\xfes")
    )
    with pytest.raises(JournalError, match="damaged"):
        Journal.open(path)
    rebuild(path, tmp_path / "scratch")
    assert len(labels(path)) == 5


@pytest.mark.parametrize("damage", ['"shot', b"\xff\xfe", 7, None])
def test_one_job_that_cannot_be_read_is_set_aside_and_the_others_go_on(tmp_path: Path, damage: object) -> None:
    path, scratch = tmp_path / "journal.db", tmp_path / "scratch"
    fill_journal(path, 3)
    with Journal.open(path) as journal:
        working = add(journal, label="working")
        finish_chunks(journal, scratch, working, 2)
    column = "label" if damage is not None else "state"  # None: a state that there is none of
    with closing(sqlite3.connect(path)) as sqlite, sqlite:
        value = "qu\0ued" if damage is None else damage
        sqlite.execute(f"UPDATE jobs SET {column} = CAST(? AS TEXT) WHERE number IN (2, 4)", (value,))  # noqa: S608
    with Journal.open(path) as journal:
        assert [each.label for each in journal.page()[0]] == ["shot 00000", "shot 00002"]
        assert len(journal.unreadable) == 2
        report = recover(journal, scratch)
        assert report.unreadable == journal.unreadable
        again = journal.get(working.id)
        assert (again.label, again.frames_done) == ("working", 2 * FRAMES)
    assert sorted(each.name for each in tmp_path.glob("*.json")) == ["journal.db.job-2.json", "journal.db.job-4.json"]
    with Journal.open(path) as journal:
        assert not journal.unreadable
