"""Films that are stored lying are read as they are shown."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from answerprint.frames import OutputSpec
from answerprint.frames.pixel_format import full_chroma
from answerprint.media import open_reader, probe
from media.makers import fill

WIDTH, HEIGHT = 48, 32
_ONE, _LAST = 1 << 16, 1 << 30


def _corners() -> VideoFrame:
    """A picture whose four quarters have four levels: 40 and 90 above, 140 and 190 below."""
    luma = np.empty((HEIGHT, WIDTH), np.uint8)
    luma[: HEIGHT // 2, : WIDTH // 2], luma[: HEIGHT // 2, WIDTH // 2 :] = 40, 90
    luma[HEIGHT // 2 :, : WIDTH // 2], luma[HEIGHT // 2 :, WIDTH // 2 :] = 140, 190
    frame = VideoFrame(WIDTH, HEIGHT, "yuv420p")
    fill(frame, 0, luma)
    for plane in (1, 2):
        fill(frame, plane, np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8))
    return frame


def _film(path: Path, matrix: tuple[int, int, int, int], aspect: Fraction = Fraction(1)) -> Path:
    """matrix: x' = a x + c y, y' = b x + d y, as (a, b, c, d) of whole numbers or 16.16."""
    a, b, c, d = (value * _ONE if abs(value) <= 1 else value for value in matrix)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "5"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        stream.set_display_matrix((a, b, 0, c, d, 0, 0, 0, _LAST))
        for _ in range(3):
            container.mux(stream.encode(_corners()))
        container.mux(stream.encode(None))
    return path


# Where the corners of the stored picture are shown: top left, top right, bottom left, bottom right.
SHOWN = {
    (1, 0, 0, 1): (40, 90, 140, 190),
    (-1, 0, 0, -1): (190, 140, 90, 40),
    (0, 1, -1, 0): (140, 40, 190, 90),  # a quarter turn clockwise: the left column comes to the top
    (0, -1, 1, 0): (90, 190, 40, 140),
    (-1, 0, 0, 1): (90, 40, 190, 140),
    (1, 0, 0, -1): (140, 190, 40, 90),
    (0, 1, 1, 0): (40, 140, 90, 190),
    (0, -1, -1, 0): (190, 90, 140, 40),
}


@pytest.mark.parametrize(
    ("matrix", "suffix"), [*((matrix, ".mp4") for matrix in SHOWN), ((0, 1, -1, 0), ".mkv"), ((-1, 0, 0, -1), ".mov")]
)
def test_a_picture_is_read_as_it_is_shown(tmp_path: Path, matrix: tuple[int, int, int, int], suffix: str) -> None:
    info = probe(_film(tmp_path / f"a{suffix}", matrix, Fraction(4, 3)))
    sideways = matrix[0] == 0
    assert (info.width, info.height) == ((HEIGHT, WIDTH) if sideways else (WIDTH, HEIGHT))
    assert info.sample_aspect == (Fraction(3, 4) if sideways else Fraction(4, 3))
    with open_reader(info) as reader:
        picture = list(reader)[-1].picture
    assert picture.shape == (info.height, info.width, 3)
    high, wide = info.height // 4, info.width // 4
    corners = (picture[high, wide], picture[high, -wide], picture[-high, wide], picture[-high, -wide])
    codes = [round(float(corner.mean()) * 219 + 16) for corner in corners]
    np.testing.assert_allclose(codes, SHOWN[matrix], atol=4)
    assert bool(info.notices) == (matrix != (1, 0, 0, 1))


def test_a_slanted_picture_is_read_as_stored_and_that_is_said(tmp_path: Path) -> None:
    slanted = (46341, 46341, -46341, 46341)  # 45 degrees
    info = probe(_film(tmp_path / "a.mp4", slanted))
    assert (info.width, info.height) == (WIDTH, HEIGHT)
    assert "slanted" in info.notices[0]


def test_the_chroma_of_a_turned_picture_is_not_thinned_out_again(tmp_path: Path) -> None:
    """Turned samples of chroma lie between those that the source's own format would have."""
    formats = []
    for matrix in ((1, 0, 0, 1), (0, 1, -1, 0)):
        info = probe(_film(tmp_path / f"{matrix[0]}.mp4", matrix))
        formats.append(OutputSpec.for_clip(info, info.whole, "ffv1").source_format)
    assert formats == ["yuv420p", "yuv444p"]
    assert [full_chroma(name) for name in ("yuva422p12le", "nv12", "p210le", "gbrp10le")] == [
        "yuva444p12le", "yuv444p", "yuv444p10le", "gbrp10le",
    ]  # fmt: skip
