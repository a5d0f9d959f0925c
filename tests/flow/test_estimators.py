"""Estimators find known motion, and give the same bits every time."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from answerprint.errors import InputError, ModelError
from answerprint.flow.estimator import FlowEstimator
from answerprint.flow.opencv import DisEstimator, FarnebackEstimator
from answerprint.flow.registry import ESTIMATORS, get_estimator
from flow.scenes import Motion

HEIGHT, WIDTH = 200, 320

MOTIONS = {
    "still": Motion(),
    "pan": Motion(right_px=6.3, down_px=-2.4),
    "far pan": Motion(right_px=-21.0, down_px=9.0),
    "zoom": Motion(zoom=1.04),
    "rotation": Motion(degrees=2.0),
}


def end_point_error(estimator: FlowEstimator, motion: Motion) -> float:
    """Mean distance, in pixels, from the true flow, a border left out whose target may lie outside."""
    before, after = (np.rint(p[..., 1] * 255).astype(np.uint8) for p in motion.frames(HEIGHT, WIDTH))
    error = estimator.estimate(before, after) - motion.flow(HEIGHT, WIDTH)
    return float(np.hypot(error[..., 0], error[..., 1])[24:-24, 24:-24].mean())


@pytest.mark.parametrize("motion", MOTIONS)
@pytest.mark.parametrize("preset", ["medium", "fast", "ultrafast"])
def test_dis_finds_known_motion(preset: str, motion: str) -> None:
    assert end_point_error(get_estimator("dis", preset=preset), MOTIONS[motion]) < 0.25


@pytest.mark.parametrize("motion", MOTIONS)
def test_farneback_finds_known_motion(motion: str) -> None:
    assert end_point_error(FarnebackEstimator(), MOTIONS[motion]) < 0.4


@pytest.mark.parametrize("name", ["dis", "farneback"])
def test_a_picture_does_not_move_against_itself(name: str) -> None:
    assert end_point_error(get_estimator(name), MOTIONS["still"]) < 0.01


@pytest.mark.parametrize("name", ["dis", "farneback"])
def test_bits_do_not_depend_on_the_number_of_threads(name: str) -> None:
    before, after = (np.rint(p[..., 1] * 255).astype(np.uint8) for p in Motion(4.7, 1.2).frames(HEIGHT, WIDTH))
    estimator = get_estimator(name)
    threads = cv2.getNumThreads()
    results = set()
    try:
        for count in (1, 2, 3, 8):
            cv2.setNumThreads(count)
            results.add(estimator.estimate(before, after).tobytes())
    finally:
        cv2.setNumThreads(threads)
    assert len(results) == 1


@pytest.mark.parametrize("name", ["dis", "farneback"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (8, 8), (31, 33), (32, 1000), (400, 17)])
def test_pictures_of_any_shape_have_a_flow(name: str, shape: tuple[int, int]) -> None:
    luma = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    flow = get_estimator(name).estimate(luma, luma)
    assert flow.shape == (*shape, 2)
    assert flow.dtype == np.float32
    assert np.isfinite(flow).all()


def test_pictures_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="one size"):
        DisEstimator().estimate(np.zeros((40, 40), np.uint8), np.zeros((40, 41), np.uint8))


def test_every_estimator_has_its_data_and_those_without_weights_start_with_them() -> None:
    for name, info in ESTIMATORS.items():
        assert info.name == name
        assert info.summary
        if not info.needs_weights:
            estimator = get_estimator(name)
            assert estimator.name == name
            assert dict(estimator.parameters) == dict(info.defaults)


def test_unknown_names_parameters_and_values_are_errors_with_a_remedy() -> None:
    for name, parameters in (
        ("raff", {}),
        ("dis", {"window": 3}),
        ("dis", {"preset": "slow"}),
        ("dis", {"finest_scale": 4}),
        ("raft", {}),
    ):
        with pytest.raises(InputError) as caught:
            get_estimator(name, **parameters)
        assert caught.value.remedy


def test_raft_without_torchvision_or_weights_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError) as caught:
        get_estimator("raft", weights=str(tmp_path / "absent.pth"))
    assert "dis" in caught.value.remedy

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torchvision" else found(name))
    with pytest.raises(ModelError, match="needs torchvision"):
        get_estimator("raft", weights=str(tmp_path))


def test_raft_is_not_imported_with_the_registry() -> None:
    code = "import sys, answerprint.flow.registry; print('torch' in sys.modules, 'torchvision' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_torchvision_that_does_not_load_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a torchvision built for CUDA does beside a torch built without: RuntimeError, not ImportError."""
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    (tmp_path / "weights.pth").write_bytes(b"any")
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelError, match="nms") as caught:
        get_estimator("raft", weights=str(tmp_path / "weights.pth"))
    assert "dis" in caught.value.remedy


def test_raft_finds_its_place_when_torchvision_is_there(tmp_path: Path) -> None:
    torchvision = pytest.importorskip("torchvision")
    import torch

    torch.manual_seed(0)
    weights = tmp_path / "raft_small.pth"
    torch.save(torchvision.models.optical_flow.raft_small(weights=None, progress=False).state_dict(), weights)
    raft = get_estimator("raft", weights=str(weights), size="small", updates=2)
    luma = np.random.default_rng(0).integers(0, 255, (70, 133), dtype=np.uint8)
    flow = raft.estimate(luma, luma)
    assert flow.shape == (70, 133, 2)
    assert raft.estimate(luma, luma).tobytes() == flow.tobytes()
    with pytest.raises(ModelError, match="raft_large"):
        get_estimator("raft", weights=str(weights), size="large")
