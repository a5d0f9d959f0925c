from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from answerprint.errors import InputError
from answerprint.frames.codec_choice import LIKE_SOURCE
from answerprint.frames.sequence import names_a_sequence
from answerprint.resolve.restore import output_names
from answerprint.resolve.restore.output_names import Taken, folder_for, restored_path
from answerprint.resolve.restore.settings import RestoreSettings, recall_settings, remember_settings


def test_a_restored_file_never_takes_a_name_that_is_taken(tmp_path: Path) -> None:
    first = restored_path(tmp_path, "A001_C002.mov", ())
    assert first.name == "A001_C002_restored_v01.mov"
    first.write_bytes(b"")
    queued = str(tmp_path / "A001_C002_restored_v02.mov")
    assert restored_path(tmp_path, "A001_C002.mov", {queued}).name == "A001_C002_restored_v03.mov"


@pytest.mark.parametrize(
    ("name", "coding", "suffix"),
    [
        ("a.mov", "prores", ".mov"), ("a.mp4", "h264", ".mp4"), ("a.MOV", "h264", ".mov"), ("a.mxf", "dnxhd", ".mxf"),
        ("a.avi", "ffv1", ".mkv"), ("a.mpg", "mpeg2video", ".mov"), ("a", "", ".mov"), ("a.dpx", "dpx", ".dpx"),
    ],
)  # fmt: skip
def test_a_codec_of_the_source_s_kind_gives_the_file_its_ending(
    tmp_path: Path, name: str, coding: str, suffix: str
) -> None:
    path = restored_path(tmp_path, name, (), LIKE_SOURCE, coding)
    assert path.suffix == suffix
    assert names_a_sequence(path) is (suffix == ".dpx")


def test_a_dangling_link_is_a_name_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a_restored_v01.mov").symlink_to(tmp_path / "nowhere")
    assert restored_path(tmp_path, "a", ()).name == "a_restored_v02.mov"


def test_thousands_of_pieces_of_one_file_get_their_names_in_as_many_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each began with the first version, and a list of 200,000 events took a night to plan."""
    looks: list[object] = []

    def looked(path: object) -> bool:
        looks.append(path)
        return False

    monkeypatch.setattr("os.path.lexists", looked)
    taken, pieces = Taken(), 3000
    for _ in range(pieces):
        taken.add(str(restored_path(tmp_path, "a.mov", taken)))
    assert len(taken) == pieces
    assert len(looks) <= 2 * pieces


def test_a_folder_for_pictures_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="Could not create"):
        restored_path(tmp_path / "file", "a.png", (), "png")


def test_pictures_get_a_folder_of_their_own(tmp_path: Path) -> None:
    path = restored_path(tmp_path, "plate.[0001-0100].png", (), "png")
    assert path.parent.is_dir()
    assert path.name.endswith(".%06d.png")
    assert restored_path(tmp_path, "plate.[0001-0100].png", (), "png").parent != path.parent


@pytest.mark.parametrize("name", ["a/b:c*?.mov", "  ", "..", "Ünder 100%.mov", "x" * 400])
def test_any_name_in_resolve_gives_a_name_that_every_system_takes(tmp_path: Path, name: str) -> None:
    path = restored_path(tmp_path, name, ())
    assert path.parent == tmp_path
    assert "%" not in path.name
    path.write_bytes(b"")


def test_what_lies_where_nothing_can_be_written_goes_to_the_films_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_names, "_films", lambda: tmp_path / "films")
    card = tmp_path / "card"
    card.write_bytes(b"no folder")
    assert folder_for(card / "a.mov", "Film: 1") == tmp_path / "films" / "Answerprint" / "Film_1"
    with pytest.raises(InputError, match="--folder"):
        folder_for(card / "a.mov", "Film", card / "b")


def test_a_project_remembers_how_its_clips_are_restored(tmp_path: Path) -> None:
    wishes = RestoreSettings(
        put="track", handles=12, codec=LIKE_SOURCE, audio=False, sidecar=True,
        settings={"model": "tiny-x4", "steps": 3}, priority=5, not_before=7.0,
    )  # fmt: skip
    remember_settings(tmp_path / "w", "p1", wishes)
    kept = recall_settings(tmp_path / "w", "p1")
    assert (kept.put, kept.handles, kept.settings) == ("track", 12, {"model": "tiny-x4", "steps": 3})
    assert (kept.codec, kept.audio, kept.sidecar) == (LIKE_SOURCE, False, True)
    assert (kept.priority, kept.not_before) == (0, None)
    assert recall_settings(tmp_path / "w", "p2") == RestoreSettings()


def test_what_an_earlier_program_kept_is_read(tmp_path: Path) -> None:
    name = f"wishes-{hashlib.sha256(b'p').hexdigest()[:16]}.json"
    (tmp_path / name).write_text(
        '{"codec": "prores4444", "disable": true, "handles": 8, "put": "track", "settings": {}}'
    )
    assert recall_settings(tmp_path, "p") == RestoreSettings(put="track", handles=8, disable=True)


@pytest.mark.parametrize("text", ["", "[]", "null", '{"put": "nowhere"}', '{"settings": 3}', '{"handles": -1}', "{"])
def test_settings_that_cannot_be_read_are_the_defaults(tmp_path: Path, text: str) -> None:
    remember_settings(tmp_path, "p", RestoreSettings(put="track"))
    (file,) = tmp_path.iterdir()
    file.write_text(text)
    assert recall_settings(tmp_path, "p") == RestoreSettings()


def test_a_long_name_fits_on_a_file_system_in_every_script(tmp_path: Path) -> None:
    path = restored_path(tmp_path, "映" * 200 + ".mov", ())
    path.touch()
    assert path.name.startswith("映" * 60)
