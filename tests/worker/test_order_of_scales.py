"""Models that can enlarge by several numbers do no more than the wanted size needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from answerprint.backends import catalogue
from answerprint.backends.catalogue import ModelEntry
from answerprint.backends.diffbir.info import INFO
from answerprint.errors import InputError, ModelError
from answerprint.frames.request import RestoreRequest
from answerprint.worker import order
from answerprint.worker.order import Order
from media.makers import make_movie


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_movie(tmp_path / "clip.mov", 2)


def understood(clip: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Order:  # noqa: ANN401 - of a request
    """The order for a model of the family diffbir, whose weights nothing here reads."""
    monkeypatch.setattr(order, "find", lambda name: ModelEntry(name, "diffbir", "Apache-2.0", "", 4))
    assert catalogue.families()["diffbir"] is INFO
    return order.understand(RestoreRequest(str(clip), str(clip.with_name("out.mov")), "diffbir-v2", **settings))


@pytest.mark.parametrize(
    ("settings", "size", "enlarge"),
    [
        ({}, (256, 192), "4"),
        ({"scale": "1"}, (64, 48), "1"),
        ({"scale": "3/2"}, (96, 72), "2"),
        ({"size": (65, 48)}, (65, 48), "2"),
        ({"scale": "1/2"}, (32, 24), "1"),
        ({"task": "denoise"}, (64, 48), "1"),
        ({"task": "face", "scale": "2"}, (128, 96), "2"),
        ({"options": {"enlarge": "3"}}, (192, 144), "3"),
        ({"options": {"enlarge": "4"}, "scale": "1"}, (64, 48), "4"),
    ],
)
def test_a_picture_is_made_as_large_as_it_has_to_be(
    clip: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], size: tuple[int, int], enlarge: str
) -> None:
    made = understood(clip, monkeypatch, **settings)
    assert (made.size, made.choices.model_options["enlarge"]) == (size, enlarge)
    assert made.choices.model_options["task"] == settings.get("task", "sr")
    assert made.latent_size == (64 * int(enlarge) // 8, 48 * int(enlarge) // 8)


def test_what_no_scale_can_make_is_refused(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="cannot make"):
        understood(clip, monkeypatch, size=(300, 48))
    with pytest.raises(ModelError, match="does not do the task depth"):
        understood(clip, monkeypatch, task="depth")


def test_a_family_of_one_scale_is_what_it_was() -> None:
    fixed = replace(INFO, scale_option="", task_scales=())
    assert fixed.at({"enlarge": "2"}) is fixed
    assert fixed.scale_for("denoise", {"enlarge": "2"}) == 4
