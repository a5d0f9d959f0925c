"""Promises of rows that this program's own models make."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from answerprint.backends.generator.adapter import GeneratorBackend
from answerprint.backends.generator.info import INFO
from answerprint.backends.generator.network import CompactNetwork
from answerprint.metrics.degradations import Degradation, degrade_clip
from answerprint.metrics.own import Own, Studio
from answerprint.metrics.rivals.base import DamagedClip
from answerprint.metrics.variants import NAMED
from answerprint.temporal.options import MethodOptions, parse_option
from metrics.scenes import pan


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """Whose models are one: a small generator with random weights, which enlarges 4 times or takes noise away."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = CompactNetwork(features=4, convolutions=1)
    backend = GeneratorBackend(network.eval().requires_grad_(False), torch.device("cpu"))
    monkeypatch.setattr("answerprint.metrics.own.find_model", lambda _: SimpleNamespace(info=INFO))
    monkeypatch.setattr("answerprint.metrics.own.load", lambda _name, _device: backend)
    with Studio() as opened:
        yield opened


@pytest.mark.parametrize(
    ("task", "scale", "size"), [("sr", 4, (128, 96)), ("denoise", 1, (128, 96)), ("sr", 3, (96, 72))]
)
def test_the_result_has_the_size_of_the_truth_whatever_the_task(
    studio: Studio, task: str, scale: int, size: tuple[int, int]
) -> None:
    """Noise is taken away at the clip's own size, though the network enlarges."""
    truth = pan(3, size[1], size[0])
    low = degrade_clip(truth, scale, Degradation.parse("noise=50"), 0)
    made = Own("a row", "any", NAMED["consistent"], studio).restore(DamagedClip(low, size, task=task))
    assert [picture.shape for picture in made.pictures] == [(size[1], size[0], 3)] * 3
    assert made.seconds_per_frame is not None and made.seconds_per_frame > 0


def test_keyframes_are_counted_from_the_first_frame_of_the_shot(studio: Studio) -> None:
    shot = DamagedClip(pan(6, 16, 24), (96, 64), first=40)
    tied = Own("tied", "any", NAMED["consistent"], studio, {"chunk": "3"}).restore(shot)
    alone = Own("alone", "any", NAMED["per-frame"], studio, {"chunk": "3"}).restore(shot)
    assert len(tied.keyframes) == 2
    assert all(0 <= key < 6 for key in tied.keyframes)
    assert alone.keyframes == ()


def test_a_row_starts_from_the_defaults_of_its_family(studio: Studio) -> None:
    method = Own("a row", "any", NAMED["consistent"], studio).choices("sr").method
    assert INFO.method
    for name, text in INFO.method:
        assert getattr(method, name) == getattr(parse_option(MethodOptions(), name, text), name)
    changed = Own("a row", "any", NAMED["consistent"], studio, {"warp_source": "fused"}).choices("sr").method
    assert changed.warp_source == "fused"


def test_flow_is_estimated_once_for_all_rows_of_a_clip(studio: Studio) -> None:
    shot = DamagedClip(pan(3, 16, 24), (96, 64))
    row = Own("a row", "any", NAMED["consistent"], studio)
    first = row.restore(shot).pictures
    flow = studio.flow()
    studio.flow = lambda: flow  # type: ignore[method-assign]
    again = row.restore(shot).pictures
    assert (flow.misses, flow.hits > 0) == (0, True)
    np.testing.assert_array_equal(np.stack(first), np.stack(again))
