"""What a daemon says of its models is what forms are built of; one that is older says less, and forms still work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from answerprint.backends.catalogue import ModelEntry, families
from answerprint.option import Option
from answerprint.resolve.restore.settings import RestoreSettings
from answerprint.resolve.settings_form.build import form_for
from answerprint.rpc.convert_info import ModelForm, model_to
from answerprint.rpc.v1 import models_pb2
from answerprint.server import services
from server.harness import Running

ADDED = ("gives", "task_scales", "most_steps")
"""Fields that the first daemons did not send."""


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
    with Running(tmp_path / "run") as server:
        yield server


def described(running: Running) -> tuple[dict[str, ModelForm], list[Option]]:
    """Every model by its name, as if its weights were here, and the options of the method."""
    with running.client() as client:
        models, options = client.models()
    return {model.name: replace(model, ready=True) for model in models}, list(options)


def asked(model: ModelForm, options: list[Option]) -> list[str]:
    """Names of what a form asks about one model."""
    return [field.name for field in form_for([model], options, RestoreSettings()).fields]


def test_models_tell_what_forms_need(running: Running) -> None:
    models, _ = described(running)
    for model in models.values():
        info = families()[model.family].of_scale(model.scale)
        assert (model.gives, model.most_steps) == (info.gives, info.most_steps)
        assert model.task_scales == dict(info.task_scales)
        assert model.largest_scale == (info.largest_scale or info.scale)
    assert models["marigold-depth"].gives == "depth"
    assert models["diffbir-v2"].task_scales == {"denoise": 1, "face": 1}
    assert models["sd-x4-upscaler"].largest_scale == 16


def test_form_leaves_out_what_the_model_does_not_have(running: Running) -> None:
    models, options = described(running)
    assert "strength" not in asked(models["marigold-depth"], options)
    for name in ("tiny-x4", "sd-x4-upscaler", "diffbir-v2", "ldm-sr-x4"):
        assert {"strength", "steps"} <= set(asked(models[name], options)), name


def test_an_older_daemon_still_makes_a_form(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def older(entry: ModelEntry) -> models_pb2.Model:
        message = model_to(entry)
        for name in ADDED:
            message.ClearField(name)
        return message

    monkeypatch.setattr(services, "model_to", older)
    models, options = described(running)
    for model in models.values():
        assert (model.gives, model.task_scales, model.most_steps) == ("picture", {}, 0)
        assert {"strength", "steps", "size"} <= set(asked(model, options))
