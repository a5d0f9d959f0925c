"""Promises of FFmpeg's denoisers as rows: they keep every frame, take noise away, and say when they cannot be had."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from answerprint.errors import InputError
from answerprint.metrics.perceptual import Absent
from answerprint.metrics.picture import psnr
from answerprint.metrics.rivals import filters
from answerprint.metrics.rivals.base import DamagedClip
from answerprint.metrics.rivals.filters import FILTERS, Filtered, filter_clip
from metrics.scenes import Picture, blurred, flickering, pan, texture


@pytest.fixture(params=FILTERS)
def name(request: pytest.FixtureRequest) -> str:
    """A filter that this machine has."""
    absent = Filtered(request.param, request.param).absent()
    if isinstance(absent, Absent):
        pytest.skip(str(absent))
    return str(request.param)


def still(frames: int) -> list[Picture]:
    """A shot in which nothing moves."""
    return [texture(48, 64)] * frames


@pytest.mark.parametrize("frames", [1, 2, 12])
def test_every_frame_comes_back_in_its_place_and_at_the_wanted_size(name: str, frames: int) -> None:
    """However many frames a filter waits for: twelve are fewer than its buffer or more."""
    levels = [np.full((24, 32, 3), k / 12, np.float32) for k in range(frames)]
    restored = Filtered(name, name, {"s": "1"} if name == "nlmeans" else {}).restore(DamagedClip(levels, (64, 48)))
    assert [picture.shape for picture in restored.pictures] == [(48, 64, 3)] * frames
    assert [float(p.mean()) for p in restored.pictures] == pytest.approx([k / 12 for k in range(frames)], abs=0.03)
    assert restored.seconds_per_frame is not None and restored.seconds_per_frame > 0


def test_noise_on_a_still_shot_becomes_less(name: str) -> None:
    truth = blurred(still(9), 1.5)
    noisy = flickering(truth, 0.04)
    options = {"0a": "0.3", "1a": "0.3", "2a": "0.3"} if name == "atadenoise" else {}
    clean = Filtered(name, name, options).restore(DamagedClip(noisy, (64, 48))).pictures
    assert psnr(clean[4], truth[4]) > psnr(noisy[4], truth[4]) + 0.5


def test_nlmeans_is_as_strong_as_the_noise_and_an_option_overrules_that() -> None:
    shots = [DamagedClip(flickering(blurred(pan(3, 48, 64), 3), sigma / 255), (64, 48)) for sigma in (0, 25)]
    weak, strong = (Filtered("nlmeans", "nlmeans").restore(shot).note for shot in shots)
    assert weak == "nlmeans: FFmpeg's nlmeans (s=1.00)"
    assert float(strong.partition("s=")[2].rstrip(")")) > 5
    assert Filtered("nlmeans", "nlmeans", {"s": "7"}).restore(shots[0]).note.endswith("(s=7)")


def test_options_that_the_filter_does_not_know_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"FFmpeg's {name} does not accept") as caught:
        filter_clip(still(2), name, "mud=3")
    assert caught.value.remedy.endswith(f"filter={name}")


def test_a_filter_that_no_ffmpeg_here_has_is_absent_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    absent = Filtered("x", "no-such-filter").absent()
    assert isinstance(absent, Absent)
    assert "Install the program ffmpeg" in absent.remedy


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="there is no program ffmpeg here")
def test_the_program_gives_what_pyav_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = flickering(pan(7, 48, 64), 0.05)
    by_pyav = filter_clip(clip, "atadenoise", "0a=0.1")
    monkeypatch.setattr(filters, "_in_pyav", lambda _: False)
    by_program = filter_clip(clip, "atadenoise", "0a=0.1")
    assert np.abs(np.stack(by_pyav) - np.stack(by_program)).max() <= 3 / 255
