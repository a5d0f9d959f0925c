"""The contract with programs of others: frames in, frames out, and a plain word where they break it."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from answerprint.errors import AnswerprintError, JobFailedError
from answerprint.frames.frame import Picture
from answerprint.metrics.perceptual import Absent
from answerprint.metrics.rivals import realesrgan_ncnn
from answerprint.metrics.rivals.base import DamagedClip
from answerprint.metrics.rivals.external import External, parse_command, read_frames, write_frames
from metrics.scenes import pan

PROGRAM = """
import sys
from pathlib import Path

import cv2

source, target, do = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
files = sorted(source.glob("*.png"))
if do == "fail":
    sys.exit("no memory left\\n")
for file in files[: 2 if do == "few" else None]:
    picture = cv2.imread(str(file))
    times = 2 if do == "small" else 4
    picture = cv2.resize(picture, None, fx=times, fy=times, interpolation=cv2.INTER_NEAREST)
    if do == "deep":
        picture = picture.astype("uint16") * 257
    cv2.imwrite(str(target / file.name), picture)
    if do == "text":
        (target / file.name).write_text("not a picture")
print("loading")
print("note: by hand")
"""


@pytest.fixture
def shot() -> DamagedClip:
    """Three frames of 32x24, to be enlarged four times."""
    return DamagedClip(pan(3, 24, 32), (128, 96))


def external(folder: Path, do: str) -> External:
    """The program above, in one of its moods."""
    file = folder / "program.py"
    file.write_text(PROGRAM)
    return parse_command(f"{sys.executable} {file} {{in}} {{out}} {do}")


@pytest.mark.parametrize("depth", ["well", "deep"])
def test_the_frames_of_a_program_come_back_in_order(tmp_path: Path, shot: DamagedClip, depth: str) -> None:
    restored = external(tmp_path, depth).restore(shot)
    assert len(restored.pictures) == 3
    for picture, low in zip(restored.pictures, shot.low, strict=True):
        np.testing.assert_allclose(picture, low.repeat(4, 0).repeat(4, 1), atol=0.5001 / 255)
    assert restored.seconds_per_frame is not None and restored.seconds_per_frame > 0
    assert restored.note.endswith(": by hand")


@pytest.mark.parametrize(
    ("do", "said"),
    [
        ("fail", "ended with exit code 1: no memory left"),
        ("few", "gave 2 frames for 3"),
        ("small", "is 64x48; 128x96 is wanted"),
        ("text", "000000.png is not a PNG file"),
    ],
)
def test_a_program_that_breaks_the_contract_is_told_so(tmp_path: Path, shot: DamagedClip, do: str, said: str) -> None:
    with pytest.raises(JobFailedError) as caught:
        external(tmp_path, do).restore(shot)
    assert said in caught.value.message
    assert caught.value.remedy
    assert isinstance(external(tmp_path, "well").restore(shot).pictures, list)


def test_words_of_the_command_are_not_read_by_a_shell(tmp_path: Path, shot: DamagedClip) -> None:
    mark = tmp_path / "mark"
    way = external(tmp_path, f"well ; touch {mark}")
    way.restore(shot)
    assert not mark.exists()


PACKAGE = """
import cv2


class Realesrgan:
    def __init__(self, gpuid, model):
        self.picture = (gpuid, model)

    def process_cv2(self, picture):
        assert self.picture == (%d, 4)
        return cv2.resize(picture, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
"""


@pytest.mark.parametrize(("devices", "said"), [(0, "no Vulkan device"), (1, "first Vulkan device")])
def test_real_esrgan_says_where_it_ran(
    tmp_path: Path, shot: DamagedClip, monkeypatch: pytest.MonkeyPatch, devices: int, said: str
) -> None:
    """The package is stood in for by a small one: the real one is native code and needs libraries of the system."""
    package = tmp_path / realesrgan_ncnn.PACKAGE
    package.mkdir()
    (package / "__init__.py").write_text(PACKAGE % (0 if devices else -1))
    (package / "realesrgan_ncnn_vulkan_wrapper.py").write_text(f"def get_gpu_count():\n    return {devices}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(realesrgan_ncnn.__file__).parents[3]}")
    way = realesrgan_ncnn.way("ncnn", "realesrgan-x4plus")
    assert way.absent() is None
    restored = way.restore(shot)
    assert said in restored.note
    assert len(restored.pictures) == 3


def test_real_esrgan_without_its_package_is_absent_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realesrgan_ncnn, "PACKAGE", "no_such_package")
    absent = realesrgan_ncnn.way("ncnn", "realesrgan-x4plus").absent()
    assert isinstance(absent, Absent)
    assert "pip install" in absent.remedy


def test_real_esrgan_whose_libraries_are_missing_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(realesrgan_ncnn, "PACKAGE", "no_such_package")
    assert realesrgan_ncnn.main([str(tmp_path), str(tmp_path)]) == 1
    assert "libvulkan1" in capsys.readouterr().err


def test_a_program_that_cannot_be_started_is_told(shot: DamagedClip, tmp_path: Path) -> None:
    with pytest.raises(AnswerprintError, match="cannot be started"):
        External("gone", [str(tmp_path / "gone"), "{in}", "{out}"]).restore(shot)


def test_frames_are_written_as_they_are_read(tmp_path: Path) -> None:
    clip: list[Picture] = pan(2, 16, 24)
    write_frames(tmp_path, clip)
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["000000.png", "000001.png"]
    first = cv2.imread(str(tmp_path / "000000.png"))
    assert first is not None
    red = first[..., 2]
    assert red.mean() / 255 == pytest.approx(float(clip[0][..., 0].mean()), abs=0.01)
    np.testing.assert_allclose(np.stack(read_frames(tmp_path)), np.stack(clip), atol=0.5001 / 255)
