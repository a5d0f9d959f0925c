"""A setting is described once: the request, the protocol, the command line and the form agree on every one."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import fields
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import FIELD_TYPES, SETTINGS, RestoreRequest
from answerprint.api.types import NewJob
from answerprint.cli.settings import add_settings, settings_of
from answerprint.errors import InputError
from answerprint.rpc.convert import new_job_from, new_job_to
from answerprint.rpc.v1 import restoration_pb2 as pb
from answerprint.server.validate import validate

ID = "0b0e9c1e-6d2f-4b3e-9a51-3f5f0d6c7a21"
OF_CLIP_OR_RESULT = {"clip", "output", "codec", "overwrite", "parts", "sidecar", "framemd5"}
"""Fields of a request that the protocol has in its messages ClipRef and Deliverable."""
TYPES = {
    "str": {FieldDescriptor.TYPE_STRING},
    "int": {FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_UINT64},
    "float": {FieldDescriptor.TYPE_DOUBLE},
    "bool": {FieldDescriptor.TYPE_BOOL},
    "tuple[int, int]": {FieldDescriptor.TYPE_MESSAGE},
    "Mapping[str, str]": {FieldDescriptor.TYPE_MESSAGE},
}
USUAL = RestoreRequest(ClipRef("/in.mov"), "/out.mov")

each_setting = pytest.mark.parametrize("name", SETTINGS)


def plain_type(name: str) -> str:
    return FIELD_TYPES[name].removesuffix(" | None")


def unusual(name: str) -> Any:  # noqa: ANN401 - of the setting's type
    """A value that is allowed, and not the default."""
    setting, kind = SETTINGS[name], plain_type(name)
    if setting.choices:
        return setting.choices[-1]
    if kind == "bool":
        return not getattr(USUAL, name)
    if kind == "int":
        assert setting.maximum is not None
        return int(setting.maximum)
    if kind == "float":
        assert setting.minimum is not None
        assert setting.maximum is not None
        return setting.minimum + 0.25 * (setting.maximum - setting.minimum)
    if kind == "tuple[int, int]":
        return (640, 480)
    if kind == "Mapping[str, str]":
        return {"warp": "off"}
    return "3/2" if setting.free_text else "flow"


def test_every_setting_of_the_request_is_a_field_of_the_protocol_and_the_other_way_round() -> None:
    in_protocol = {field.name for field in pb.Settings.DESCRIPTOR.fields}
    assert set(SETTINGS) == in_protocol
    assert {field.name for field in fields(RestoreRequest)} - set(SETTINGS) == OF_CLIP_OR_RESULT


@each_setting
def test_the_types_agree(name: str) -> None:
    field = pb.Settings.DESCRIPTOR.fields_by_name[name]
    kind = plain_type(name)
    assert field.type in TYPES[kind]
    assert field.is_repeated == (kind == "Mapping[str, str]")
    # Where 0, off or nothing is a value beside the default, the protocol must tell it from a field that was left out.
    empty = {"int": 0, "float": 0.0, "bool": False}.get(kind)
    assert field.has_presence or empty is None or getattr(USUAL, name) == empty


@each_setting
def test_it_passes_the_protocol(name: str) -> None:
    request = RestoreRequest(ClipRef("/in.mov"), "/out.mov", **{name: unusual(name)})
    message = new_job_to(NewJob(ID, "restore", request.to_json()))
    validate(message)
    received = new_job_from(pb.SubmitJobRequest.FromString(message.SerializeToString()))
    assert RestoreRequest.from_json(received.request) == request
    assert request.changed()[name] == unusual(name)


@each_setting
def test_a_client_that_leaves_it_out_gets_the_default(name: str) -> None:
    message = new_job_to(NewJob(ID, "restore", USUAL.to_json()))
    message.settings.ClearField(name)
    assert RestoreRequest.from_json(new_job_from(message).request) == USUAL


@each_setting
def test_the_command_line_has_it(name: str) -> None:
    parser = ArgumentParser()
    add_settings(parser)
    action = next(action for action in parser._actions if action.dest == name)
    value = unusual(name)
    texts = {"bool": [], "tuple[int, int]": ["640x480"], "Mapping[str, str]": ["warp=off"]}
    args = parser.parse_args([action.option_strings[0], *texts.get(plain_type(name), [str(value)])])
    assert settings_of(args) == settings_of(parser.parse_args([])) | {name: value}


@pytest.mark.parametrize("name", [name for name, setting in SETTINGS.items() if setting.minimum is not None])
def test_numbers_out_of_range_are_refused_on_both_sides(name: str) -> None:
    least, most = SETTINGS[name].minimum, SETTINGS[name].maximum
    assert least is not None
    assert most is not None
    for wrong in (least - 1, most + 1):
        values: dict[str, Any] = {name: wrong}
        with pytest.raises(InputError, match=f"--{name}"):
            RestoreRequest(ClipRef("/in.mov"), "/out.mov", **values)
        if wrong < 0 and plain_type(name) == "int":
            continue  # the protocol has no such number
        message = new_job_to(NewJob(ID, "restore", USUAL.to_json()))
        setattr(message.settings, name, wrong)
        with pytest.raises(InputError, match=rf"settings\.{name}"):
            validate(message)


@pytest.mark.parametrize("name", [name for name in SETTINGS if plain_type(name) in ("int", "float")])
def test_every_number_has_limits(name: str) -> None:
    assert SETTINGS[name].minimum is not None
    assert SETTINGS[name].maximum is not None
