"""The model for tests of files: not offered, found by name, and no bit of a picture is its doing."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
import torch

from answerprint.api.request import RestoreRequest
from answerprint.backends import catalogue
from answerprint.backends.load import load
from answerprint.cli.main import main
from answerprint.flow.registry import get_estimator
from answerprint.flow.source import FlowSource
from answerprint.frames import Frame
from answerprint.frames.frame import Picture
from answerprint.pipeline.choices import resolve
from answerprint.pipeline.restore_clip import ClipSettings, restore_clip
from backends.builders import CPU


def test_it_is_found_by_name_and_listed_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert catalogue.find_model("identity").info.hidden
    assert "identity" not in {entry.name for entry in catalogue.entries()}
    assert "identity" not in catalogue.families()
    for words in (["models", "list"], ["models", "import", "--help"], ["restore", "--help"]):
        with suppress(SystemExit):
            main(words)
        assert "identity" not in capsys.readouterr().out
    assert main(["models", "info", "identity"]) == 0


def restored(pictures: list[Picture], scale: str | None) -> list[Frame]:
    """The pictures, as a job with the model returns them."""
    backend = load("identity", CPU)
    request = RestoreRequest.from_json({"input": "in", "output": "out", "model": "identity", "scale": scale})
    method = resolve(request, backend.info).method
    height, width = pictures[0].shape[:2]
    factor = int(scale or 1)
    settings = ClipSettings(method, size=(factor * width, factor * height))
    frames = (Frame(k, picture, picture[..., 0]) for k, picture in enumerate(pictures))
    chunks = restore_clip(frames, backend, FlowSource(get_estimator("dis")), settings)
    return [frame for chunk in chunks for frame in chunk]


def test_every_value_comes_back_also_beyond_white_and_below_black() -> None:
    rng = np.random.default_rng(1)
    light = rng.uniform(-0.5, 60, (9, 12, 24, 3)).astype(np.float16).astype(np.float32)  # as in EXR
    codes = rng.integers(0, 65536, (9, 12, 24, 3)).astype(np.float32) / 65535
    for pictures in (light, codes):
        for frame, picture in zip(restored(list(pictures), None), pictures, strict=True):
            np.testing.assert_allclose(frame.picture, picture, rtol=2e-7, atol=6e-8)
            assert frame.alpha is not None
            assert np.array_equal(frame.alpha, picture[..., 0])


def test_larger_sizes_are_a_plain_enlargement() -> None:
    ramp = np.broadcast_to(np.linspace(0, 1, 24, dtype=np.float32)[None, :, None], (12, 24, 3)).copy()
    (frame,) = restored([ramp], "3")
    assert frame.picture.shape == (36, 72, 3)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(ramp).permute(2, 0, 1)[None], size=(36, 72), mode="bicubic", antialias=True
    )
    np.testing.assert_allclose(frame.picture, expected[0].permute(1, 2, 0).numpy(), atol=1e-6)
