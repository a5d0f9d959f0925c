"""A mode is one entry of a table: one that a test adds is offered, planned, put back and undone as any other."""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser
from pathlib import Path

import pytest

from answerprint.cli.main import main
from answerprint.cli.resolve.command import add_arguments
from answerprint.errors import JournalError
from answerprint.resolve.put_back.ledger import LedgerRecord
from answerprint.resolve.put_back.modes import MODES, PutBackMode, mode_named
from answerprint.resolve.restore.settings import RestoreSettings, recall_settings, remember_settings
from fakes.resolve import FakeResolve
from pages.reading import ROOT
from resolve.put_back.put_back_case import JOB, PutBackCase, make_case
from resolve.restore.test_plan import planned
from resolve.settings_form.offers import field, form

PAGE = ROOT / "docs/adding-a-put-back-mode.md"


@pytest.fixture
def marker(monkeypatch: pytest.MonkeyPatch) -> PutBackMode:
    """The mode that the page adds, from the page's own code."""
    module, entry = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names: dict[str, object] = {"PutBackMode": PutBackMode}
    exec(compile(module, "marker.py", "exec"), names)  # noqa: S102 - our own page
    mode = eval(entry, names)  # noqa: S307
    assert isinstance(mode, PutBackMode)
    monkeypatch.setitem(MODES, mode.name, mode)
    return mode


def marked(case: PutBackCase) -> list[str]:
    """The files that markers of the original name."""
    return [str(each["note"]) for each in case.item.GetMarkers().values()]


def test_the_modes_that_projects_know_keep_their_names() -> None:
    assert list(MODES) == ["pool", "track", "take", "replace"]
    assert {name: mode.name for name, mode in MODES.items()} == {name: name for name in MODES}


def test_a_mode_is_offered_by_the_form_and_the_command_line(
    marker: PutBackMode, capsys: pytest.CaptureFixture[str]
) -> None:
    assert field(form(), "put").choices[-1] == ("marker", marker.label)
    parser = ArgumentParser(prog="answerprint resolve")
    add_arguments(parser)
    assert parser.parse_args(["restore", "--playhead", "--put", "marker"]).put == "marker"
    with pytest.raises(SystemExit):
        main(["resolve", "restore", "--help"])
    assert f"  marker   {marker.help}\n" in capsys.readouterr().out


def test_a_mode_that_is_not_there_is_not_offered(capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser(prog="answerprint resolve")
    add_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["restore", "--playhead", "--put", "marker"])
    assert "invalid choice: 'marker'" in capsys.readouterr().err


def test_a_mode_is_chosen_remembered_and_planned(marker: PutBackMode, fake: FakeResolve, tmp_path: Path) -> None:
    remember_settings(tmp_path, "project", RestoreSettings(put=marker.name))
    settings = recall_settings(tmp_path, "project")
    assert settings.put == "marker"
    make_case(fake, tmp_path)
    (one,) = planned(fake, settings).planned
    assert one.place.mode == "marker"


def test_a_mode_puts_a_clip_back_and_undoes_it(marker: PutBackMode, fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode=marker.name)
    before = fake.state()
    outcome = case.put()
    assert (outcome.state, outcome.did, outcome.warnings, outcome.saved) == ("put", "marker", (), True)
    assert marked(case) == [case.path]
    assert (len(case.restored_clips()), case.restored_items()) == (1, [])
    assert tuple(case.sees_source()) == case.before
    record = case.ledger.read(JOB)
    assert record is not None
    assert record.notes == {"marker": f"answerprint-marker:{JOB}"}
    assert LedgerRecord.from_json(json.loads(json.dumps(record.to_json()))) == record
    assert case.put().state == "already"
    assert marked(case) == [case.path]
    assert case.undo().state == "undone"
    assert (marked(case), fake.state()) == ([], before)
    assert case.put(again=True).did == "marker"


def test_what_the_user_removed_of_a_mode_stays_away(marker: PutBackMode, fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode=marker.name)
    case.put()
    case.item.markers.clear()
    assert case.put().state == "removed"
    assert marked(case) == []


def test_a_clip_that_a_mode_cannot_place_stays_in_the_media_pool(
    marker: PutBackMode, fake: FakeResolve, tmp_path: Path
) -> None:
    case = make_case(fake, tmp_path, mode=marker.name)
    case.item.AddMarker(case.place.first, "Red", "Mine", "a note", 1, "")
    outcome = case.put()
    assert outcome.did == "pool"
    assert "could not add a marker" in outcome.warnings[0]
    assert (marked(case), len(case.restored_clips())) == (["a note"], 1)
    assert case.undo().state == "undone"
    assert (marked(case), case.restored_clips()) == (["a note"], [])


def test_a_clip_put_back_in_two_modes_is_undone_in_both(marker: PutBackMode, fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode=marker.name)
    before = fake.state()
    case.put()
    assert case.put(again=True, mode="track").did == "track"
    assert (marked(case), len(case.restored_items())) == ([case.path], 1)
    case.undo()
    assert fake.state() == before


def test_a_mode_of_a_newer_version_is_reported_with_its_remedy(
    marker: PutBackMode, fake: FakeResolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newer version put a clip back; this one touches neither the clip nor what it says of it."""
    case = make_case(fake, tmp_path, mode=marker.name)
    case.put()
    record, before = case.ledger.read(JOB), fake.state()
    with monkeypatch.context() as older:
        older.delitem(MODES, marker.name)
        with pytest.raises(JournalError, match="cannot put clips back as 'marker'") as raised:
            case.put()
        assert raised.value.remedy == "Update Answerprint."
        assert (case.ledger.read(JOB), fake.state()) == (record, before)
    assert case.put().state == "already"
    assert mode_named("marker") is marker
