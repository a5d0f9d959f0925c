"""Interlaced sources: every frame comes out whole, under its own number, whatever part of the clip is read."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from answerprint.api.clip_ref import ClipRef
from answerprint.errors import InputError
from answerprint.frames import Cadence, ClipInfo, FieldOrder, FrameRange
from answerprint.frames.cadence import stored_range
from answerprint.media import find_fields, found_fields, open_reader, probe, remember_fields
from answerprint.media.combing import Brightness, combing
from media.interlace import Picture, fidelity, film, interlaced, moments, pulled_down
from media.makers import fill, make_movie, make_png, number_in

WIDTH, HEIGHT = 96, 64
STEP = 4  # px that the bar moves from field to field


def _bar(field: int) -> NDArray[np.uint8]:
    """A bright bar on dark, further right in each field."""
    picture = np.full((HEIGHT, WIDTH), 40, np.uint8)
    picture[:, STEP * field : STEP * field + 12] = 200
    return picture


def _interlaced(path: Path, frames: int = 8, *, top: bool = True) -> Path:
    """A film whose fields were taken one after the other."""
    made = []
    for n in range(frames):
        first, second = _bar(2 * n), _bar(2 * n + 1)
        luma = np.empty_like(first)
        luma[0::2], luma[1::2] = (first[0::2], second[1::2]) if top else (second[0::2], first[1::2])
        frame = VideoFrame(WIDTH, HEIGHT, "yuv422p")
        fill(frame, 0, luma)
        for plane in (1, 2):
            fill(frame, plane, np.full((HEIGHT, WIDTH // 2), 128, np.uint8))
        made.append(frame)
    options = {"flags": "+ildct+ilme", "top": "1" if top else "0"}
    return make_movie(path, made, codec="mpeg2video", options=options | {"qscale": "2", "b": "20M"})


def _combing(picture: NDArray[np.float32]) -> float:
    """How much neighbouring lines differ: high where two moments lie in one picture."""
    luma = picture.mean(2)
    return float(np.abs(np.diff(luma, axis=0)).mean())


def _left_edge(picture: NDArray[np.float32]) -> float:
    luma = picture.mean(2).mean(0)
    return float(np.argmax(luma > 0.4))


@pytest.mark.parametrize("top", [True, False])
def test_each_frame_comes_out_whole_and_in_its_place(tmp_path: Path, top: bool) -> None:
    info = replace(
        probe(_interlaced(tmp_path / "f.mkv", top=top)),
        field_order=FieldOrder.TOP_FIRST if top else FieldOrder.BOTTOM_FIRST,
    )
    with open_reader(info) as reader:
        whole = list(reader)
    with open_reader(replace(info, field_order=FieldOrder.PROGRESSIVE)) as reader:
        combed = list(reader)
    assert [frame.index for frame in whole] == list(range(8))
    for one, other in zip(whole, combed, strict=True):
        assert _combing(one.picture) < _combing(other.picture) / 3
        # It is the moment of the first field.
        assert abs(_left_edge(one.picture) - 2 * STEP * one.index) <= 1


WAYS = {
    "frame": ClipRef(fields=FieldOrder.TOP_FIRST),
    "each": ClipRef(fields=FieldOrder.MIXED),
    "field": ClipRef(fields=FieldOrder.TOP_FIRST, deinterlace="field"),
    "each field": ClipRef(fields=FieldOrder.MIXED, deinterlace="field"),
    "matched": ClipRef(fields=FieldOrder.TOP_FIRST),
    "film": ClipRef(fields=FieldOrder.TOP_FIRST, telecine="auto"),
}


@pytest.mark.parametrize("stills", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_a_part_of_a_clip_gives_the_same_frames_as_all_of_it(way: str, stills: bool, tmp_path: Path) -> None:
    slow = moments(16, step=1)
    frames = [*interlaced(slow[:8]), *slow[8:12], *interlaced(slow[8:])]
    telecined = way in ("matched", "film")
    if telecined:
        frames = pulled_down(slow[:-1])
        assert len(frames) % 5
    if stills:
        for number, frame in enumerate(frames):
            make_png(tmp_path / f"f{number:04}.png", np.repeat(frame[..., None].astype(np.uint16) * 257, 3, axis=2))
    source = tmp_path / "f%04d.png" if stills else film(tmp_path / "f.mkv", frames, flag="top")
    info = WAYS[way].interpret(replace(probe(source), telecined=telecined))
    with open_reader(info) as reader:
        whole = list(reader)
    assert [frame.index for frame in whole] == list(range(info.frames))
    for start, stop in ((0, 1), (1, 3), (4, 7), (info.frames - 2, info.frames), (5, info.frames)):
        with open_reader(info, FrameRange(start, stop)) as reader:
            part = list(reader)
        assert [frame.index for frame in part] == list(range(start, stop))
        for one, other in zip(part, whole[start:stop], strict=True):
            np.testing.assert_array_equal(one.picture, other.picture)


@pytest.mark.parametrize("kind", ["top", "bottom", "mixed"])
def test_field_rate_gives_each_field_its_own_frame(kind: str, tmp_path: Path) -> None:
    slow = moments(24, step=1)
    frames = interlaced(slow, top=kind != "bottom")
    truth = [*slow]
    if kind == "mixed":
        whole = [255 - picture for picture in slow[:12]]
        frames, truth = [*frames, *whole], [*truth, *(picture for picture in whole for _ in range(2))]
    stored = find_fields(probe(film(tmp_path / "f.mkv", frames)))
    info = ClipRef(deinterlace="field").interpret(stored)
    assert (info.frames, info.rate, info.start_timecode) == (2 * len(frames), Fraction(50), "10:00:00:10")
    assert (info.stored, info.cadence) == (stored, Cadence.FIELD)
    assert _fidelity(info, truth) > _fidelity(stored, truth[::2]) - 1.5
    assert _fidelity(info, truth) > 25


@pytest.mark.parametrize("top", [True, False])
@pytest.mark.parametrize("count", [32, 31])
def test_film_with_pulldown_gets_its_whole_frames_back(count: int, top: bool, tmp_path: Path) -> None:
    pictures = moments(count, step=2)
    frames = pulled_down(pictures, top=top)
    stored = find_fields(probe(film(tmp_path / "f.mkv", frames, rate=Fraction(30000, 1001))))
    assert (stored.telecined, stored.field_order) == (True, FieldOrder.TOP_FIRST if top else FieldOrder.BOTTOM_FIRST)
    assert "Film with 3:2 pulldown (" in stored.fields_found

    kept = ClipRef().interpret(stored)
    assert (kept.cadence, kept.frames, kept.rate) == (Cadence.MATCHED, len(frames), Fraction(30000, 1001))
    shown = [pictures[4 * (n // 5) + (0, 1, 1, 2, 3)[n % 5]] for n in range(len(frames))]
    assert _fidelity(kept, shown) > 60, "nothing is filled in"

    own = ClipRef(telecine="auto").interpret(stored)
    assert (own.cadence, own.rate, own.start_timecode) == (Cadence.FILM, Fraction(24000, 1001), "10:00:00:04")
    assert own.frames == 4 * (len(frames) // 5) + len(frames) % 5
    whole = len(frames) // 5 * 4
    with open_reader(own, FrameRange(0, whole)) as reader:
        assert fidelity(reader, pictures[:whole]) > 60


def test_film_is_found_under_noise_and_where_it_is_flagged_as_interlaced(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 3, (40, 48, 64))
    pictures = moments(40, step=3)
    frames = [np.clip(a + b, 0, 255).astype(np.uint8) for a, b in zip(pulled_down(pictures), noise, strict=False)]
    stored = find_fields(probe(film(tmp_path / "f.mkv", frames, flag="top", rate=Fraction(30000, 1001))))
    assert stored.telecined
    assert _fidelity(ClipRef(telecine="auto").interpret(stored), pictures[:32]) > 36, "no more is lost than noise"


@pytest.mark.parametrize("is_film", [True, False])
def test_film_is_found_by_its_combed_frames_where_detail_hides_the_whole_ones(
    is_film: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsure(before: Brightness | None, picture: Brightness, after: Brightness | None) -> FieldOrder | None:
        found = combing(before, picture, after)
        return None if found is FieldOrder.PROGRESSIVE else found

    monkeypatch.setattr(sys.modules["answerprint.media.find_fields"], "combing", unsure)
    frames = pulled_down(moments(24)) if is_film else interlaced(moments(60))
    path = film(tmp_path / "a.mkv", frames, rate=Fraction(30000, 1001))
    assert find_fields(probe(path)).telecined is is_film


def test_no_frames_are_left_out_of_what_is_no_film(tmp_path: Path) -> None:
    rate = Fraction(30000, 1001)
    for name, frames in {
        "video": interlaced(moments(48)),
        "whole": moments(24),
        "both": [*pulled_down(moments(12)), *interlaced(moments(40))],
        "still": [moments(1)[0]] * 24,
    }.items():
        stored = find_fields(probe(film(tmp_path / f"{name}.mkv", frames, rate=rate)))
        info = ClipRef(telecine="auto").interpret(stored)
        assert (info.telecined, info.frames) == (False, len(frames)), name
    assert not find_fields(probe(film(tmp_path / "25.mkv", pulled_down(moments(30))))).telecined, "at 25 a second"


def test_film_with_flags_that_repeat_fields_has_its_own_frames_and_rate(tmp_path: Path) -> None:
    fields = Fraction(60000, 1001)
    info = probe(make_movie(tmp_path / "f.mkv", 30, rate=fields, codec="mpeg2video", times=lambda n: (5 * n + 1) // 2))
    assert (info.frames, info.rate) == (30, Fraction(24000, 1001))
    for start in (0, 7, 28):
        with open_reader(info, FrameRange(start, 30)) as reader:
            assert [(frame.index, number_in(frame.picture)) for frame in reader] == [(n, n) for n in range(start, 30)]


def test_a_range_of_film_holds_all_that_the_frames_of_video_show(tmp_path: Path) -> None:
    stored = find_fields(probe(film(tmp_path / "f.mkv", pulled_down(moments(32)), rate=Fraction(30000, 1001))))
    for text, frames in ((None, FrameRange(0, 32)), ("5:10", FrameRange(4, 8)), ("7:8", FrameRange(5, 7))):
        clip = ClipRef(range=text, telecine="auto")
        info = clip.interpret(stored)
        assert clip.frames(info) == frames
    assert stored_range(info, FrameRange(4, 8)) == FrameRange(5, 10)


def test_ranges_are_in_frames_of_the_source(tmp_path: Path) -> None:
    stored = find_fields(probe(film(tmp_path / "f.mkv", interlaced(MOMENTS))))
    for text, frames in (("3:5", FrameRange(6, 10)), (":", FrameRange(0, 40)), (None, FrameRange(0, 40)),
                         ("10:00:00:06-10:00:00:08", FrameRange(2, 6))):  # fmt: skip
        clip = ClipRef(range=text, deinterlace="field")
        assert clip.frames(clip.interpret(stored)) == frames
    clip = ClipRef(range=FrameRange(4, 6), handles=(2, 1), deinterlace="field")
    assert clip.frames(clip.interpret(stored)) == FrameRange(4, 14)
    info = clip.interpret(stored)
    assert stored_range(info, FrameRange(5, 9)) == FrameRange(2, 5)
    with pytest.raises(InputError, match="within 0:20"):
        ClipRef(range="0:21", deinterlace="field").frames(info)


def test_field_rate_changes_nothing_where_there_are_no_fields(tmp_path: Path) -> None:
    stored = find_fields(probe(film(tmp_path / "f.mkv", MOMENTS[:8])))
    assert ClipRef(deinterlace="field").interpret(stored) == stored


def test_an_editor_may_know_better_whether_it_is_interlaced(tmp_path: Path) -> None:
    info = probe(_interlaced(tmp_path / "f.mkv"))
    assert not ClipRef(fields=FieldOrder.PROGRESSIVE).interpret(info).interlaced
    bottom = ClipRef(fields=FieldOrder.BOTTOM_FIRST).interpret(info)
    assert (bottom.interlaced, bottom.field_order) == (True, FieldOrder.BOTTOM_FIRST)
    assert ClipRef().interpret(info).field_order is info.field_order


def test_an_editor_cannot_set_what_only_the_frames_say() -> None:
    """The words of a request and the names of the protocol are kept by all who store jobs."""
    forms = {
        "progressive": "FIELD_ORDER_PROGRESSIVE",
        "top": "FIELD_ORDER_TOP_FIRST",
        "bottom": "FIELD_ORDER_BOTTOM_FIRST",
        "per-frame": "FIELD_ORDER_MIXED",
    }
    for word, name in forms.items():
        clip = ClipRef.from_settings("a", interpret={"fields": word})
        assert clip.settings()["interpret"] == {"fields": word}
        assert clip.to_json() == {"media": "a", "field_order": name}
        assert ClipRef.from_json(clip.to_json()) == clip
    assert ClipRef.from_json({"field_order": "FIELD_ORDER_OF_A_NEWER_PROGRAM"}).fields is None
    with pytest.raises(InputError, match="fields cannot be"):
        ClipRef.from_settings("a", interpret={"fields": FieldOrder.PER_FRAME.value})


def test_a_film_that_is_played_at_another_rate_gives_the_same_frames(tmp_path: Path) -> None:
    path = make_movie(tmp_path / "a.mov", 40, rate=Fraction(24), options={"g": "8", "bf": "2"})
    info = probe(path)
    faster = ClipRef(rate=Fraction(30000, 1001)).interpret(info)
    for span in (FrameRange(0, 5), FrameRange(29, 40)):
        with open_reader(info, span) as one, open_reader(faster, span) as other:
            for frame, same in zip(one, other, strict=True):
                assert frame.index == same.index
                np.testing.assert_array_equal(frame.picture, same.picture)


def _fidelity(info: ClipInfo, truth: Sequence[Picture]) -> float:
    with open_reader(info) as reader:
        return fidelity(reader, truth)


MOMENTS = moments(40)


@pytest.mark.parametrize("flag", ["", "top", "bottom"])
def test_what_is_combed_is_deinterlaced_with_or_without_a_flag(tmp_path: Path, flag: str) -> None:
    top = flag != "bottom"
    probed = probe(film(tmp_path / "f.mkv", interlaced(MOMENTS, top=top), flag=flag))
    info = find_fields(probed)
    assert info.field_order is {"": FieldOrder.TOP_FIRST, "top": FieldOrder.TOP_FIRST}.get(flag, FieldOrder.PER_FRAME)
    assert f"{flag or 'top'} field first" in info.fields_found
    assert ("without a flag" in info.fields_found) == (not flag)
    assert ("though flagged otherwise" in info.fields_found) == (flag == "top"), "such a file has the wrong flag"
    truth = MOMENTS[::2]
    assert _fidelity(info, truth) > _fidelity(replace(probed, field_order=FieldOrder.PROGRESSIVE), truth) + 6


def test_what_one_process_found_spares_another_from_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = film(tmp_path / "f.mkv", interlaced(MOMENTS[:16]))
    info = find_fields(probe(path))
    record = json.loads(json.dumps(found_fields(info)))
    module = sys.modules["answerprint.media.find_fields"]
    monkeypatch.setattr(module, "_KNOWN", {})
    assert found_fields(info) is None
    looks: list[ClipInfo] = []

    def look(info: ClipInfo) -> tuple[()]:
        looks.append(info)
        return ()

    monkeypatch.setattr(module, "_looked_at", look)
    for rubbish in (None, 1, [], ["a"], {"a": 1}, [*record[:4], {"width": 9}], [*record[:4], {"mostly": "odd"}]):
        remember_fields(rubbish)
    remember_fields(record)
    assert find_fields(probe(path)) == info
    assert looks == []
    os.utime(path, ns=(1, 1))
    assert find_fields(probe(path)) != info
    assert len(looks) == 1, "it may be another file by now"


def test_whole_frames_stay_as_they_are_whatever_their_flag(tmp_path: Path) -> None:
    for flag in ("", "top"):
        probed = probe(film(tmp_path / f"{flag}.mkv", MOMENTS[::2], flag=flag))
        info = find_fields(probed)
        assert not info.interlaced
        assert ("Flagged as interlaced, but its frames are whole" in info.fields_found) == bool(flag)
    assert _fidelity(info, MOMENTS[::2]) > _fidelity(probed, MOMENTS[::2]) + 2, "the flag is wrong"


def test_fields_that_begin_later_or_come_and_go_are_found(tmp_path: Path) -> None:
    slow = moments(24, step=1)
    whole, fields = slow[::2], [255 - picture for picture in slow]
    truth = [*whole, *fields[::2], *whole]
    probed = probe(film(tmp_path / "f.mkv", [*whole, *interlaced(fields), *whole]))
    info = find_fields(probed)
    assert info.field_order is FieldOrder.MIXED
    assert "Partly interlaced (" in info.fields_found
    good = _fidelity(info, truth)
    for order in (FieldOrder.PROGRESSIVE, FieldOrder.TOP_FIRST):
        assert good > _fidelity(replace(info, field_order=order), truth) + 2
    with open_reader(info) as reader, open_reader(replace(info, field_order=FieldOrder.PROGRESSIVE)) as stored:
        same = [np.array_equal(a.picture, b.picture) for a, b in zip(reader, stored, strict=True)]
    assert same == [True] * 12 + [False] * 12 + [True] * 12


def test_only_some_frames_of_a_long_clip_are_looked_at(tmp_path: Path) -> None:
    frames = [*(MOMENTS[0] for _ in range(100)), *interlaced(MOMENTS[:20])] * 2
    info = find_fields(probe(film(tmp_path / "f.mkv", frames, flag="top")))
    assert "of 60 frames looked at" in info.fields_found or info.field_order is FieldOrder.PER_FRAME


def test_what_moves_alone_in_a_still_picture_is_seen() -> None:
    still = moments(1)[0].astype(np.float32)

    def at(n: int) -> NDArray[np.float32]:
        picture = still.copy()
        picture[10:40, 3 * n : 3 * n + 10] = 230
        return picture

    def combed(n: int) -> NDArray[np.float32]:
        frame = at(2 * n)
        frame[1::2] = at(2 * n + 1)[1::2]
        return frame

    assert combing(combed(0), combed(1), combed(2)) is FieldOrder.TOP_FIRST
    assert combing(at(0), at(2), at(4)) is FieldOrder.PROGRESSIVE
    assert combing(still, still, still) is None
