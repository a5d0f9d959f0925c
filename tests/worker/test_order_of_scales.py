"""Models that can enlarge by several numbers do no more than the wanted size needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.backends import catalogue
from answerprint.backends.catalogue import ModelEntry
from answerprint.backends.diffbir.info import INFO
from answerprint.errors import InputError, ModelError
from answerprint.worker import resolved_job
from answerprint.worker.resolved_job import ResolvedJob
from backends.builders_generator import COMPACT, write_generator
from media.makers import make_movie, make_png


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_movie(tmp_path / "clip.mov", 2)


def understood(clip: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> ResolvedJob:  # noqa: ANN401 - of a request
    """The order for a model of the family diffbir, whose weights nothing here reads."""
    monkeypatch.setattr(resolved_job, "at_hand", lambda name: ModelEntry(name, "diffbir", "Apache-2.0", "", 4))
    assert catalogue.families()["diffbir"] is INFO
    return resolved_job.resolve_job(
        RestoreRequest(ClipRef(str(clip)), str(clip.with_name("out.mov")), "diffbir-v2", **settings)
    )


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
    with pytest.raises(InputError, match="cannot produce"):
        understood(clip, monkeypatch, size=(300, 48))
    with pytest.raises(ModelError, match="does not support the task depth"):
        understood(clip, monkeypatch, task="depth")


def test_a_picture_larger_than_any_file_may_hold_is_refused_before_it_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
    write_generator(tmp_path / "home" / "models" / "mine", COMPACT)
    wide = make_png(tmp_path / "wide.png", np.zeros((2, 8192, 3), np.uint16))

    def understand(**settings: Any) -> ResolvedJob:  # noqa: ANN401 - of a request
        return resolved_job.resolve_job(
            RestoreRequest(ClipRef(str(wide)), str(tmp_path / "out.png"), "mine", **settings)
        )

    with pytest.raises(InputError, match="would produce 32768x8 from 8192x2: too large to write") as caught:
        understand()
    assert "16384 pixels per side" in caught.value.remedy
    assert understand(scale="2").size == (16384, 4)


def test_a_model_that_waits_in_a_package_is_made_before_its_weights_count(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clip that goes on after its first chunks finds the same weights as at its beginning."""
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
    name = "realesr-animevideov3"
    request = RestoreRequest(ClipRef(str(clip)), str(clip.with_name("out.mov")), name)
    assert catalogue.find_model(name).folder is None
    first, again = resolved_job.resolve_job(request), resolved_job.resolve_job(request)
    assert len(first.weights) == 1 and first.weights == again.weights
    assert first.fingerprint == again.fingerprint
    assert first.size == (256, 192) and first.latent_size == (64, 48)


def test_a_family_of_one_scale_is_what_it_was() -> None:
    fixed = replace(INFO, scale_option="", task_scales=())
    assert fixed.at({"enlarge": "2"}) is fixed
    assert fixed.scale_for("denoise", {"enlarge": "2"}) == 4
