"""Sound: copied where the container allows, in sync to the start of the range."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from answerprint.frames import ClipInfo, FrameRange, OutputSpec
from answerprint.media import open_writer, probe
from media.makers import SOUND_RATE, make_movie, numbered_frame, read_sound, sound_at

RATE = Fraction(24000, 1001)
CODECS = {".mov": "prores4444", ".mkv": "ffv1", ".mp4": "h264"}


def restore(source: Path, target: Path, start: int, stop: int) -> ClipInfo:
    """Write grey pictures for a range, with the source's sound."""
    info = probe(source)
    spec = OutputSpec.for_clip(info, FrameRange(start, stop), CODECS[target.suffix])
    with open_writer(target, spec) as writer:
        for _ in range(start, stop):
            writer.write(np.full((info.height, info.width, 3), 0.5, np.float32))
    return probe(target)


@pytest.mark.parametrize("source", [".mov", ".mkv"])
@pytest.mark.parametrize("target", [".mov", ".mkv"])
@pytest.mark.parametrize(("start", "stop"), [(0, 48), (7, 31), (30, 48)])
def test_pcm_is_cut_to_the_sample_and_kept_bit_for_bit(
    tmp_path: Path, source: str, target: str, start: int, stop: int
) -> None:
    clip = make_movie(tmp_path / f"in{source}", 48, rate=RATE, sound="pcm_s16le")
    result = restore(clip, tmp_path / f"out{target}", start, stop)
    assert (result.has_audio, result.frames) == (True, stop - start)
    begins, samples, codec = read_sound(tmp_path / f"out{target}")
    assert (begins, codec) == (Fraction(0), "pcm_s16le")
    first = round(start / RATE * SOUND_RATE)
    last = min(round(stop / RATE * SOUND_RATE), int(48 / RATE * SOUND_RATE))
    np.testing.assert_array_equal(samples, sound_at(np.arange(first, last)))


def clicks(samples: NDArray[np.generic], begins: Fraction) -> NDArray[np.float64]:
    """Times of the clicks in seconds."""
    loud = np.abs(samples.astype(np.float64)) > 0.4 * np.abs(samples.astype(np.float64)).max()
    edges = np.flatnonzero(loud & ~np.concatenate([[True] * 480, loud])[: len(loud)])
    steps = [edge for index, edge in enumerate(edges) if index == 0 or edge - edges[index - 1] > 2400]
    return np.array(steps) / SOUND_RATE + float(begins)


@pytest.mark.parametrize(("target", "codec"), [(".mov", "pcm_s24le"), (".mkv", "aac"), (".mp4", "aac")])
@pytest.mark.parametrize(("start", "stop"), [(0, 48), (7, 43)])
def test_compressed_sound_stays_in_sync(tmp_path: Path, target: str, codec: str, start: int, stop: int) -> None:
    clip = make_movie(tmp_path / "in.mp4", 48, rate=RATE, sound="aac")
    result = restore(clip, tmp_path / f"out{target}", start, stop)
    begins, samples, found = read_sound(tmp_path / f"out{target}")
    assert found == codec
    picture_begins = (result.first_pts or 0) * result.time_base
    heard = clicks(samples, begins - picture_begins) + float(start / RATE)
    heard = heard[heard > float(start / RATE) + 0.05]  # the first packet of a cut has lost its predecessor
    assert len(heard) >= 10
    np.testing.assert_allclose(heard, np.round(heard * 10) / 10, atol=0.003)


def test_a_clip_without_sound_stays_silent(tmp_path: Path) -> None:
    result = restore(make_movie(tmp_path / "in.mp4", 12), tmp_path / "out.mov", 0, 12)
    assert not result.has_audio


def test_sound_goes_into_an_mxf_cut_to_the_sample(tmp_path: Path) -> None:
    pictures = [numbered_frame(index, 256, 128) for index in range(12)]
    source = make_movie(tmp_path / "in.mov", pictures, rate=RATE, sound="pcm_s16le")
    spec = OutputSpec.for_clip(probe(source), FrameRange(3, 9), "dnxhr-hq")
    with open_writer(tmp_path / "out.mxf", spec) as writer:
        for _ in range(6):
            writer.write(np.full((128, 256, 3), 0.5, np.float32))
    begins, samples, codec = read_sound(tmp_path / "out.mxf")
    assert (begins, codec) == (Fraction(0), "pcm_s16le")
    first = round(3 / RATE * SOUND_RATE)
    np.testing.assert_array_equal(samples, sound_at(np.arange(first, first + len(samples))))
    assert abs(len(samples) - round(6 / RATE * SOUND_RATE)) <= 1
