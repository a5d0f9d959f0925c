"""Alpha that WebM and Matroska keep beside the picture of VP8 and VP9."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from answerprint.frames import FrameRange
from answerprint.media import open_reader, probe
from media.makers import fill, number_in, numbered


def _webm(path: Path, codec: str, frames: int = 12) -> Path:
    """Numbered pictures that are clear on the left and solid on the right."""
    with av.open(str(path), "w") as container:
        options = {"g": "4", "b": "1M", "auto-alt-ref": "0", "cpu-used": "8", "lag-in-frames": "0"}
        stream = container.add_stream(codec, rate=25, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuva420p"
        stream.metadata["alpha_mode"] = "1"
        for n in range(frames):
            frame = VideoFrame(64, 48, "yuva420p")
            fill(frame, 0, numbered(n))
            for plane in (1, 2):
                fill(frame, plane, np.full((24, 32), 128, np.uint8))
            alpha = np.full((48, 64), 255, np.uint8)
            alpha[:, :32] = 0
            fill(frame, 3, alpha)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("codec", "suffix"), [("libvpx-vp9", ".webm"), ("libvpx", ".webm"), ("libvpx-vp9", ".mkv")])
def test_it_is_read_with_each_frame(tmp_path: Path, codec: str, suffix: str) -> None:
    info = probe(_webm(tmp_path / f"a{suffix}", codec))
    assert (info.has_alpha, info.frames, info.notices) == (True, 12, ())
    for frames in (info.whole, FrameRange(6, 9)):
        with open_reader(info, frames) as reader:
            for frame in reader:
                assert number_in(frame.picture) == frame.index
                assert frame.alpha is not None
                assert frame.alpha[:, 4:28].max() < 0.1
                assert frame.alpha[:, 36:60].min() > 0.9


def test_it_is_said_if_it_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _webm(tmp_path / "a.webm", "libvpx-vp9", 3)
    monkeypatch.setattr(av, "codecs_available", {"vp9"})
    info = probe(path)
    assert not info.has_alpha
    assert "opaque" in info.notices[0]
