"""Sound of many channels, and of channels in an order of their own: PyAV alone crashes on both."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

from answerprint.frames import OutputSpec
from answerprint.media import open_writer, probe
from answerprint.media.audio import check_sound
from answerprint.media.boundary import open_container
from answerprint.media.sound_frames import samples_of
from media.makers import numbered_frame

CENTRE_FIRST = (127 << 16 | 8).to_bytes(4, "big")
"""QuickTime's layout MPEG 7.1 B: C Lc Rc L R Ls Rs LFE."""
SAMPLES = np.arange(8 * 1920, dtype=np.int16)


def film_with_own_order(path: Path) -> Path:
    """Two frames with 8 channels of PCM, whose order is patched into the box `chan`."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=48000)
        assert isinstance(sound, AudioStream)
        sound.codec_context.layout = "7.1"
        for index in range(2):
            frame = numbered_frame(index)
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(video.encode(frame))
        piece = AudioFrame.from_ndarray(SAMPLES[None], format="s16", layout="7.1")
        piece.sample_rate, piece.pts, piece.time_base = 48000, 0, Fraction(1, 48000)
        container.mux(sound.encode(piece))
        for stream in (video, sound):
            container.mux(stream.encode(None))
    data = path.read_bytes()
    at = data.index(b"chan") + 8
    path.write_bytes(data[:at] + CENTRE_FIRST + bytes(4) + data[at + 8 :])
    return path


@pytest.mark.parametrize(("codec", "suffix"), [("prores4444", ".mov"), ("ffv1", ".mkv"), ("h264", ".mp4")])
def test_channels_in_an_order_of_their_own_are_written(tmp_path: Path, codec: str, suffix: str) -> None:
    source = film_with_own_order(tmp_path / "in.mov")
    spec = OutputSpec.for_clip(probe(source), probe(source).whole, codec)
    with open_writer(tmp_path / f"out{suffix}", spec) as out:
        for _ in range(2):
            out.write(np.full((48, 64, 3), 0.5, np.float32))
    assert any("speakers" in text for text in check_sound(spec, tmp_path / f"out{suffix}")) is (suffix == ".mp4")
    with open_container(tmp_path / f"out{suffix}") as container:
        stream = container.streams.audio[0]
        heard = np.concatenate([samples_of(frame) for frame in container.decode(stream)])
        assert stream.codec_context.channels == 8
    if suffix != ".mp4":
        np.testing.assert_array_equal(heard.reshape(-1), SAMPLES)
    if suffix == ".mov":
        data = (tmp_path / "out.mov").read_bytes()
        at = data.index(b"chan") + 20  # descriptions of 20 bytes, each with a label
        labels = [int.from_bytes(data[at + 20 * place :][:4], "big") for place in range(8)]
        assert labels[:5] == [3, 7, 8, 1, 2]  # C Lc Rc L R


def test_a_track_is_opened_without_the_layout_that_is_freed_twice(tmp_path: Path) -> None:
    with open_container(film_with_own_order(tmp_path / "in.mov")) as container:
        assert container.streams.audio[0].codec_context.layout.name == "8 channels"


def test_planes_of_eight_channels_are_read_to_their_end_only() -> None:
    packed = AudioFrame.from_ndarray(SAMPLES[None], format="s16", layout="7.1")
    packed.sample_rate = 48000
    (planar,) = AudioResampler(format="s16p").resample(packed)
    np.testing.assert_array_equal(samples_of(planar), SAMPLES.reshape(-1, 8))
