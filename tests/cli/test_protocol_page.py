"""docs/protocol.md names what is on the wire and in `--json`: all of it, and nothing that is not there."""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import json
import re
import signal
import stat
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, ServiceDescriptor

from answerprint.cli.main import main
from answerprint.errors import AnswerprintError
from answerprint.ipc.events import Stage
from answerprint.rpc.errors import status_of
from answerprint.rpc.limits import ServerLimits
from answerprint.rpc.v1 import frames_pb2, models_pb2, restoration_pb2, system_pb2
from answerprint.scheduler.event_hub import LIVE
from media.makers import make_movie
from rpc.harness import Running

ROOT = Path(__file__).parent.parent.parent
CODE = ROOT / "daemon"
PAGE = (ROOT / "docs" / "protocol.md").read_text()
FILES = (restoration_pb2, frames_pb2, models_pb2, system_pb2)

BETWEEN_PROCESSES = {"ready", "rendered", "stopped"}
"""Events that a child tells the daemon, and that no user sees."""

INNER_KEYS = {"models": {"warm", "total_bytes", "free_bytes"}, "report": {"facts"}}
"""Keys of further ones, whose names are those of events that users see."""

Rows = list[list[str]]


def section(title: str) -> str:
    """The text below a heading, up to the next one of its level or above."""
    start = re.search(rf"^(#+) {re.escape(title)}$", PAGE, re.MULTILINE)
    assert start is not None, f"there is no section {title}"
    end = re.compile(rf"^#{{1,{len(start[1])}}} ", re.MULTILINE).search(PAGE, start.end())
    return PAGE[start.end() : end.start() if end else None]


