"""Frame N is frame N, in whatever a film is stored, and in every part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerprint.errors import MediaError
from answerprint.frames import FrameRange
from answerprint.media import open_reader, probe
from answerprint.media.probe import sized_at
from answerprint.media.spacing import spacing_notices
from media.identity_films import FILMS, Film
from media.makers import make_movie, number_in, numbered_frame


@pytest.mark.parametrize("film", FILMS, ids=lambda film: f"{film.name}{film.suffix}")
def test_every_frame_shows_its_own_number(tmp_path: Path, film: Film) -> None:
    path = tmp_path / f"film{film.suffix}"
    film.make(path)
    info = probe(path)
    expected = list(film.numbers)
    assert (info.frames, info.rate) == (len(expected), film.rate)
    held = [] if info.grid is None else [n for run in info.grid.held for n in range(run.start, run.stop)]
    assert held == list(film.held)
    count = len(expected)
    for start, stop in [(0, count), (count // 3, count // 2 + 1), (count // 2, count // 2 + 1), (count - 1, count)]:
        with open_reader(info, FrameRange(start, stop)) as reader:
            read = [(frame.index, number_in(frame.picture)) for frame in reader]
            assert reader.damaged == []
        assert read == list(enumerate(expected))[start:stop]


def test_of_a_variable_rate_the_even_part_can_be_read_as_the_refusal_says(tmp_path: Path) -> None:
    path = make_movie(tmp_path / "a.mkv", 40, times=lambda n: n if n < 30 else 30 + 2 * (n - 30) ** 2)
    info = probe(path)
    with pytest.raises(MediaError, match=r"variable frame rate: .* 40 pictures, with \d+ irreg") as refused:
        open_reader(info)
    assert refused.value.remedy.endswith("--range 0:31.")
    with open_reader(info, FrameRange(4, 31)) as reader:
        assert [number_in(frame.picture) for frame in reader] == list(range(4, 31))


def test_frames_that_repeat_the_one_before_are_named_in_their_range_only(tmp_path: Path) -> None:
    info = probe(make_movie(tmp_path / "a.mkv", 20, times=lambda n: n + 2 * (n >= 9), options={"g": "1"}))
    (notice,) = spacing_notices(info, info.whole)
    assert notice.startswith("2 frames of the source have no picture")
    assert "9-10" in notice
    assert spacing_notices(info, FrameRange(0, 9)) == ()
    with open_reader(info, FrameRange(10, 12)) as reader:  # the range begins where nothing is stored
        assert [number_in(frame.picture) for frame in reader] == [8, 9]


def test_a_part_of_another_size_can_be_restored_on_its_own(tmp_path: Path) -> None:
    large = [numbered_frame(n, 128, 96) for n in range(24)]
    first = make_movie(tmp_path / "1.ts", 24, options={"g": "6", "bf": "0"}, times=lambda n: n)
    second = make_movie(tmp_path / "2.ts", large, options={"g": "6", "bf": "0"}, times=lambda n: n + 24)
    both = tmp_path / "both.ts"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    info = probe(both)
    assert (info.frames, info.width) == (48, 64)
    with open_reader(info, FrameRange(20, 30)) as reader, pytest.raises(MediaError, match=r"Frame 24 .* is 128x96"):
        list(reader)
    part = sized_at(info, 30)
    assert (part.width, part.height) == (128, 96)
    with open_reader(part, FrameRange(30, 40)) as reader:
        assert [(frame.picture.shape[1], number_in(frame.picture)) for frame in reader] == [
            (128, n - 24) for n in range(30, 40)
        ]
