"""The embedded one-step models draw: sharper than an enlargement, what the frame shows, with no grid and no tint."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors import safe_open

from answerprint.backends.generator.network import GeneratorNetwork
from answerprint.backends.weights import load_network
from answerprint.metrics import degradations as damage
from answerprint.training.pictures import draw_texture
from answerprint.weights.verify import PACKAGE_FOLDER, verify_model

STUDENTS = sorted(folder.parent.name for folder in PACKAGE_FOLDER.glob("swift-*/manifest.json"))
MOST_BYTES = 36_000_000


@pytest.fixture(params=STUDENTS)
def network(request: pytest.FixtureRequest) -> GeneratorNetwork:
    return load_network(GeneratorNetwork, verify_model(PACKAGE_FOLDER / request.param))


def _draw(network: GeneratorNetwork, low: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.inference_mode():
        drawn = network(torch.from_numpy(low.transpose(2, 0, 1).copy())[None])[0]
    return np.asarray(drawn.clamp(0, 1).permute(1, 2, 0).numpy(), np.float32)


def _detail(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(picture - cv2.blur(picture, (5, 5)), np.float32)


def test_there_are_embedded_students() -> None:
    assert "swift-x4" in STUDENTS


def test_embedded_weights_are_half_precision_and_few() -> None:
    files = list(PACKAGE_FOLDER.rglob("*.safetensors"))
    assert sum(file.stat().st_size for file in files) <= MOST_BYTES
    for name in STUDENTS:
        with safe_open(PACKAGE_FOLDER / name / "diffusion_pytorch_model.safetensors", "pt") as weights:
            assert {weights.get_slice(key).get_dtype() for key in weights.keys()} == {"F16"}  # noqa: SIM118


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_a_flat_frame_stays_flat_and_keeps_its_colour(network: GeneratorNetwork, level: float) -> None:
    colour = np.array([level, level * 0.8, level * 0.9], np.float32)
    drawn = _draw(network, np.tile(colour, (24, 32, 1)))[16:-16, 16:-16]
    assert np.abs(drawn.mean((0, 1)) - colour).max() * 255 < 4.0
    by_phase = drawn.reshape(16, 4, 24, 4, 3).mean((0, 2))
    assert np.ptp(by_phase, axis=(0, 1)).max() * 255 < 1.5, "a grid of the enlargement"


def test_drawn_strokes_come_out_sharper_than_by_enlarging_and_are_the_same_strokes(network: GeneratorNetwork) -> None:
    rng = np.random.default_rng(5)
    sharper, other = [], []
    for _ in range(4):
        small = damage.resize(draw_texture(192, rng).astype(np.float32) / np.float32(255), 48, 48, "area")
        low = damage.noise(small, 4.0, rng)
        drawn, plain = _draw(network, low), damage.resize(low, 192, 192, "bicubic")
        sharper.append(float(_detail(drawn).std() / _detail(plain).std()))
        other.append(float(np.abs(damage.resize(drawn, 48, 48, "area") - small).mean()) * 255)
    assert np.mean(sharper) > 1.15
    assert np.mean(other) < 7.0
