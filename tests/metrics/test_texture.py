"""Promises of DISTS: a reason where a file is absent, and what its equations give, with random weights.

Against the authors' own program, with its published weights over one random trunk, distances of pictures of four sizes
differed by 2e-7 at most.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from answerprint.metrics import perceptual, texture
from answerprint.metrics.comparison import load_distances
from answerprint.metrics.perceptual import Absent
from answerprint.metrics.texture import Dists, DistsNetwork, load_dists
from metrics.scenes import texture as drawn

WEIGHTS = "weights.pt"


@pytest.fixture(scope="module")
def network() -> DistsNetwork:
    """Random convolutions that keep their input's strength, and weights that differ from channel to channel."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = DistsNetwork().requires_grad_(False)
        for parameter in model.parameters():
            if parameter.ndim == 4:
                torch.nn.init.kaiming_normal_(parameter)
        model.alpha.uniform_(0, 1)
        model.beta.uniform_(0, 1)
    return model


@pytest.fixture(scope="module")
def random(network: DistsNetwork) -> Dists:
    return Dists(network)


@pytest.fixture
def published(network: DistsNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The two files that are looked for, with that network's tensors under the names of those who publish them."""
    layers = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
    convolutions = [convolution for stage in network.stages for convolution in stage.children()]
    state = {
        f"features.{number}.{name}": tensor
        for number, convolution in zip(layers, convolutions, strict=True)
        for name, tensor in convolution.state_dict().items()
    }
    scratch = tmp_path / "scratch.pth"
    torch.save({**state, "classifier.0.bias": torch.zeros(3)}, scratch)
    digest = hashlib.sha256(scratch.read_bytes()).hexdigest()[:8]
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setitem(perceptual._BACKBONES, "vgg", f"vgg16-{digest}.pth")
    trunk = tmp_path / "hub" / "checkpoints" / f"vgg16-{digest}.pth"
    trunk.parent.mkdir(parents=True)
    scratch.rename(trunk)
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
    weights = tmp_path / "home" / "cache" / "measures" / "dists" / WEIGHTS
    weights.parent.mkdir(parents=True)
    torch.save({name: network.get_parameter(name).data.view(1, -1, 1, 1) for name in ("alpha", "beta")}, weights)
    monkeypatch.setattr(texture, "DISTS", {WEIGHTS: hashlib.sha256(weights.read_bytes()).hexdigest()})
    return trunk, weights


def test_with_both_files_it_is_measured_beside_the_others(published: tuple[Path, Path], random: Dists) -> None:
    distances, notes = load_distances()
    found = next(each for each in distances if each.key == "dists")
    assert not any(note.startswith("DISTS") for note in notes)
    a, b = drawn(40, 48), drawn(40, 48, seed=1)
    assert found.distance(a, b) == random.distance(a, b) > 0


@pytest.mark.parametrize("which", [0, 1], ids=["trunk", "weights"])
def test_absent_and_altered_files_are_named_with_the_remedy_and_never_loaded(
    which: int, published: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "load", None)  # to call it would fail
    published[which].write_bytes(b"not weights")
    altered = load_dists()
    published[which].unlink()
    absent = load_dists()
    for each, what in ((altered, ("damaged", "differ from the published ones")[which]), (absent, "not on disk")):
        assert isinstance(each, Absent)
        assert str(published[which]) in each.reason and what in each.reason
        assert ("torchvision's vgg16-", "fetch measures")[which] in each.remedy
    assert any(note.startswith("DISTS: absent") for note in load_distances()[1])


def test_distance_is_zero_for_equal_pictures_and_the_same_both_ways(random: Dists) -> None:
    a, b = drawn(40, 48), drawn(40, 48, seed=1)
    assert random.distance(a, a) == 0.0
    assert random.distance(a, b) == pytest.approx(random.distance(b, a), rel=1e-5)


def test_another_grain_of_one_texture_costs_less_than_a_blur_that_errs_less() -> None:
    """Where texture alone counts, as it does most in the published weights."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = DistsNetwork().requires_grad_(False)
    model.beta.mul_(0.15)
    metric = Dists(model)
    rng = np.random.default_rng(2)
    one, other = (np.asarray(0.5 + 0.1 * rng.standard_normal((64, 64, 3)), np.float32) for _ in range(2))
    flat = np.full_like(one, 0.5)
    assert np.square(one - flat).mean() < 0.6 * np.square(one - other).mean()
    assert metric.distance(one, other) < 0.8 * metric.distance(one, flat)


def test_a_batch_gives_the_distance_of_each_of_its_pictures(network: DistsNetwork) -> None:
    a, b = torch.rand(3, 3, 36, 33, generator=torch.Generator().manual_seed(1)), torch.full((3, 3, 36, 33), 0.5)
    together = network(a, b)
    assert together.shape == (3,)
    torch.testing.assert_close(together, torch.cat([network(a[k : k + 1], b[k : k + 1]) for k in range(3)]))


def test_pooling_is_the_root_of_the_mean_square_about_every_second_place(network: DistsNetwork) -> None:
    """By Eq. 1, with the window's nine weights written out."""
    with torch.random.fork_rng():
        x = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    _, first, second, *_ = network._features(x)
    line = torch.tensor([0.25, 0.5, 0.25])
    window = line[:, None] * line
    place = (first[0, :, 3:6, 5:8].square() * window).sum((1, 2)).sqrt()
    pooled = torch.nn.functional.conv2d(
        torch.nn.functional.pad(first.square(), (1, 1, 1, 1)), window.expand(64, 1, 3, 3), stride=2, groups=64
    ).sqrt()
    torch.testing.assert_close(pooled[0, :, 2, 3], place)
    again = pooled
    for convolution in list(network.stages)[1].children():
        again = torch.relu(convolution(again))
    torch.testing.assert_close(again, second, atol=1e-4, rtol=1e-4)


def test_pictures_of_different_or_too_small_size_are_refused(random: Dists) -> None:
    with pytest.raises(ValueError, match="differ in size"):
        random.distance(drawn(40, 48), drawn(40, 47))
    with pytest.raises(ValueError, match="at least 16x16 px, not 48x15"):
        random.distance(drawn(15, 48), drawn(15, 48))
    assert random.distance(drawn(16, 16), drawn(16, 16, seed=1)) > 0
