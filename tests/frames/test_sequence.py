"""Image sequences: found by pattern, range or folder; a gap is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerprint.errors import MediaError
from answerprint.frames import BracketRange, SequencePattern, find_sequence, names_a_sequence, same_media
from answerprint.frames.sequence import split_number


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


@pytest.mark.parametrize(
    "names", [("a.1.png", "a.02.png", "a.03.png"), ("a.1.png", "a.01.png"), ("a.001.png", "a.02.png")]
)
def test_numbers_of_several_widths_are_refused_by_name(tmp_path: Path, names: tuple[str, ...]) -> None:
    touch(tmp_path, *names)
    with pytest.raises(MediaError, match="several widths") as caught:
        find_sequence(tmp_path)
    assert sum(name in caught.value.message for name in names) == 2


def test_numbers_may_outgrow_their_padding(tmp_path: Path) -> None:
    touch(tmp_path, "a.099.png", "a.100.png", "b.txt")
    touch(tmp_path, *(f"c.{n}.txt" for n in (1, 2)))
    assert len(find_sequence(tmp_path).files) == 2
    touch(tmp_path, *(f"a.{n}.png" for n in range(101, 1002)))
    assert find_sequence(tmp_path).files[-1].name == "a.1001.png"


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


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("50%discount.mkv", None),
        ("100%done.mkv", None),
        ("50%dé.png", None),
        ("100%.png", None),
        ("a%d.png", "a7.png"),
        ("a%d_x.png", "a7_x.png"),
        ("50%done_%04d.png", "50%done_0007.png"),
        ("5%d_%04d.png", "5%d_0007.png"),
        ("%04dframe.png", "0007frame.png"),
    ],
)
def test_a_percent_sign_without_a_frame_number_is_a_character(name: str, number: str | None) -> None:
    pattern = SequencePattern.parse(Path("/50%d") / name)
    assert (pattern.file(7).name if pattern else None) == number
    assert names_a_sequence(Path("/absent") / name) is (number is not None)
    assert split_number(name) == (number and tuple(number.rsplit("0007" if "04" in name else "7", 1)))


@pytest.mark.parametrize(
    ("resolves", "ours", "same"),
    [
        ("/d/a.mov", "/d/a.mov", True),
        ("/d/a.mov", "/d/b.mov", False),
        ("", "/d/a.mov", False),
        ("/d/p.[0001-0100].exr", "/d/p.%04d.exr", True),
        ("/d/p.[1-9].exr", "/d/p.%d.exr", True),
        ("/d/p.[0001-0100].exr", "/e/p.%04d.exr", False),
        ("/d/p.[001-100].exr", "/d/p.%04d.exr", False),
        ("/d/p.0001.exr", "/d/p.%04d.exr", False),
        ("/d/p.[0001-0001].exr", "/d/p.0001.exr", True),
        ("/d/p.[0001-0100].exr", "/d/p.0001.exr", False),
        ("/d/[ab]/p.[0001-0100].exr", "/d/[ab]/p.%04d.exr", True),
        ("/d/[1-2]/p.[0001-0100].exr", "/d/[1-2]/p.%04d.exr", True),
        ("/d/p[1-2].[0001-0100].exr", "/d/p[1-2].%04d.exr", True),
        ("/x/[1-1]/a.mov", "/x/1/a.mov", False),
        ("/x/[1-1]/a.mov", "/x/%d/a.mov", False),
        ("/x/[1-1]/a.mov", "/x/[1-1]/a.mov", True),
        ("/d/p.[0001-0100].exr", "/d/p.%04d.%d.exr", False),
    ],
)
def test_file_paths_are_compared_as_resolve_writes_them(resolves: str, ours: str, same: bool) -> None:
    assert same_media(resolves, ours) is same


@pytest.mark.parametrize(
    ("path", "ends"),
    [
        ("/d/p.[0998-1002].dpx", ("/d/p.0998.dpx", "/d/p.1002.dpx")),
        ("/d/p.[8-12].dpx", ("/d/p.8.dpx", "/d/p.12.dpx")),
        ("/[1-2]/[old] p[1-2].[08-12].dpx", ("/[1-2]/[old] p[1-2].08.dpx", "/[1-2]/[old] p[1-2].12.dpx")),
        ("/d/p[1-2].%04d.dpx", None),
        ("/a/[1-2]/reel.mov", None),
        ("/a/reel [final].mov", None),
        ("/a/p.[-12].dpx", None),
        ("", None),
    ],
)
def test_the_last_bracket_of_the_file_name_is_the_range(path: str, ends: tuple[str, str] | None) -> None:
    found = BracketRange.parse(path)
    assert (found is not None) == (ends is not None)
    if found is not None:
        assert tuple(map(str, found.ends)) == ends
        assert str(found.path) == path


def test_the_range_that_is_found_is_the_one_that_is_compared(tmp_path: Path) -> None:
    """A name with two brackets once meant one thing where files are looked for, and another where they are compared."""
    names = [f"take[1-2].{number:04d}.png" for number in (7, 8)]
    touch(tmp_path, *names)
    for name in ("take[1-2].[0007-0008].png", "take[1-2].%04d.png"):
        assert [file.name for file in find_sequence(tmp_path / name).files] == names
    assert same_media(str(tmp_path / "take[1-2].[0007-0008].png"), str(tmp_path / "take[1-2].%04d.png"))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("p.%04d.png", ("p.", ".png")),
        ("p.[0001-0100].png", ("p.", ".png")),
        ("p[1-2].%d.png", ("p[1-2].", ".png")),
        ("p.0001.png", None),
        ("p.mov", None),
    ],
)
def test_a_name_is_split_at_its_frame_number(name: str, parts: tuple[str, str] | None) -> None:
    assert split_number(name) == parts