def table(title: str, heading: str) -> Rows:
    """The rows of the table of a section whose first heading that is."""
    lines = section(title).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def words(text: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", text)


def named(rows: Rows) -> list[str]:
    """What the first cells name; each thing once."""
    names = [word for row in rows for word in words(row[0])]
    assert len(names) == len(set(names))
    return names


def services() -> dict[str, ServiceDescriptor]:
    return {name: each for file in FILES for name, each in file.DESCRIPTOR.services_by_name.items()}


def messages() -> dict[str, Descriptor]:
    return {name: each for file in FILES for name, each in file.DESCRIPTOR.message_types_by_name.items()}


@pytest.mark.parametrize("service", sorted(services()))
def test_every_method_is_there_with_its_errors(service: str) -> None:
    rows = table(service, "method")
    assert set(named(rows)) == {method.name for method in services()[service].methods}
    codes = set(named(table("Errors", "code")))
    for row in rows:
        assert set(words(row[3])) <= codes, row[0]


def test_every_event_is_there_with_all_its_fields() -> None:
    body = messages()["JobEvent"].oneofs_by_name["body"]
    rows = {words(row[0])[0]: row for row in table("Events", "`body`")}
    assert rows.keys() == {field.name for field in body.fields}
    for field in body.fields:
        assert field.message_type is not None
        fields = words(re.sub(r"\(.*?\)", "", rows[field.name][2]))
        assert fields == sorted(fields, key=fields.index)
        assert set(fields) == {each.name for each in field.message_type.fields}, field.name
    stages = re.search(r"\((.*?)\)", rows["stage"][2])
    assert stages is not None
    assert words(stages[1]) == list(get_args(Stage))


def test_live_events_are_those_without_a_number_of_their_own() -> None:
    assert {words(row[0])[0] for row in table("Events", "`body`") if row[1] == "live"} == set(LIVE)


def test_every_state_is_there_and_leads_to_states() -> None:
    rows = table("The life of a job", "state")
    names = restoration_pb2.JobState.DESCRIPTOR.values_by_name
    states = {name.removeprefix("JOB_STATE_").lower() for name in names} - {"unspecified"}
    assert set(named(rows)) == states
    for row in rows:
        said = {word for word in words(row[2]) if word.islower()}
        assert said <= states | {"disk_full", "too_many_files"}, row[0]


@cache
def trees() -> dict[Path, ast.Module]:
    """The code of the package, without what is generated."""
    return {
        path: ast.parse(path.read_text()) for path in CODE.rglob("*.py") if not path.stem.endswith(("_pb2", "_grpc"))
    }


def _sets_code(node: ast.AST) -> bool:
    if not isinstance(node, ast.ClassDef):
        return False
    targets = [t for each in node.body if isinstance(each, ast.Assign) for t in each.targets]
    targets += [each.target for each in node.body if isinstance(each, ast.AnnAssign)]
    return any(isinstance(target, ast.Name) and target.id == "code" for target in targets)


def _kinds(kind: type[AnswerprintError]) -> Iterator[type[AnswerprintError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _kinds(each)


def errors() -> dict[str, set[tuple[int, str]]]:
    """Exit codes and statuses of all errors, by code."""
    for path, tree in trees().items():
        if any(_sets_code(node) for node in ast.walk(tree)):
            importlib.import_module(".".join(path.relative_to(CODE).with_suffix("").parts))
    found = defaultdict(set)
    for kind in _kinds(AnswerprintError):
        if kind.__module__.startswith("answerprint."):  # not what other tests have made
            found[kind.code].add((kind.exit_code, status_of(kind.__new__(kind)).name))
    for code, exit_code in _failures():
        found[code].add((exit_code, "OK"))
    return dict(found)


def _failures() -> Iterator[tuple[str, int]]:
    """What the command line says of what is no error of the package, such as a Ctrl-C: code and exit code."""
    for tree in trees().values():
        for node in ast.walk(tree):
            given = {each.arg: each.value for each in node.keywords} if isinstance(node, ast.Call) else {}
            code, exit_code = given.get("code"), given.get("exit_code")
            if isinstance(code, ast.Constant) and isinstance(exit_code, ast.Constant):
                yield str(code.value), int(str(exit_code.value))


def test_every_error_code_is_there_with_its_exit_code_and_status() -> None:
    rows, known = table("Errors", "code"), errors()
    assert set(named(rows)) == known.keys()
    for codes, exit_code, status, meaning in rows:
        assert meaning
        for code in words(codes):
            assert {each for each, _ in known[code]} == {int(exit_code)}, code
            if status:
                assert (int(exit_code), words(status)[0]) in known[code], code


def test_every_exit_code_is_there() -> None:
    codes = {exit_code for pairs in errors().values() for exit_code, _ in pairs}
    assert [int(row[0]) for row in table("The command line", "exit code")] == sorted(codes | {0})


def _printed() -> dict[str, set[str]]:
    """The events that the code makes, and the keys that stand beside each."""
    found: dict[str, set[str]] = defaultdict(set)
    for tree in trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):
                given = dict(zip(node.keys, node.values, strict=True))
                keys = {key.value: value for key, value in given.items() if isinstance(key, ast.Constant)}
                name = keys.pop("event", None)
                if isinstance(name, ast.Constant):
                    found[str(name.value)] |= set(map(str, keys))
    return dict(found)


def _json_events() -> dict[str, set[str]]:
    """The events of the page, and all keys that their rows name."""
    return {name: set(words(row[1])) for row in table("The command line", "`event`") for name in words(row[0])}


def test_every_event_of_json_is_there_with_the_keys_that_are_known() -> None:
    printed, told = _printed(), _json_events()
    assert told.keys() == printed.keys() - BETWEEN_PROCESSES
    for name, keys in told.items():
        assert printed[name] - INNER_KEYS.get(name, set()) <= keys, name


def test_no_key_of_json_is_made_up() -> None:
    spelled: set[str] = set()
    for tree in trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                spelled.add(node.value)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                spelled.add(node.target.id)  # a field of a dataclass
            elif isinstance(node, ast.keyword) and node.arg:
                spelled.add(node.arg)
    for name, keys in _json_events().items():
        assert keys <= spelled, name


@pytest.fixture(scope="module")
def printed_lines(working_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What commands print with --json before a daemon that works, by event."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def run(*arguments: str) -> None:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            main([*arguments, "--json"])
        for line in said.getvalue().splitlines():
            event = json.loads(line)
            found[event.pop("event")].append(event)

    folder = tmp_path_factory.mktemp("work")
    make_movie(folder / "clip.mov", 3)
    tiny = ("--model", "tiny-x4", "--steps", "1", "--device", "cpu")
    before = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANSWERPRINT_HOME", str(working_home))
        patch.chdir(folder)
        run("restore", "clip.mov", "out.mov", "--range", "0:2", *tiny)
        run("restore", "clip.mov", "out.mov")
        run("preview", "clip.mov", "--frame", "1", "--count", "1", *tiny)
        run("queue", "suspend")
        run("restore", "clip.mov", "later.mov", "--detach")
        run("queue", "add", "clip.mov", "out.mov", "--output-folder", "made")
        for submitted in list(found["submitted"]):
            run("jobs", "cancel", submitted["job"])
            run("jobs", "delete", submitted["job"])
        run("queue", "resume")
        run("jobs", "show", found["started"][0]["job"])
        run("daemon", "start")
        run("daemon", "status")
        run("models", "list")
        run("models", "info", "tiny-x4")
        run("models", "verify", "tiny-x4")
    signal.signal(signal.SIGTERM, before)
    return dict(found)


def test_what_commands_print_has_the_keys_of_the_page(printed_lines: dict[str, list[dict[str, Any]]]) -> None:
    rows = {word: row[1] for row in table("The command line", "`event`") for word in words(row[0])}
    told = {name: set(words(re.sub(r"\(.*?\)", "", keys))) for name, keys in rows.items()}
    assert {"started", "progress", "chunk", "done", "error", "submitted", "skipped", "job"} <= printed_lines.keys()
    for name, events in printed_lines.items():
        for event in events:
            assert event.keys() <= told[name], name
    for name in ("started", "chunk", "daemon", "model", "verified", "job"):
        seen = {key for event in printed_lines[name] for key in event}
        assert seen == told[name], f"{name}: the page has more"


def test_nested_keys_are_those_that_are_printed(printed_lines: dict[str, list[dict[str, Any]]]) -> None:
    rows = {words(row[0])[0]: row[1] for row in table("The command line", "`event`")}
    for name in ("started", "chunk"):
        for key, inner in re.findall(r"`(\w+)` \((.*?)\)", rows[name]):
            assert set(words(inner)) <= {each for event in printed_lines[name] for each in event[key]}, f"{name}.{key}"


def test_the_session_file_is_as_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    run = tmp_path_factory.mktemp("h") / "run"
    with Running(run):
        file = run / "session.json"
        said = json.loads(file.read_text())
        modes = [stat.S_IMODE(place.stat().st_mode) for place in (run, file)]
    assert said.keys() == set(named(table("Find the daemon", "key")))
    assert said["endpoint"].startswith("unix:/")
    assert re.fullmatch("[0-9a-f]{64}", said["token"])
    assert f"version of this contract: {said['protocol']}" in section("Find the daemon")
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
    assert f"`{entry.key}`" in section("Errors")
    problem = json.loads(entry.value)
    assert problem["code"] == "refused"
    assert problem.keys() | {"again"} == set(named(table("Errors", "key")))


def test_limits_are_those_of_the_server() -> None:
    limits, rows = ServerLimits(), {row[0]: row[1] for row in table("Connect", "limit")}
    assert rows["message, both ways"] == f"{limits.max_message_bytes >> 20} MiB"
    assert rows["metadata of a request"] == f"{limits.max_metadata_bytes >> 10} KiB"
    numbers = (limits.max_calls, limits.max_watchers, limits.max_slow_calls)
    assert [int(each) for each in re.findall(r"\d+", rows["calls at one time"])] == list(numbers)
    assert f"{limits.max_connections}," in rows["connections of all clients"]
    assert f"{limits.idle_seconds:.0f} s" in rows["silent connection"]
    assert f"after {limits.call_seconds:.0f} s (`too_slow`)" in section("Connect")


def test_methods_messages_and_constants_that_are_named_exist() -> None:
    camel = set(re.findall(r"`([A-Z]\w*[a-z]\w*)`", PAGE))
    methods = {method.name for service in services().values() for method in service.methods}
    assert camel <= methods | messages().keys() | {"Check", "List", "Watch"}  # of grpc.health.v1
    shouted = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", PAGE))
    values = {name for file in FILES for name in _values(file.DESCRIPTOR)}
    assert shouted <= values | set(grpc.StatusCode.__members__) | {"ANSWERPRINT_HOME"}


def _values(file: object) -> Iterator[str]:
    def of(enums: object) -> Iterator[str]:
        for enum in enums.values():  # type: ignore[attr-defined]
            yield from enum.values_by_name

    yield from of(file.enum_types_by_name)  # type: ignore[attr-defined]
    for message in file.message_types_by_name.values():  # type: ignore[attr-defined]
        yield from of(message.enum_types_by_name)


def test_files_that_are_linked_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
