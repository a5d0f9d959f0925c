"""The page of the protocol names what is on the wire and in `--json`: all of it, and nothing that is not there."""

from __future__ import annotations

import importlib
import json
import re
import stat
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, ServiceDescriptor

from answerprint.errors import AnswerprintError
from answerprint.ipc.events import Stage
from answerprint.rpc.errors import status_of
from answerprint.rpc.limits import ServerLimits
from answerprint.rpc.v1 import frames_pb2, models_pb2, restoration_pb2, system_pb2
from answerprint.scheduler.event_hub import LIVE
from golden import FOLDER
from pages.reading import ROOT, coded, inline_code, section, table
from server.harness import Running

PAGE = ROOT / "docs" / "protocol.md"
FILES = (restoration_pb2, frames_pb2, models_pb2, system_pb2)

BETWEEN_PROCESSES = {"ready", "rendered", "stopped"}
"""Events that a child tells the daemon, and that no user sees."""

Row = dict[str, str]


def rows(heading: str, first: str) -> list[Row]:
    """The table below a heading whose first column is called so."""
    found = table(section(PAGE, heading), first)
    assert found
    return found


def named(found: Sequence[Row]) -> list[str]:
    """What the first cells name; each thing once."""
    names = [word for row in found for word in coded(next(iter(row.values())))]
    assert len(names) == len(set(names))
    return names


def services() -> dict[str, ServiceDescriptor]:
    return {name: each for file in FILES for name, each in file.DESCRIPTOR.services_by_name.items()}


def messages() -> dict[str, Descriptor]:
    return {name: each for file in FILES for name, each in file.DESCRIPTOR.message_types_by_name.items()}


@pytest.mark.parametrize("service", sorted(services()))
def test_every_method_is_there_with_its_errors(service: str) -> None:
    told = rows(f"### {service}", "method")
    assert set(named(told)) == {method.name for method in services()[service].methods}
    codes = set(named(rows("## Errors", "code")))
    for row in told:
        assert set(coded(row["errors of its own"])) <= codes, row["method"]


def test_every_event_is_there_with_all_its_fields() -> None:
    body = messages()["JobEvent"].oneofs_by_name["body"]
    told = {name: row["fields"] for row in rows("## Events", "`body`") for name in coded(row["`body`"])}
    assert told.keys() == {field.name for field in body.fields}
    for field in body.fields:
        assert field.message_type is not None
        fields = coded(re.sub(r"\(.*?\)", "", told[field.name]))
        assert sorted(fields) == sorted(each.name for each in field.message_type.fields), field.name
    stages = re.search(r"\((.*?)\)", told["stage"])
    assert stages is not None
    assert coded(stages[1]) == list(get_args(Stage))


def test_live_events_are_those_without_a_number_of_their_own() -> None:
    assert set(named([row for row in rows("## Events", "`body`") if row["kept"] == "live"])) == set(LIVE)


def test_every_state_is_there_and_leads_to_states() -> None:
    told = rows("## The life of a job", "state")
    names = restoration_pb2.JobState.DESCRIPTOR.values_by_name
    states = {name.removeprefix("JOB_STATE_").lower() for name in names} - {"unspecified"}
    assert set(named(told)) == states
    for row in told:
        said = {word for word in coded(row["goes to"]) if word.islower()}
        assert said <= states | {"disk_full", "too_many_files"}, row["state"]


