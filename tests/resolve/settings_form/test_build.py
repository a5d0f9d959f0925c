"""The form offers what the daemon offers, and its answers become wishes that a job can be made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.backends.catalogue import families
from answerprint.errors import InputError
from answerprint.frames.codec_choice import LIKE_SOURCE
from answerprint.frames.codecs import CODECS
from answerprint.pipeline.choices import resolve
from answerprint.pipeline.working_space import SPACES
from answerprint.resolve.put_back.modes import MODES
from answerprint.resolve.restore.settings import RestoreSettings, recall_settings, remember_settings
from answerprint.resolve.settings_form.answers import settings_from
from answerprint.resolve.settings_form.build import form_for
from answerprint.resolve.settings_form.form import FormField
from answerprint.rpc.convert_info import ModelForm, option_from
from answerprint.rpc.v1 import models_pb2
from answerprint.temporal.options import describe
from resolve.settings_form.offers import FACES, METHOD, MODELS, TINY, field, form


def wished(
    answers: Mapping[str, object], wishes: RestoreSettings | None = None, models: list[ModelForm] | None = None
) -> RestoreSettings:
    """The wishes of answers."""
    was, offered = wishes or RestoreSettings(), MODELS if models is None else models
    return settings_from(form(was, offered), answers, offered, METHOD, was)


def test_every_option_of_the_daemon_is_asked_once_and_the_common_ones_first() -> None:
    asked = form()
    names = [each.name for each in asked.fields]
    assert len(names) == len(set(names))
    for option in (*METHOD, *TINY.options, *FACES.options):
        assert f"option.{option.name}" in names
    common = ["model", "task", "size", "strength", "steps", "put", "handles", "disable", "folder", "codec"]
    assert [each.name for each in asked.group("common")] == common
    assert names[: len(common)] == common
    assert all(each.help and each.label for each in asked.fields)
    assert [value for value, _ in field(asked, "put").choices] == list(MODES)
    assert [value for value, _ in field(asked, "codec").choices] == [*CODECS, LIKE_SOURCE]
    assert [value for value, _ in field(asked, "working_space").choices] == ["auto", *SPACES]
    assert [value for value, _ in field(asked, "damaged").choices] == ["keep", "hold", "fail"]
    assert "Input Color Space" in field(asked, "working_space").help


def test_basic_switches_come_before_the_others() -> None:
    basic = [option.group == "basic" for option in METHOD]
    asked = [each.name for each in form().group("advanced")][: len(METHOD)]
    groups = [next(option.group for option in METHOD if f"option.{option.name}" == name) for name in asked]
    assert groups == ["basic"] * sum(basic) + ["advanced"] * (len(METHOD) - sum(basic))


def test_a_question_with_one_answer_is_not_asked() -> None:
    assert "task" not in [each.name for each in form(models=[TINY]).fields]
    assert wished({}, models=[TINY]).settings["task"] == "sr"


def test_a_form_that_is_accepted_as_it_is_means_the_defaults() -> None:
    wishes = wished({}, models=[TINY])
    assert replace(wishes, settings={}) == RestoreSettings()
    request = RestoreRequest.from_json({**wishes.settings, "input": "a", "output": "b"})
    # The one model that this daemon offers is not the usual one, so it stands in the settings.
    assert request == RestoreRequest(ClipRef("a"), "b", model=TINY.name)


@pytest.mark.parametrize("default", [option.name for option in describe()])
def test_each_default_of_the_method_is_the_option_s_own(default: str) -> None:
    option = next(each for each in describe() if each.name == default)
    shown = field(form(), f"option.{default}")
    assert option.text(option.parse(shown.shown(shown.default))) == option.default_text


def test_what_is_chosen_becomes_settings_that_the_worker_understands() -> None:
    wishes = wished(
        {
            "model": "tiny-x4",
            "task": "sr",
            "strength": "0,8",
            "steps": "3",
            "seed": "12",
            "size": "3/2",
            "put": "track",
            "handles": 12.0,
            "disable": True,
            "codec": "ffv1",
            "option.chunk": "4",
            "option.noise": "flow",
            "option.consistency": False,
            "option.warp_stage": "0-0.30",
            "option.merge_ratio": "0.5",
            "option.sampler": "ddpm",
        }
    )
    assert (wishes.put, wishes.handles, wishes.disable, wishes.codec, wishes.folder) == ("track", 12, True, "ffv1", "")
    request = RestoreRequest.from_json({**wishes.settings, "input": "a", "output": "b"})
    assert (request.strength, request.steps, request.seed, request.scale) == (0.8, 3, 12, "3/2")
    assert (request.chunk, request.noise, request.consistency) == (4, "flow", False)
    assert request.options == {"warp_stage": "0-0.3", "merge_ratio": "0.5", "sampler": "ddpm"}
    choices = resolve(request, families()["tiny"])
    assert (choices.steps, choices.sampler, choices.method.chunk) == (3, "ddpm", 4)


def test_a_size_in_pixels_takes_the_place_of_a_factor() -> None:
    before = RestoreSettings(settings={"scale": "2"})
    assert field(form(before), "size").default == "2"
    wishes = wished({"size": "1920x1080"}, before)
    assert wishes.settings["size"] == (1920, 1080)
    assert "scale" not in wishes.settings
    assert field(form(wishes), "size").default == "1920x1080"
    assert not {"scale", "size"} & set(wished({"size": ""}, wishes).settings)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"size": "large"}, "Size cannot be 'large'"),
        ({"size": "0"}, "Size cannot be '0'"),
        ({"size": "8"}, "Size cannot be '8' with the model tiny-x4. Give a factor of at most 4."),
        ({"size": "0x100"}, "Size cannot be '0x100'. Give a factor"),
        ({"strength": "2"}, "Strength cannot be '2'. Give a number from 0 to 1."),
        ({"steps": "0"}, "Steps cannot be '0'"),
        ({"handles": "10001"}, "Handles cannot be '10001'"),
        ({"put": "elsewhere"}, "Put back cannot be 'elsewhere'"),
        ({"codec": "vhs"}, "Codec cannot be 'vhs'"),
        ({"folder": "restored"}, "Folder cannot be 'restored'. Give an absolute path"),
        ({"folder": "~nobody-of-that-name/x"}, "Folder cannot be"),
        ({"task": "face"}, "Task cannot be 'face' with the model tiny-x4. Choose sr."),
        ({"model": "faces"}, "Task cannot be 'sr' with the model faces. Choose face or denoise."),
        ({"option.warp_stage": "all"}, "Warp stage cannot be 'all'. Give two numbers FROM-TO"),
        ({"option.merge_ratio": "1.5"}, "Merge ratio cannot be '1.5'"),
        ({"option.sampler": "other"}, "Sampler cannot be 'other'. Give one of ddim"),
        ({"option.chunk": "0"}, "Chunk cannot be '0'"),
    ],
)
def test_what_cannot_be_meant_names_its_field(answers: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as refused:
        wished(answers)
    assert words in str(refused.value)


def test_the_most_handles_that_can_be_asked_for_can_be_wished() -> None:
    most = field(form(), "handles").maximum
    assert wished({"handles": most}).handles == most
    with pytest.raises(InputError, match="handles"):
        RestoreSettings(handles=int(most or 0) + 1)


def test_an_option_that_only_another_model_has_does_not_travel() -> None:
    guidance = field(form(), "option.guidance")
    assert "Only with faces." in guidance.help
    assert wished({"option.guidance": "9"}).settings["options"] == {}
    faces = {"model": "faces", "task": "face", "option.guidance": "9", "option.sampler": "other"}
    assert wished(faces).settings["options"] == {"guidance": "9", "sampler": "other"}


def test_where_models_differ_in_a_default_each_keeps_its_own_unless_told() -> None:
    sampler = field(form(), "option.sampler")
    assert sampler.default is None
    assert sampler.empty
    for model in (TINY, FACES):
        answers = {"model": model.name, "task": model.tasks[0]}
        assert wished(answers).settings["options"] == {}
    told = {"model": "faces", "task": "face", "option.sampler": "ddpm"}
    assert wished(told).settings["options"] == {}  # its own anyway
    assert wished({"option.sampler": "ddpm"}).settings["options"] == {"sampler": "ddpm"}


def test_strength_is_asked_for_and_sent_only_where_a_picture_is_given() -> None:
    depth = replace(FACES, name="far", gives="depth", tasks=("depth",), options=())
    both = field(form(models=[TINY, depth]), "strength")
    assert both.help.endswith("Only with tiny-x4.")
    assert "Only with" not in field(form(), "strength").help
    far = {"model": "far", "task": "depth", "strength": 0.5}
    assert wished(far, models=[TINY, depth]).settings["strength"] == 1
    assert wished({"strength": 0.5}, models=[TINY, depth]).settings["strength"] == 0.5
    alone = form(RestoreSettings(settings={"strength": 0.5}), [depth])
    assert "strength" not in [each.name for each in alone.fields]
    settings = wished({}, RestoreSettings(settings={"strength": 0.5}), [depth]).settings
    assert settings["strength"] == 1
    RestoreRequest.from_json({**settings, "input": "a", "output": "b"})


def test_steps_are_asked_for_as_far_as_a_model_can_take_them() -> None:
    one, few = replace(FACES, name="one", most_steps=1), replace(FACES, name="few", most_steps=4)
    assert "steps" not in [each.name for each in form(models=[one]).fields]
    assert "steps" not in wished({}, RestoreSettings(settings={"steps": 9}), [one]).settings
    assert field(form(models=[one, few]), "steps").maximum == 4
    assert field(form(models=[one, TINY]), "steps").maximum is None
    with pytest.raises(InputError, match=r"Steps cannot be 4 with the model one\. Give at most 1, or leave it empty"):
        wished({"model": "one", "task": "face", "steps": 4}, models=[one, few])


def test_sizes_that_models_can_make_are_told() -> None:
    other = replace(FACES, largest_scale=4, task_scales={"denoise": 1})
    assert field(form(models=[TINY, other]), "size").help.endswith(
        "Largest factor: tiny-x4 4, faces 4 (denoise: 1 by default)."
    )


def test_the_task_is_asked_for_once_though_it_is_an_option_of_the_model() -> None:
    option = replace(METHOD[0], name="task", kind="choice", default="face", choices=("face", "denoise"))
    names = [each.name for each in form(models=[replace(FACES, options=(option,))]).fields]
    assert "task" in names and "option.task" not in names


def test_a_text_may_be_emptied() -> None:
    faces = {"model": "faces", "task": "face"}
    assert wished(faces).settings["options"] == {}
    assert wished({**faces, "option.prompt": ""}).settings["options"] == {"prompt": ""}


def test_what_was_chosen_the_last_time_is_the_default_the_next_time(tmp_path: Path) -> None:
    answers = {
        "strength": 0.25,
        "steps": 9,
        "size": "640x480",
        "put": "take",
        "handles": 3,
        "folder": str(tmp_path),
        "codec": "prores-hq",
        "option.noise": "chunk",
        "option.consistency": False,
        "option.warp_strength": 0.125,
        "option.merge": False,
        "option.eta": 0.5,
        "seed": 2**62 + 1,
    }
    chosen = wished(answers)
    remember_settings(tmp_path, "project", chosen)
    shown = form(recall_settings(tmp_path, "project"))
    assert {name: field(shown, name).default for name in answers} == answers
    assert wished({}, recall_settings(tmp_path, "project")).settings == {**chosen.settings, "size": (640, 480)}


def test_settings_that_are_not_asked_stay_as_they_were() -> None:
    before = RestoreSettings(settings={"device": "cpu", "overwrite": False}, priority=7, not_before=12.5)
    after = wished({}, before)
    assert after.settings["device"] == "cpu"
    assert (after.priority, after.not_before) == (7, 12.5)


def test_options_from_the_command_line_are_understood() -> None:
    before = RestoreSettings(
        settings={"options": {"warp-strength": "0.3", "chunk": "5", "gone": "1"}, "scale": None, "chunk": None}
    )
    assert field(form(before), "option.warp_strength").default == 0.3
    assert field(form(before), "option.chunk").default == 5
    after = wished({}, before)
    assert after.settings["options"] == {"warp_strength": "0.3"}
    assert after.settings["chunk"] == 5


def test_a_model_of_the_last_time_that_is_gone_gives_way_and_it_is_said() -> None:
    before = RestoreSettings(settings={"model": "diffbir", "task": "denoise"})
    shown = form(before, [TINY, replace(FACES, name="diffbir", ready=False, fault="a file is damaged")])
    assert field(shown, "model").default == "tiny-x4"
    assert shown.problem == "The last model, diffbir, is not available: a file is damaged."
    assert form(RestoreSettings(settings={"model": "faces"})).problem == ""


def test_without_a_model_there_is_nothing_to_ask() -> None:
    with pytest.raises(InputError, match=r"No model is ready \(faces: damaged\).*models list"):
        form_for([replace(FACES, ready=False, fault="damaged")], METHOD, RestoreSettings())


@pytest.mark.parametrize(
    "kept",
    [
        {"strength": "much", "steps": -1, "seed": None, "size": [1], "task": 7},
        {"options": {"chunk": "none"}, "chunk": "x", "consistency": "maybe", "model": 3, "size": "10x10"},
        {"options": ["chunk"], "size": 7, "scale": 0},
    ],
)
def test_settings_that_make_no_sense_any_more_give_way_to_the_defaults(kept: dict[str, Any]) -> None:
    shown, usual = form(RestoreSettings(settings=kept)), form()
    assert [each.default for each in shown.fields] == [each.default for each in usual.fields]


def test_an_option_of_a_newer_daemon_is_a_line_of_text() -> None:
    newer = option_from(models_pb2.Option(name="curve", kind="spline", default_value="0,0 1,1"))
    asked = form_for([TINY], [*METHOD, newer], RestoreSettings())
    assert field(asked, "option.curve").kind == "text"
    wishes = settings_from(asked, {"option.curve": "0,0 2,2"}, [TINY], [*METHOD, newer], RestoreSettings())
    assert wishes.settings["options"] == {"curve": "0,0 2,2"}


def test_the_name_of_a_project_cannot_break_a_terminal() -> None:
    assert "\x1b" not in form_for(MODELS, METHOD, RestoreSettings(), "Reel\x1b[2J\n7").intro


def _values(asked: FormField) -> st.SearchStrategy[object]:
    if asked.kind == "choice":
        return st.sampled_from([value for value, _ in asked.choices])
    if asked.kind == "switch":
        return st.booleans()
    if asked.kind == "integer":
        return st.integers(int(asked.minimum or 0), int(min(asked.maximum or 1000, 2**40)))
    if asked.kind == "number":
        return st.floats(asked.minimum or 0, 1e3 if asked.maximum is None else asked.maximum)
    return st.just(asked.default)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_answers_survive_being_remembered(data: st.DataObject) -> None:
    shown = form(models=[TINY])
    answers = {each.name: data.draw(_values(each), each.name) for each in shown.fields}
    once = wished(answers, models=[TINY])
    twice = wished({}, once, models=[TINY])
    assert twice == once
    resolve(RestoreRequest.from_json({**once.settings, "input": "a", "output": "b"}), families()["tiny"])
