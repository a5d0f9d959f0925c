"""Interlaced sources: every frame comes out whole, under its own number, whatever part of the clip is read."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from answerprint.api.clip_ref import ClipRef
from answerprint.errors import InputError
from answerprint.frames import FieldOrder, FrameRange
from answerprint.media import open_reader, probe
from media.makers import fill, make_movie

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


def test_a_part_of_a_clip_gives_the_same_frames_as_all_of_it(tmp_path: Path) -> None:
    info = replace(probe(_interlaced(tmp_path / "f.mkv")), field_order=FieldOrder.TOP_FIRST)
    with open_reader(info) as reader:
        whole = list(reader)
    for start in (0, 3, 7):
        with open_reader(info, FrameRange(start, 8)) as reader:
            part = list(reader)
        assert [frame.index for frame in part] == list(range(start, 8))
        for one, other in zip(part, whole[start:], strict=True):
            np.testing.assert_array_equal(one.picture, other.picture)


def test_an_editor_may_know_better_whether_it_is_interlaced(tmp_path: Path) -> None:
    info = probe(_interlaced(tmp_path / "f.mkv"))
    assert not ClipRef(fields=FieldOrder.PROGRESSIVE).interpret(info).interlaced
    bottom = ClipRef(fields=FieldOrder.BOTTOM_FIRST).interpret(info)
    assert (bottom.interlaced, bottom.field_order) == (True, FieldOrder.BOTTOM_FIRST)
    assert ClipRef().interpret(info).field_order is info.field_order


def test_an_editor_cannot_set_what_only_the_frames_say() -> None:
    """The words of a request and the names of the protocol are kept by all who store jobs."""
    forms = {order.value: ClipRef(fields=order).to_json()["field_order"] for order in list(FieldOrder)[:3]}
    assert forms == {
        "progressive": "FIELD_ORDER_PROGRESSIVE",
        "top": "FIELD_ORDER_TOP_FIRST",
        "bottom": "FIELD_ORDER_BOTTOM_FIRST",
    }
    for word, name in forms.items():
        said = {} if word is None else {"fields": word}
        assert ClipRef.from_settings("a", interpret=said).settings()["interpret"] == said
        assert ClipRef.from_json({} if name is None else {"field_order": name}).fields == word
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