def _kinds(kind: type[AnswerprintError]) -> Iterator[type[AnswerprintError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _kinds(each)


def test_every_error_code_is_there_with_its_exit_code() -> None:
    told, kept = rows("## Errors", "code"), golden("codes.json")
    known = {**kept["exit codes"], "interrupted": [130]}
    assert {code: [int(row["exit code"])] for row in told for code in coded(row["code"])} == known
    assert len(named(told)) == len(known)
    assert set(kept["codes of other events"]) <= {"interrupted", *inline_code(PAGE)}
    assert all(row["meaning and remedy"] for row in told)


def test_every_status_is_that_of_an_error_with_the_code() -> None:
    for module in ("scheduler.service", "server.server", "worker.source_check", "weights.pulling.pull"):
        importlib.import_module(f"answerprint.{module}")
    known = {(kind.code, status_of(kind.__new__(kind)).name) for kind in _kinds(AnswerprintError)}
    told = {
        (code, status)
        for row in rows("## Errors", "code")
        for code in coded(row["code"])
        for status in coded(row["status"])
    }
    assert told
    assert told <= known


def test_every_exit_code_is_there() -> None:
    told = [int(row["exit code"]) for row in rows("## The command line", "exit code")]
    known = {code for codes in golden("codes.json")["exit codes"].values() for code in codes}
    for page in ("answerprint.txt", "answerprintd.txt"):
        (said,) = re.findall(r"^exit codes: (.*)$", (FOLDER / "help" / page).read_text(), re.MULTILINE)
        known |= {int(number) for number in re.findall(r"\b\d+\b", said)}
    assert told == sorted(known)


def golden(name: str) -> Any:  # noqa: ANN401 - what JSON can say
    """What is frozen of what others see."""
    return json.loads((FOLDER / name).read_text())


def frozen_events() -> dict[str, dict[str, Any]]:
    """The events that are frozen, each with what is known of its keys."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)

    def take(shape: Any) -> None:  # noqa: ANN401
        if isinstance(shape, dict):
            keys = {key.removesuffix("?"): each for key, each in shape.items()}
            if isinstance(name := keys.pop("event", None), str) and " | " not in name:
                found[name] |= keys
        for each in shape.values() if isinstance(shape, dict) else shape if isinstance(shape, list) else ():
            take(each)

    for name in ("events.json", "events_resolve.json"):
        take(golden(name))
    for name, keys in golden("events_rare.json").items():
        found[name] |= dict.fromkeys(set(keys) - {"event"})
    return {name: keys for name, keys in found.items() if name not in BETWEEN_PROCESSES}


def told_keys() -> dict[str, str]:
    """The cell of keys of each event."""
    told = rows("## The command line", "`event`")
    assert len(named(told)) == len(told)
    return {coded(row["`event`"])[0]: row["keys"] for row in told}


def test_every_event_of_json_is_there_with_every_key_that_is_frozen() -> None:
    frozen, told = frozen_events(), told_keys()
    assert told.keys() == frozen.keys()
    for name, keys in frozen.items():
        outer = coded(re.sub(r"\(.*?\)", "", told[name]))
        assert keys.keys() <= set(outer), name
        for key, inner in re.findall(r"`(\w+)` \((`.*?)\)", told[name]):
            assert set(coded(inner)) == keys[key].keys(), f"{name}.{key}"


def test_a_job_in_a_list_has_the_keys_of_its_event() -> None:
    more = {"chunks_done", "history", "freed_bytes"}
    for command in ("jobs list", "queue show"):
        assert set(coded(told_keys()["job"])) - more == golden("events.json")[command]["each of an array"].keys()


def test_no_key_of_json_is_made_up() -> None:
    """One that no frozen event has is at least a name in the sources."""
    sources = "\n".join(path.read_text() for path in (ROOT / "daemon").rglob("*.py"))
    frozen = frozen_events()
    for name, cell in told_keys().items():
        for key in set(coded(re.sub(r"\(.*?\)", "", cell))) - frozen[name].keys():
            assert re.search(rf"\"{key}\"|\b{key}(: \w|=)", sources), f"{name}: {key}"


def test_the_session_file_is_as_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    run = tmp_path_factory.mktemp("h") / "run"
    with Running(run):
        file = run / "session.json"
        said = json.loads(file.read_text())
        modes = [stat.S_IMODE(place.stat().st_mode) for place in (run, file)]
    assert said.keys() == set(named(rows("## Find the daemon", "key")))
    assert said["endpoint"].startswith("unix:/")
    assert re.fullmatch("[0-9a-f]{64}", said["token"])
    assert f"version of this contract: {said['protocol']}" in section(PAGE, "## Find the daemon")
    assert modes == [0o700, 0o600]


@pytest.mark.parametrize("tcp", [False, True])
def test_an_insecure_channel_is_enough_and_a_refusal_tells_what_the_page_says(
    tcp: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Running(tmp_path_factory.mktemp("h") / "run", tcp=tcp) as server:
        session = server.server.session
        with grpc.insecure_channel(session.endpoint) as channel:
            ask = channel.unary_unary(
                "/answerprint.rpc.v1.System/GetInfo",
                request_serializer=system_pb2.GetInfoRequest.SerializeToString,
                response_deserializer=system_pb2.Info.FromString,
            )
            info = ask(system_pb2.GetInfoRequest(), metadata=(server.token,), timeout=5)
            with pytest.raises(grpc.RpcError) as refusal:
                ask(system_pb2.GetInfoRequest(), metadata=(server.token, ("origin", "http://x")), timeout=5)
    assert info.protocol == session.protocol
    assert refusal.value.code() is grpc.StatusCode.UNAUTHENTICATED
    (entry,) = refusal.value.trailing_metadata() or ()
    assert f"`{entry.key}`" in section(PAGE, "## Errors")
    problem = json.loads(entry.value)
    assert problem["code"] == "refused"
    assert problem.keys() | {"again"} == set(named(rows("## Errors", "key")))


def test_limits_are_those_of_the_server() -> None:
    limits, told = ServerLimits(), {row["limit"]: row["value"] for row in rows("## Connect", "limit")}
    assert told["message, both ways"] == f"{limits.max_message_bytes >> 20} MiB"
    assert told["metadata of a request"] == f"{limits.max_metadata_bytes >> 10} KiB"
    numbers = (limits.max_calls, limits.max_watchers, limits.max_slow_calls)
    assert [int(each) for each in re.findall(r"\d+", told["calls at one time"])] == list(numbers)
    assert f"{limits.max_connections}," in told["connections of all clients"]
    assert f"{limits.idle_seconds:.0f} s" in told["silent connection"]
    assert f"after {limits.call_seconds:.0f} s (`too_slow`)" in section(PAGE, "## Connect").replace("\n", " ")


def test_methods_messages_and_constants_that_are_named_exist() -> None:
    words = inline_code(PAGE)
    camel = {word for word in words if re.fullmatch(r"[A-Z]\w*[a-z]\w*", word)}
    methods = {method.name for service in services().values() for method in service.methods}
    assert camel <= methods | messages().keys() | {"Check", "List", "Watch"}  # of grpc.health.v1
    shouted = {word for word in words if re.fullmatch(r"[A-Z]+(?:_[A-Z]+)+", word)}
    values = {name for file in FILES for name in _values(file.DESCRIPTOR)}
    assert shouted <= values | set(grpc.StatusCode.__members__) | {"ANSWERPRINT_HOME"}


def _values(file: object) -> Iterator[str]:
    def of(enums: object) -> Iterator[str]:
        for enum in enums.values():  # type: ignore[attr-defined]
            yield from enum.values_by_name

    yield from of(file.enum_types_by_name)  # type: ignore[attr-defined]
    for message in file.message_types_by_name.values():  # type: ignore[attr-defined]
        yield from of(message.enum_types_by_name)
