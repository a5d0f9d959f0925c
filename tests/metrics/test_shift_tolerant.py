"""Promises of ST-LPIPS: a reason where its weights are absent, and what it sees where they are there.

With random weights the network is checked against the equations; with the published ones, where this machine has them,
against figures of the authors' own program.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from answerprint.metrics import shift_tolerant
from answerprint.metrics.perceptual import Absent, Network
from answerprint.metrics.shift_tolerant import ShiftTolerant, ShiftTolerantNetwork, load_shift_tolerant
from metrics.scenes import blurred, flickering, texture

NETWORKS: tuple[Network, ...] = ("alex", "vgg")


@pytest.fixture(params=NETWORKS)
def random(request: pytest.FixtureRequest) -> Iterator[ShiftTolerant]:
    """Either trunk with random weights, non-negative heads as the published ones have, and a real low-pass filter."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = ShiftTolerantNetwork(request.param)
    line = torch.tensor([1.0, 2.0, 1.0]) / 4
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("filt"):
                tensor.copy_((line[:, None] * line).expand_as(tensor))
            elif name.startswith("heads"):
                tensor.abs_()
        model.shift.zero_()
        model.scale.fill_(1.0)
    yield ShiftTolerant(request.param, model.eval(), "cpu")


@pytest.fixture(params=NETWORKS)
def published(request: pytest.FixtureRequest) -> ShiftTolerant:
    """Either trunk as its authors trained it, on machines that have it."""
    metric = load_shift_tolerant(request.param)
    if isinstance(metric, Absent):
        pytest.skip(metric.remedy)
    return metric


def test_absent_weights_are_reported_with_the_remedy(tmp_path: Path) -> None:
    absent = load_shift_tolerant(folder=tmp_path)
    assert isinstance(absent, Absent)
    assert str(tmp_path / "alex_shift_tolerant.pth") in absent.reason
    assert "fetch measures" in absent.remedy


def test_altered_weights_are_never_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "load", None)  # to call it would fail
    (tmp_path / "vgg_shift_tolerant.pth").write_bytes(b"not weights")
    absent = load_shift_tolerant("vgg", folder=tmp_path)
    assert isinstance(absent, Absent)
    assert "differ from the published ones" in absent.reason


def test_weights_in_the_published_file_find_their_places(
    random: ShiftTolerant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names of the authors' file, written from ours, hashed, and read back into an equal measure."""
    path = tmp_path / f"{random.network}_shift_tolerant.pth"
    torch.save({_published_name(name): tensor for name, tensor in random._model.state_dict().items()}, path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    monkeypatch.setattr(shift_tolerant, "MEASURES", {path.name: digest})
    again = load_shift_tolerant(random.network, folder=tmp_path)
    assert isinstance(again, ShiftTolerant)
    assert str(again) == f"ST-LPIPS, {random.network} backbone"
    a, b = texture(40, 48), texture(40, 48, seed=1)
    assert again.distance(a, b) == random.distance(a, b) > 0


def test_distance_is_zero_for_equal_pictures_and_the_same_both_ways(random: ShiftTolerant) -> None:
    a, b = texture(40, 48), texture(40, 48, seed=1)
    assert random.distance(a, a) == 0.0
    assert random.distance(a, b) == pytest.approx(random.distance(b, a), rel=1e-5)


def test_a_batch_gives_the_distance_of_each_of_its_pictures(random: ShiftTolerant) -> None:
    a, b = torch.rand(3, 3, 36, 33, generator=torch.Generator().manual_seed(1)), torch.full((3, 3, 36, 33), 0.5)
    together = random._model(a, b)
    alone = torch.cat([random._model(a[k : k + 1], b[k : k + 1]) for k in range(3)])
    assert together.shape == (3,)
    torch.testing.assert_close(together, alone)


def test_pictures_of_different_or_too_small_size_are_refused(random: ShiftTolerant) -> None:
    with pytest.raises(ValueError, match="differ in size"):
        random.distance(texture(40, 48), texture(40, 47))
    with pytest.raises(ValueError, match="at least 32x32 px, not 48x31"):
        random.distance(texture(31, 48), texture(31, 48))
    assert random.distance(texture(32, 32), texture(32, 32, seed=1)) > 0


def test_distance_grows_with_blur_and_with_noise(published: ShiftTolerant) -> None:
    truth = texture(96, 128)
    for worse in (blurred, flickering):
        scale = (0.8, 1.6, 3.2) if worse is blurred else (0.03, 0.08, 0.2)
        figures = [published.distance(worse([truth], amount)[0], truth) for amount in scale]
        assert figures == sorted(figures)
        assert figures[-1] > 2 * figures[0] > 0


def test_a_shift_of_a_pixel_costs_less_than_a_blur_that_psnr_prefers(published: ShiftTolerant) -> None:
    truth = texture(96, 128)
    shifted, kept = truth[:, 1:], np.ascontiguousarray(truth[:, :-1])
    soft = blurred([kept], 1.0)[0]
    assert np.square(shifted - kept).mean() > np.square(soft - kept).mean()
    assert published.distance(shifted, kept) < published.distance(soft, kept) / 2


AUTHORS = {"alex": 0.339996, "vgg": 0.196797}
"""What the authors' program says of the two pictures below."""


def test_figures_are_those_of_the_authors_program(published: ShiftTolerant) -> None:
    truth = texture(90, 122)
    assert published.distance(blurred([truth], 1.5)[0], truth) == pytest.approx(AUTHORS[published.network], abs=1e-5)


def _published_name(own: str) -> str:
    first, _, rest = own.partition(".")
    number, _, layer = rest.partition(".")
    if first == "heads":
        return f"lin{number}.model.1.weight"
    return f"net.slice{int(number) + 1}.{layer}" if first == "slices" else f"scaling_layer.{own}"
