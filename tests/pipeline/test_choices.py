"""The settings of a request become what the method and the model are told."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.backends.info import ETA, BackendInfo
from answerprint.errors import InputError, ModelError
from answerprint.pipeline.choices import Choices, resolve

INFO = BackendInfo(
    family="fake",
    summary="",
    tasks=("sr",),
    scale=4,
    latent_channels=4,
    latent_factor=8,
    multiple_of=1,
    samplers=("ddim", "ddpm"),
    default_steps=12,
    tile_cells=64,
    bytes_per_cell=1,
    options=(ETA,),
)


def choose(**settings: Any) -> Choices:  # noqa: ANN401 - any setting of a request
    return resolve(RestoreRequest(ClipRef("a"), "b", model="a-model", **settings), INFO)


def test_what_is_not_said_is_the_default_of_the_model() -> None:
    choices = choose()
    assert (choices.steps, choices.sampler, choices.model_options) == (12, "ddim", {})
    assert choices.method.consistency


def test_options_go_to_whom_they_belong() -> None:
    choices = choose(options={"sampler": "ddpm", "eta": "0.5", "merge-ratio": "0.5"}, chunk=3, steps=5)
    assert (choices.steps, choices.sampler, choices.model_options) == (5, "ddpm", {"eta": "0.5"})
    assert (choices.method.merge_ratio, choices.method.chunk) == (0.5, 3)


@pytest.mark.parametrize(("quality", "steps"), [("draft", 6), ("standard", 12), ("best", 12)])
def test_a_quality_is_a_number_of_steps_unless_one_is_given(quality: str, steps: int) -> None:
    assert choose(options={"quality": quality}).steps == steps
    assert choose(options={"quality": quality}, steps=3).steps == 3
    assert choose(options={"quality": quality}).model_options == {}


def test_a_family_says_what_its_qualities_are() -> None:
    info = dataclasses.replace(INFO, draft_steps=4, best_steps=30)
    requests = [
        RestoreRequest(ClipRef("a"), "b", model="a-model", options={"quality": each}) for each in ("draft", "best")
    ]
    wanted = [resolve(request, info).steps for request in requests]
    assert wanted == [4, 30]
    (quality,) = (option for option in info.own_options if option.name == "quality")
    assert "draft 4, standard 12, best 30" in quality.help


def test_a_model_of_one_step_has_nothing_to_choose_and_takes_no_more() -> None:
    info = dataclasses.replace(INFO, default_steps=1, most_steps=1, samplers=("one-step",))
    assert not {"quality", "sampler"} & {option.name for option in info.all_options}
    choices = resolve(RestoreRequest(ClipRef("a"), "b"), info)
    assert (choices.steps, choices.sampler) == (1, "one-step")
    with pytest.raises(InputError, match="does not support 2 steps"):
        resolve(RestoreRequest(ClipRef("a"), "b", steps=2), info)


def test_a_family_has_its_own_defaults_of_the_method() -> None:
    info = dataclasses.replace(INFO, method=(("merge_max_scale", "8"), ("warp_tolerance", "0")))
    method = resolve(RestoreRequest(ClipRef("a"), "b"), info).method
    assert (method.merge_max_scale, method.warp_tolerance) == (8, 0)
    asked = resolve(RestoreRequest(ClipRef("a"), "b", options={"merge-max-scale": "4"}), info)
    assert (asked.method.merge_max_scale, asked.model_options) == (4, {})
    told = {option.name: option.default for option in info.all_options}
    assert (told["merge_max_scale"], told["warp_tolerance"]) == (8, 0)
    assert len(told) == len(info.all_options)


def test_a_preset_sets_many_options_and_given_ones_count_before_it() -> None:
    info = dataclasses.replace(INFO, method=(("warp_strength", "0.9"), ("warp_tolerance", "0")))
    plain, detail, both = (
        resolve(RestoreRequest(ClipRef("a"), "b", options=options), info)
        for options in ({}, {"preset": "detail"}, {"warp-strength": "0.5", "preset": "detail"})
    )
    assert (plain.method.warp_strength, plain.method.warp_tolerance) == (0.9, 0)
    assert (detail.method.warp_strength, detail.method.warp_tolerance) == (0.7, 0.05)
    assert (both.method.warp_strength, both.method.warp_tolerance) == (0.5, 0.05)
    assert detail.model_options == {}
    with pytest.raises(InputError, match="preset does not take 'sharpest'"):
        resolve(RestoreRequest(ClipRef("a"), "b", options={"preset": "sharpest"}), info)


def test_a_flag_of_its_own_wins_over_an_option() -> None:
    method = choose(noise="shared", chunk=2, options={"noise": "chunk", "chunk": "9"}).method
    assert (method.noise, method.chunk) == ("shared", 2)


@pytest.mark.parametrize(
    ("settings", "noise"),
    [
        ({"consistency": False}, "independent"),
        ({"consistency": False, "noise": "shared"}, "shared"),
        ({"consistency": False, "options": {"noise": "flow"}}, "flow"),
        ({"options": {"consistency": "off"}}, "independent"),
    ],
)
def test_without_consistency_noise_is_independent_unless_it_was_chosen(settings: dict[str, Any], noise: str) -> None:
    method = choose(**settings).method
    assert (method.consistency, method.warp, method.merge, method.noise) == (False, False, False, noise)


@pytest.mark.parametrize("settings", [{"task": "depth"}, {"scale": "5"}, {"scale": "4.1"}])
def test_what_the_model_cannot_do_is_an_error_of_the_model(settings: dict[str, Any]) -> None:
    with pytest.raises(ModelError):
        choose(**settings)


@pytest.mark.parametrize("options", [{"grain": "1"}, {"sampler": "dice"}, {"merge_ratio": "much"}, {"eta": "2"}])
def test_a_wrong_option_is_refused_with_what_is_valid(options: dict[str, str]) -> None:
    with pytest.raises(InputError) as refusal:
        choose(options=options)
    assert refusal.value.remedy


def test_choices_are_data() -> None:
    assert dataclasses.is_dataclass(choose())
    assert choose() == choose()
