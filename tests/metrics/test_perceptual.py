"""Promises of LPIPS: never a download, always a reason. The package itself is stood in for by a tiny one."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from answerprint.metrics import perceptual
from answerprint.metrics.temporal import ReferenceMotion
from metrics.scenes import flickering, pan, texture


class TinyLpips(torch.nn.Module):
    """As much of lpips.LPIPS as the loader touches: a sliced trunk, and a distance."""

    def __init__(self, net: str, version: str, pnet_rand: bool, verbose: bool) -> None:
        super().__init__()
        assert pnet_rand, "asked for a trained trunk, lpips would download it"
        self.net = torch.nn.ModuleDict({"slice1": torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3))})

    def forward(self, a: torch.Tensor, b: torch.Tensor, normalize: bool) -> torch.Tensor:
        assert normalize
        assert a.shape[1] == 3
        trunk = self.net["slice1"]
        return torch.as_tensor((trunk(a) - trunk(b)).square().mean())


@pytest.fixture
def backbone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the backbone would lie; the stand-in package can be imported, the file is not there yet."""
    package = ModuleType("lpips")
    package.LPIPS = TinyLpips  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lpips", package)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    state = tmp_path / "state.pth"
    torch.save({"features.0.weight": torch.ones(2, 3, 3, 3), "features.0.bias": torch.zeros(2)}, state)
    digest = hashlib.sha256(state.read_bytes()).hexdigest()[:8]
    monkeypatch.setitem(perceptual._BACKBONES, "alex", f"tiny-{digest}.pth")
    path = tmp_path / "hub" / "checkpoints" / f"tiny-{digest}.pth"
    path.parent.mkdir(parents=True)
    return path


def test_a_missing_package_is_reported_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lpips", None)
    absent = perceptual.load_lpips()
    assert isinstance(absent, perceptual.Absent)
    assert not absent
    assert str(absent).startswith("absent: lpips could not be imported")
    assert "answerprint[lpips]" in absent.remedy


def test_a_missing_backbone_is_reported_and_never_downloaded(backbone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys.modules["lpips"], "LPIPS")  # constructing it would fail
    absent = perceptual.load_lpips()
    assert isinstance(absent, perceptual.Absent)
    assert str(backbone) in absent.reason


def test_a_damaged_backbone_is_reported(backbone: Path, tmp_path: Path) -> None:
    backbone.write_bytes((tmp_path / "state.pth").read_bytes()[:-1])
    absent = perceptual.load_lpips()
    assert isinstance(absent, perceptual.Absent)
    assert "damaged" in absent.reason


def test_with_package_and_backbone_lpips_measures_with_the_weights_on_disk(backbone: Path, tmp_path: Path) -> None:
    backbone.write_bytes((tmp_path / "state.pth").read_bytes())
    metric = perceptual.load_lpips()
    assert isinstance(metric, perceptual.Lpips)
    assert str(metric) == "LPIPS v0.1, alex backbone"
    grey, lighter = np.full((8, 8, 3), 0.5, np.float32), np.full((8, 8, 3), 0.6, np.float32)
    assert metric.distance(grey, grey) == 0.0
    assert metric.distance(grey, lighter) == pytest.approx((27 * 0.1) ** 2, rel=1e-4)
    with pytest.raises(ValueError, match="differ in size"):
        metric.distance(grey, texture(8, 9))


def test_lpips_inter_compares_frames_with_their_interpolation(backbone: Path, tmp_path: Path) -> None:
    backbone.write_bytes((tmp_path / "state.pth").read_bytes())
    metric = perceptual.load_lpips()
    assert isinstance(metric, perceptual.Lpips)
    truth = pan(4, 48, 64)
    motion = ReferenceMotion(truth)
    noisy = flickering(truth, 0.1)
    near = perceptual.distance_to_neighbours
    assert near(metric, truth, motion) < near(metric, noisy, motion)
    assert perceptual.mean_distance(metric, truth, truth) == 0.0
