"""Image sequences: found by pattern, range or folder; a gap is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerprint.errors import MediaError
from answerprint.frames import SequencePattern, find_sequence, names_a_sequence


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


@pytest.mark.parametrize("name", ["plate.%04d.png", "plate.[0009-0011].png", ""])
def test_pattern_range_and_folder_find_the_same_pictures(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "plate.0009.png", "plate.0010.png", "plate.0011.png", "notes.txt", "plate.x.png")
    found = find_sequence(tmp_path / name)
    assert found.first == 9
    assert [file.name for file in found.files] == [f"plate.{n:04}.png" for n in (9, 10, 11)]


def test_unpadded_numbers_are_put_in_numerical_order(tmp_path: Path) -> None:
    touch(tmp_path, "f8.png", "f9.png", "f10.png")
    assert [file.name for file in find_sequence(tmp_path).files] == ["f8.png", "f9.png", "f10.png"]


@pytest.mark.parametrize("name", ["p.%04d.png", "p.[0001-0004].png", ""])
def test_the_first_missing_picture_is_named(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "p.0001.png", "p.0002.png", "p.0004.png")
    with pytest.raises(MediaError, match=r"p\.0003\.png is missing"):
        find_sequence(tmp_path / name)


def test_a_folder_of_two_sequences_asks_which(tmp_path: Path) -> None:
    touch(tmp_path, "a.1.png", "b.1.png")
    with pytest.raises(MediaError, match="several sequences"):
        find_sequence(tmp_path)


@pytest.mark.parametrize("name", ["", "p.%04d.png", "p.%04d.txt", "none/p.%04d.png", "p.[9-1].png"])
def test_no_pictures_is_an_error(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "readme.txt", "p.0001.txt")
    with pytest.raises(MediaError):
        find_sequence(tmp_path / name)


def test_a_movie_is_no_sequence(tmp_path: Path) -> None:
    touch(tmp_path, "take [1-2].mov", "a.png")
    assert not names_a_sequence(tmp_path / "take [1-2].mov")
    assert names_a_sequence(tmp_path / "a.png")
    assert names_a_sequence(tmp_path)


def test_a_pattern_names_files_and_reads_them_back() -> None:
    pattern = SequencePattern.parse(Path("/x/out.%04d.png"))
    assert pattern is not None
    assert pattern.file(12345).name == "out.12345.png"
    assert pattern.number_of("out.0007.png") == 7
    assert pattern.number_of("out.007.png") is None
    assert str(pattern) == "out.%04d.png"
