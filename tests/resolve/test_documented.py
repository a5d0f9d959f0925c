"""What the fake offers, and what we call, is in Resolve's documentation: its published stubs, read as a table."""

from __future__ import annotations

import inspect
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

import answerprint.resolve
from answerprint.resolve import api
from answerprint.resolve.bridge.attach import resolve_paths
from fakes.resolve import append, importing, queue
from fakes.resolve.api_classes import ALL
from fakes.resolve.calls import Node, methods
from resolve.api_stubs import ApiStubs, Signature, calls_in, dictionaries_in

# Newer than the stubs, which follow the documentation of 8 May 2026; by the version that brought them.
SINCE: dict[str, str] = {
    "MediaPoolItem.GetTimeline": "21.0.4",
    "MediaPoolItem.SetAudioMapping": "21.1",
    "Project.GetSettings": "21.1",
    "Project.SetSettings": "21.1",
    "Resolve.GetCurrentProject": "21.1",
    "Resolve.GetCurrentTimeline": "21.1",
    "Resolve.GetMediaPool": "21.1",
    "Timeline.GetSelectedClips": "21.0.4",
    "Timeline.GetSettings": "21.1",
    "Timeline.SetSettings": "21.1",
    "TimelineItem.GetProperties": "21.1",
    "TimelineItem.GetSpeed": "21.1",
    "TimelineItem.GetType": "21.1",
    "TimelineItem.SetProperties": "21.1",
    "TimelineItem.SetSpeed": "21.1",
}
# Gone, or only kept for old scripts, from 21.1 on.
UNTIL_21_1 = dict.fromkeys(
    ("Project.GetSetting", "Project.SetSetting", "Timeline.GetSetting", "Timeline.SetSetting"), "21.1"
)
# Fusion documents its own object elsewhere.
ELSEWHERE = frozenset({"Fusion"})
KEYS_SINCE: dict[str, dict[str, str]] = {
    "RenderSettings": {
        "AddFrameHandles": "21.0.4",
        "UseFullExtents": "21.0.4",
        "DataBurnIn": "21.0.4",
        "AudioFormat": "21.0.4",
        "UseUniqueFilenames": "21.1",
    },
    # The stubs spell it audiotype.
    "NewTrackOptions": {"audioType": "20"},
}
OBJECTS = {
    ("Resolve", "self"): "Resolve",
    ("Resolve", "manager"): "ProjectManager",
    ("Project", "self"): "Project",
    ("MediaPool", "self"): "MediaPool",
    ("Folder", "self"): "Folder",
    ("MediaPoolItem", "self"): "MediaPoolItem",
    ("Timeline", "self"): "Timeline",
    ("TimelineItem", "self"): "TimelineItem",
}
# A dictionary with one of these keys is meant for Resolve.
TELLING = {"mediaPoolItem": "MediaPoolClipInfo", "FilePath": "ImportClipInfo", "TargetDir": "RenderSettings"}

API = sorted(Path(str(api.__file__)).parent.glob("*.py"))
PROGRAM = sorted(Path(str(answerprint.resolve.__file__)).parent.rglob("*.py"))


def published() -> ApiStubs:
    try:
        files = distribution("fusionscript-stubs").files or []
    except PackageNotFoundError:
        pytest.skip("fusionscript-stubs is not installed: pip install -e .[dev]")
    (file,) = (each for each in files if each.name == "fusionscript.pyi")
    return ApiStubs.parse(Path(str(file.locate())).read_text("utf-8"))


def installed() -> ApiStubs:
    file = resolve_paths().api / "DaVinciResolveScript.pyi"
    if not file.is_file():
        pytest.skip("no Resolve 21.1 or later is installed here")
    return ApiStubs.parse(file.read_text("utf-8"))


def undocumented_in_fake(stub: ApiStubs, newer: dict[str, str]) -> list[str]:
    """Methods of the fake that are neither in the stub nor newer than it."""
    offered = {f"{kind.kind}.{name}" for kind in ALL if kind.kind not in ELSEWHERE for name in methods(kind)}
    known = {f"{kind}.{name}" for kind, table in stub.methods.items() for name in table}
    return sorted(offered - known - set(newer))


def unbound_in_fake(stub: ApiStubs) -> list[str]:
    """Methods of the fake that take fewer or more arguments than documented."""
    wrong = []
    for kind in ALL:
        for name in methods(kind):
            mine, theirs = own_signature(kind, name), stub.methods.get(kind.kind, {}).get(name)
            if theirs and mine.most is not None:
                counts = range(8)
                wrong += [
                    f"{kind.kind}.{name} with {count}"
                    for count in counts
                    if any(each.takes(count) for each in theirs) and not mine.takes(count)
                ]
    return wrong


def own_signature(kind: type[Node], name: str) -> Signature:
    parameters = list(inspect.signature(getattr(kind, name)).parameters.values())[1:]
    if any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in parameters):
        return Signature(0, None)
    return Signature(sum(each.default is inspect.Parameter.empty for each in parameters), len(parameters))


def unbound_calls(stub: ApiStubs, newer: dict[str, str], files: list[Path]) -> list[str]:
    """Calls of the program that do not fit the documented signature."""
    wrong = []
    for file in files:
        for call in calls_in(file):
            name = f"{OBJECTS[call.owner]}.{call.method}"
            signatures = stub.methods[OBJECTS[call.owner]].get(call.method)
            if signatures is None and name in newer:
                continue
            if signatures is None or not any(each.takes(call.arguments) for each in signatures):
                wrong.append(f"{call.where}: {name} with {call.arguments}")
    return wrong


