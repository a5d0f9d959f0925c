"""A list becomes jobs: as many as it needs, quickly, and one piece without a place keeps no other from its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import pytest

from answerprint.errors import InputError
from answerprint.frames.codec_choice import LIKE_SOURCE
from answerprint.resolve.edit_lists import EditList, read_list
from answerprint.resolve.restore import edit_list
from answerprint.resolve.restore.edit_list import jobs_of_list
from answerprint.resolve.restore.output_names import folder_for
from answerprint.resolve.restore.settings import RestoreSettings
from resolve.edit_lists.long import long_list, probe


def read(folder: Path, names: Sequence[str], pieces: int) -> EditList:
    """A list of so many pieces of these files."""
    return read_list(long_list(folder, names, pieces), probe=probe, media=folder, rate=Fraction(25))


def counting(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> list[int]:
    """How often something is called."""
    calls, real = [0], getattr(owner, name)

    def counted(*arguments: object) -> object:
        calls[0] += 1
        return real(*arguments)

    monkeypatch.setattr(owner, name, counted)
    return calls


def test_what_is_of_the_whole_list_is_done_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For each piece all of the list was hashed, its folder looked at and its settings read."""
    edit = read(tmp_path / "media", ["a.mov", "b.mov"], 600)
    watched: list[list[int]] = [counting(monkeypatch, edit_list, name) for name in ("list_key", "folder_for")]
    made, refused = jobs_of_list(edit, RestoreSettings(handles=0, settings={"steps": 1}))
    assert (len(made), refused) == (600, [])
    assert [calls for (calls,) in watched] == [1, 1]
    assert len({job.request["output"] for _, job in made}) == 600
    assert {job.request["input"] for _, job in made} == {str(edit.path.parent / name) for name in ("a.mov", "b.mov")}
    assert {job.request["steps"] for _, job in made} == {1}


def test_how_files_are_written_counts_for_lists_too(tmp_path: Path) -> None:
    edit = read(tmp_path / "media", ["a.mov"], 1)
    ((_, job),), _ = jobs_of_list(edit, RestoreSettings(codec=LIKE_SOURCE, audio=False, sidecar=True))
    assert (job.request["codec"], job.request["sidecar"], job.clip.audio) == (LIKE_SOURCE, True, False)
    assert job.request["interpret"]["sound"] == "no"


@pytest.mark.parametrize("joined", [True, False])
def test_pieces_that_touch_are_one_job_of_them_all(joined: bool, tmp_path: Path) -> None:
    edit = read(tmp_path / "media", ["a.mov"], 300)
    made, _ = jobs_of_list(edit, RestoreSettings(handles=100 if joined else 0))
    assert [len(master.entries) for master, _ in made] == ([300] if joined else [1] * 300)


def test_a_piece_without_a_place_keeps_no_other_from_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Path] = folder_for

    def refusing(source: Path, *rest: object) -> Path:
        if source.parent.name == "full":
            raise InputError("No room.", "Make some.")
        return real(source, *rest)

    edit = read(tmp_path / "media", ["a.mov", "full/b.mov"], 4)
    monkeypatch.setattr(edit_list, "folder_for", refusing)
    made, refused = jobs_of_list(edit, RestoreSettings(handles=0))
    assert [master.path.name for master, _ in made] == ["a.mov", "a.mov"]
    assert [(master.path.name, error.message) for master, error in refused] == [("b.mov", "No room.")] * 2


def test_settings_that_no_restoration_has_are_one_error(tmp_path: Path) -> None:
    edit = read(tmp_path / "media", ["a.mov"], 2)
    for wishes in (RestoreSettings(codec="nothing"), RestoreSettings(settings={"nothing": 1})):
        with pytest.raises(InputError, match="nothing"):
            jobs_of_list(edit, wishes)
