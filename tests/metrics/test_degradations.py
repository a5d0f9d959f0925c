"""Promises of the damage done to test footage."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from subprocess import PIPE, run
from types import SimpleNamespace

import numpy as np
import pytest
from av.codec.codec import UnknownCodecError
from hypothesis import given
from hypothesis import strategies as st

from answerprint.errors import InputError
from answerprint.metrics import codec
from answerprint.metrics.degradations import Degradation, degrade_clip
from answerprint.metrics.picture import detail_ratio, psnr
from metrics.scenes import Picture, pan, texture

EVERYTHING = Degradation.parse("blur=1.2,noise=5,jpeg=70,video=32")


@pytest.fixture(scope="module")
def clip() -> list[Picture]:
    return pan(6, 96, 128)


def test_a_recipe_is_read_word_by_word_in_any_order() -> None:
    assert Degradation.parse("bicubic") == Degradation()
    assert Degradation.parse("noise=10, area ,blur=1.6,jpeg=70") == Degradation(1.6, "area", (10.0, 10.0), 70)
    assert Degradation.parse("noise=50..100,video=0") == Degradation(noise=(50.0, 100.0), video_crf=0)


@given(
    st.builds(
        Degradation,
        blur_px=st.floats(0, 20),
        resize=st.sampled_from(["area", "bicubic", "linear", "nearest"]),
        noise=st.tuples(st.floats(0, 255), st.floats(0, 255)).map(lambda ends: (min(ends), max(ends))),
        jpeg_quality=st.none() | st.integers(1, 100),
        video_crf=st.none() | st.integers(0, 51),
    )
)
def test_the_text_of_a_recipe_reads_back_as_the_recipe(recipe: Degradation) -> None:
    assert Degradation.parse(str(recipe)) == recipe


@pytest.mark.parametrize(
    "text",
    [
        *("", "bicubic,", "sharpen", "blur", "sharpen=2", "bicubic=1", "area,bicubic", "noise=2,noise=3", "blur=21"),
        *("noise=", "noise=-1", "noise=nan", "noise=9..3", "noise=1..inf", "jpeg=0", "jpeg=70.5", "jpeg=x", "video=52"),
    ],
)
def test_a_recipe_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Degradation.parse(text)


def test_an_unknown_word_is_answered_with_the_valid_ones() -> None:
    with pytest.raises(InputError) as refused:
        Degradation.parse("blur=1,grain=3")
    assert "'grain=3'" in refused.value.message
    for word in ("area", "bicubic", "linear", "nearest", "blur=", "noise=", "jpeg=", "video="):
        assert word in refused.value.remedy


def test_the_same_seed_does_the_same_damage_and_another_seed_another(clip: list[Picture]) -> None:
    first, again, other = (np.stack(degrade_clip(clip, 4, EVERYTHING, seed)) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


_CODE = """
import hashlib, sys
import numpy as np
from answerprint.metrics.codec import encode_h264
print(hashlib.sha256(b"".join(encode_h264(np.load(sys.argv[1]), 32))).hexdigest())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc fills memory on request")
def test_a_clip_is_coded_into_the_same_bytes_whatever_lay_in_memory(tmp_path: Path) -> None:
    clip = np.random.default_rng(0).normal(pan(6, 24, 32), 0.03).clip(0, 1).astype(np.float32)
    np.save(tmp_path / "clip.npy", clip)

    def coded(filling: int) -> str:
        environment = {**os.environ, "MALLOC_PERTURB_": str(filling)}
        return run(
            [sys.executable, "-c", _CODE, str(tmp_path / "clip.npy")],
            env=environment,
            stdout=PIPE,
            text=True,
            check=True,
        ).stdout

    assert len({coded(filling) for filling in (1, 85, 170, 255)}) == 1


