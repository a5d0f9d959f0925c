"""Outputs are checked before work starts; sources are never written to."""

from __future__ import annotations

import errno
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from answerprint.errors import InputError, OutputError
from answerprint.frames import ClipInfo, FrameRange
from answerprint.media import check_output, output_files, probe
from media.makers import make_movie, make_png

FRAMES = FrameRange(0, 2)


@pytest.fixture
def clip(tmp_path: Path) -> ClipInfo:
    folder = tmp_path / "source"
    folder.mkdir()
    return probe(make_movie(folder / "clip.mov", 2))


def test_a_free_name_in_a_writable_folder_is_fine(tmp_path: Path, clip: ClipInfo) -> None:
    check_output(tmp_path / "out.mov", "prores4444", clip, False, FRAMES)
    assert [entry.name for entry in tmp_path.iterdir()] == ["source"]  # the trial leaves nothing


def test_an_existing_output_is_refused_unless_it_may_be_replaced(tmp_path: Path, clip: ClipInfo) -> None:
    (tmp_path / "out.mov").touch()
    with pytest.raises(OutputError, match="exists") as caught:
        check_output(tmp_path / "out.mov", "prores4444", clip, False, FRAMES)
    assert "--overwrite" in caught.value.remedy
    check_output(tmp_path / "out.mov", "prores4444", clip, True, FRAMES)


@pytest.mark.parametrize("link", ["same", "symbolic", "hard", "folder"])
def test_the_source_is_never_the_output_even_through_links(tmp_path: Path, clip: ClipInfo, link: str) -> None:
    out = tmp_path / "out.mov"
    if link == "same":
        out = clip.path
    elif link == "symbolic":
        out.symlink_to(clip.path)
    elif link == "hard":
        out.hardlink_to(clip.path)
    else:
        (tmp_path / "alias").symlink_to(clip.path.parent)
        out = tmp_path / "alias" / "clip.mov"
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="source itself"):
            check_output(out, "prores4444", clip, overwrite, FRAMES)


def test_a_sequence_is_never_written_over_itself(tmp_path: Path) -> None:
    for number in (0, 1):
        make_png(tmp_path / f"p.{number:04}.png", np.zeros((8, 8, 3), np.uint16))
    info = probe(tmp_path)
    with pytest.raises(OutputError, match="source itself"):
        check_output(tmp_path / "p.%04d.png", "png", info, True, FRAMES)


def test_one_existing_picture_of_a_sequence_is_enough_to_refuse(tmp_path: Path, clip: ClipInfo) -> None:
    (tmp_path / "o.0001.png").touch()
    with pytest.raises(OutputError, match=r"o\.0001\.png already exists"):
        check_output(tmp_path / "o.%04d.png", "png", clip, False, FRAMES)
    check_output(tmp_path / "o.%04d.png", "png", clip, False, FrameRange(0, 1))


def test_a_missing_folder_and_a_folder_as_output_are_refused(tmp_path: Path, clip: ClipInfo) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        check_output(tmp_path / "no" / "out.mov", "prores4444", clip, False, FRAMES)
    (tmp_path / "dir.mov").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        check_output(tmp_path / "dir.mov", "prores4444", clip, True, FRAMES)


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_that_takes_no_file_is_refused_also_for_root(
    tmp_path: Path, clip: ClipInfo, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(OutputError, match="cannot be written"):
        check_output(tmp_path / "out.mov", "prores4444", clip, False, FRAMES)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system that takes no files")
def test_a_real_folder_that_takes_no_file_is_refused(clip: ClipInfo) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        check_output("/proc/self/out.mov", "prores4444", clip, False, FRAMES)


@pytest.mark.parametrize(("name", "codec"), [("o.mov", "av2"), ("o.mkv", "prores4444"), ("o.png", "png")])
def test_codec_and_name_must_agree(tmp_path: Path, clip: ClipInfo, name: str, codec: str) -> None:
    with pytest.raises(InputError):
        check_output(tmp_path / name, codec, clip, False, FRAMES)


def test_the_files_of_an_output_are_known_beforehand(tmp_path: Path) -> None:
    source = ClipInfo(Path("/p"), "sequence", 8, 8, Fraction(24), 50, start_number=1001)
    files = output_files(tmp_path / "o.%04d.png", "png", source, FrameRange(5, 7))
    assert [file.name for file in files] == ["o.1006.png", "o.1007.png"]