def unknown_keys(stub: ApiStubs, newer: dict[str, dict[str, str]], files: list[Path]) -> list[str]:
    """Keys sent that are not in the documented dictionary."""
    wrong = []
    for file in files:
        for keys, where in dictionaries_in(file):
            for telling, kind in TELLING.items():
                if telling in keys:
                    extra = keys - stub.keys[kind] - set(newer.get(kind, {}))
                    wrong += [f"{where}: {kind} has no {each}" for each in sorted(extra)]
    return wrong


class TestPublished:
    def test_every_method_of_the_fake_is_documented(self) -> None:
        assert undocumented_in_fake(published(), SINCE) == []

    def test_every_newer_method_is_newer(self) -> None:
        known = {f"{kind}.{name}" for kind, table in published().methods.items() for name in table}
        assert known & set(SINCE) == set()

    def test_the_fake_offers_newer_methods_from_their_version_on(self) -> None:
        for kind in ALL:
            for name, marked in methods(kind).items():
                version = SINCE.get(f"{kind.kind}.{name}")
                if version is not None:
                    assert marked.since == tuple(map(int, version.split("."))), f"{kind.kind}.{name}"

    def test_the_fake_takes_every_documented_number_of_arguments(self) -> None:
        assert unbound_in_fake(published()) == []

    def test_every_call_of_the_program_binds(self) -> None:
        assert unbound_calls(published(), SINCE, API) == []

    def test_every_class_of_the_program_is_looked_at(self) -> None:
        made = {call.owner[0] for file in API for call in calls_in(file)}
        assert made == {owner for owner, _ in OBJECTS}

    def test_every_key_sent_is_documented(self) -> None:
        assert unknown_keys(published(), KEYS_SINCE, PROGRAM) == []

    def test_the_fake_knows_the_documented_keys(self) -> None:
        keys = published().keys
        assert set(queue.SETTINGS) == keys["RenderSettings"] | set(KEYS_SINCE["RenderSettings"])
        assert set(append.KEYS) == keys["MediaPoolClipInfo"]
        assert set(importing.KEYS) == keys["ImportClipInfo"]


class TestInstalled:
    """The same, against the stub of a Resolve on this machine, which knows everything itself."""

    def test_every_method_of_the_fake_is_documented(self) -> None:
        assert undocumented_in_fake(installed(), UNTIL_21_1) == []

    def test_every_call_of_the_program_binds(self) -> None:
        assert unbound_calls(installed(), UNTIL_21_1, API) == []

    def test_every_key_sent_is_documented(self) -> None:
        assert unknown_keys(installed(), {}, PROGRAM) == []


STUB = """
class Extra(TypedDict):
    mediaPoolItem: Item
    startFrame: NotRequired[int]
MediaPoolClipInfo = Extra
class TimelineItem:
    def GetName(self) -> str: ...
    def GetStart(self, subframe_precision: bool) -> int | float: ...
    def GetProperty(self, key: Optional[str]) -> str: ...
    @overload
    def Take(self, first: int, *rest: int) -> bool: ...
    @overload
    def Take(self) -> bool: ...
"""
PROGRAM_TEXT = """
class TimelineItem(Handle):
    def good(self):
        self.text("GetName"), self.number("GetStart"), self.number("GetStart", True), self.ask("GetProperty")
        self.done("Take"), self.done("Take", 1, 2, 3)
    def bad(self):
        self.text("GetName", 1)
        self.text("GetTitle" if self.new else "GetName")
    keys = {"mediaPoolItem": 1, "start": 2}
"""


class TestLogic:
    """The tables themselves, on a stub that is known."""

    def test_optional_arguments_may_be_left_out(self) -> None:
        table = ApiStubs.parse(STUB).methods["TimelineItem"]
        assert table["GetStart"] == (Signature(0, 1),)
        assert table["GetProperty"] == (Signature(0, 1),)
        assert table["Take"] == (Signature(1, None), Signature(0, 0))

    def test_calls_that_do_not_bind_are_found(self, tmp_path: Path) -> None:
        file = tmp_path / "item.py"
        file.write_text(PROGRAM_TEXT)
        found = [each.split(": ")[1] for each in unbound_calls(ApiStubs.parse(STUB), {}, [file])]
        assert found == ["TimelineItem.GetName with 1", "TimelineItem.GetTitle with 0"]

    def test_newer_calls_may_be_missing(self, tmp_path: Path) -> None:
        file = tmp_path / "item.py"
        file.write_text(PROGRAM_TEXT)
        found = unbound_calls(ApiStubs.parse(STUB), {"TimelineItem.GetTitle": "99"}, [file])
        assert len(found) == 1

    def test_unknown_keys_are_found(self, tmp_path: Path) -> None:
        file = tmp_path / "item.py"
        file.write_text(PROGRAM_TEXT)
        stub = ApiStubs.parse(STUB)
        stub = ApiStubs(stub.methods, {"MediaPoolClipInfo": stub.keys["Extra"]})
        (found,) = unknown_keys(stub, {}, [file])
        assert found.endswith("MediaPoolClipInfo has no start")
        assert unknown_keys(stub, {"MediaPoolClipInfo": {"start": "99"}}, [file]) == []

    def test_a_method_of_the_fake_that_is_nowhere_is_found(self) -> None:
        found = undocumented_in_fake(ApiStubs.parse(STUB), {})
        assert "TimelineItem.GetEnd" in found
        assert "TimelineItem.GetStart" not in found
