"""The ledger, and what follows from it together with the project."""

from __future__ import annotations

import json
import threading
from dataclasses import fields, replace
from pathlib import Path

import pytest

from answerprint.errors import JournalError, StorageError
from answerprint.resolve.put_back.ledger import Ledger, LedgerLockedError, LedgerRecord
from fakes.resolve import FakeResolve
from resolve.put_back.put_back_case import JOB, make_case

RECORD = LedgerRecord(
    JOB, "/out/a.mov", "project", "timeline", "item", "track", "pool", bins=("Restored", "Restored/Reel 1"), saved=True,
    replaced={"File Path": "/in/a.mov"}, track=2, track_made=True,
)  # fmt: skip


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "new" / "folder")
    assert ledger.read(JOB) is None
    ledger.write(RECORD)
    assert ledger.read(JOB) == RECORD
    assert ledger.records() == [RECORD]
    assert {each.name for each in (tmp_path / "new" / "folder").iterdir()} == {f"{JOB}.json"}


@pytest.mark.parametrize("job", ["../../etc/passwd", "a/b", "", "x" * 300, "..", "ä"])
def test_no_job_is_written_outside_the_folder(job: str, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.write(replace(RECORD, job=job))
    assert ledger.read(job) == replace(RECORD, job=job)
    assert [each.parent for each in tmp_path.rglob("*.json")] == [tmp_path / "ledger"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"schema_version": 2}', '{"schema_version": 1}', "[" * 100_000, "null"]
)
def test_a_damaged_record_is_reported_and_the_others_are_read(text: str, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    (tmp_path / "broken.json").write_text(text)
    with pytest.raises(JournalError, match="cannot be read"):
        ledger.read("broken")
    ledger.write(RECORD)
    assert ledger.records() == [RECORD]


@pytest.mark.parametrize("name", [each.name for each in fields(LedgerRecord)])
def test_a_value_of_the_wrong_type_is_reported(name: str, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    data = RECORD.to_json()
    data[name] = None
    (tmp_path / f"{JOB}.json").write_text(json.dumps(data))
    with pytest.raises(JournalError):
        ledger.read(JOB)


def test_a_broken_disk_is_reported_and_nothing_is_half_done(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    (tmp_path / "ledger").write_text("in the way")
    with pytest.raises(StorageError):
        case.put()
    assert case.restored_clips() == []
    (tmp_path / "ledger").unlink()
    assert case.put().did == "track"


def test_two_processes_never_put_back_at_once(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    with case.ledger.locked(), pytest.raises(LedgerLockedError, match="is putting clips back"):
        case.put()
    assert case.restored_clips() == []
    assert case.put().did == "track"


def test_a_process_waits_for_another(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    case.ledger = Ledger(tmp_path / "ledger", wait_seconds=60.0)
    with case.ledger.locked():
        thread = threading.Thread(target=case.put)
        thread.start()
    thread.join(60)
    assert len(case.restored_items()) == 1


def test_two_processes_at_once_leave_one_clip(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    case.ledger = Ledger(tmp_path / "ledger", wait_seconds=60.0)
    states: list[str] = []
    threads = [threading.Thread(target=lambda: states.append(case.put().state)) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert sorted(states) == ["already", "already", "put"]
    assert (len(case.restored_clips()), len(case.restored_items())) == (1, 1)


@pytest.mark.parametrize("mode", ["pool", "track", "take"])
def test_what_the_user_removed_from_a_saved_project_stays_away(mode: str, fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode=mode)
    assert case.put().saved
    if mode == "track":
        case.timeline.remove(case.restored_items()[0])
    elif mode == "take":
        case.item.SelectTakeByIndex(1)
        case.item.DeleteTakeByIndex(2)
    else:
        fake.project.pool.DeleteClips(case.restored_clips())
    assert [case.put().state, case.put().state] == ["removed", "removed"]
    if mode != "pool":
        assert tuple(case.sees_source()) == case.before
    outcome = case.put(again=True)
    assert (outcome.state, outcome.did) == ("put", mode)
    assert len(case.restored_clips()) == 1


@pytest.mark.parametrize("mode", ["pool", "track", "take"])
def test_what_was_lost_with_an_unsaved_project_is_put_back_again(mode: str, fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode=mode)
    fake.save()
    assert not case.put(save=False).saved
    fake.restart()
    assert case.restored_clips() == []
    outcome = case.put()
    assert (outcome.state, outcome.did, outcome.saved) == ("put", mode, True)
    assert len(case.restored_clips()) == 1


def test_what_was_saved_is_there_after_a_restart(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    case.put()
    fake.restart()
    assert case.put().state == "already"
    assert tuple(case.sees_restored()) == case.before


def test_a_lost_ledger_duplicates_nothing(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    case.put()
    (tmp_path / "ledger" / f"{JOB}.json").unlink()
    assert case.put().did == "track"
    assert (len(case.restored_clips()), len(case.restored_items())) == (1, 1)
    assert tuple(case.sees_restored()) == case.before