def test_damaged_frames_are_smaller_float_pictures_in_range(clip: list[Picture]) -> None:
    low = degrade_clip(clip, 4, EVERYTHING, 0)
    assert len(low) == len(clip)
    for frame in low:
        assert frame.shape == (24, 32, 3)
        assert frame.dtype == np.float32
        assert 0.0 <= frame.min() <= frame.max() <= 1.0


def test_noise_is_independent_from_frame_to_frame() -> None:
    still = [np.full((64, 64, 3), 0.5, np.float32)] * 2
    a, b = degrade_clip(still, 1, Degradation.parse("noise=20"), seed=1)
    grain_a, grain_b = (a - 0.5).ravel(), (b - 0.5).ravel()
    assert grain_a.std() * 255 == pytest.approx(20, rel=0.05)
    assert abs(float(np.corrcoef(grain_a, grain_b)[0, 1])) < 0.05


def test_a_cut_out_of_a_clip_gets_the_noise_of_its_own_frames(clip: list[Picture]) -> None:
    recipe = Degradation.parse("noise=8")
    whole = degrade_clip(clip, 2, recipe, seed=5)
    part = degrade_clip(clip[2:4], 2, recipe, seed=5, first_frame=2)
    assert np.array_equal(np.stack(whole[2:4]), np.stack(part))


def test_a_range_of_noise_is_drawn_for_each_frame_and_channel() -> None:
    still = [np.full((64, 64, 3), 0.5, np.float32)] * 4
    frames = np.stack(degrade_clip(still, 1, Degradation.parse("noise=10..40"), seed=0))
    deviations = frames.std(axis=(1, 2)).ravel() * 255
    assert 9 < deviations.min() < deviations.max() < 41
    assert len(set(np.round(deviations, 2))) == deviations.size


def test_plain_shrinking_at_scale_one_changes_nothing(clip: list[Picture]) -> None:
    assert np.array_equal(np.stack(degrade_clip(clip, 1, Degradation(), seed=0)), np.stack(clip))


def test_video_compression_really_compresses_and_harder_at_a_higher_crf(clip: list[Picture]) -> None:
    sizes = [sum(map(len, codec.encode_h264(clip, crf))) for crf in (18, 32, 45)]
    assert 96 * 128 * 3 * 6 > 4 * sizes[0] > 4 * sizes[1] > 4 * sizes[2]
    fine, coarse = (codec.video_compression(clip, crf) for crf in (10, 40))
    assert len(fine) == len(coarse) == len(clip)
    for t, truth in enumerate(clip):
        assert psnr(fine[t], truth, "y") > 34.0
        assert psnr(fine[t], truth) > psnr(coarse[t], truth) + 3
        assert detail_ratio(coarse[t], truth) < 0.8


def test_video_compression_keeps_colours_size_and_order_of_odd_sized_frames() -> None:
    flats = [np.full((33, 47, 3), colour, np.float32) for colour in ([0.8, 0.2, 0.2], [0.2, 0.7, 0.3], [0.1, 0.2, 0.9])]
    for coded, flat in zip(codec.video_compression(flats, 4), flats, strict=True):
        assert coded.shape == flat.shape
        assert float(np.abs(coded - flat).max()) < 0.03


def test_an_ffmpeg_without_x264_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(name: str, mode: str) -> None:
        raise UnknownCodecError(name)

    monkeypatch.setattr("answerprint.metrics.codec.av.CodecContext", SimpleNamespace(create=lacking))
    with pytest.raises(InputError, match="libx264"):
        codec.encode_h264([texture(16, 16)], 20)


def test_frames_of_different_sizes_are_not_coded_as_one_clip() -> None:
    with pytest.raises(ValueError, match="frame 1"):
        codec.encode_h264([texture(16, 16), texture(16, 18)], 20)


def test_a_size_that_the_scale_does_not_divide_is_refused_with_the_remedy() -> None:
    with pytest.raises(ValueError, match="crop it to a multiple first"):
        degrade_clip([texture(30, 32)], 4, Degradation(), 0)
