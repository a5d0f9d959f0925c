"""The pipe to Resolve: calls arrive as they are meant, and nothing that Resolve does can hold us up for ever."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from answerprint.resolve.bridge.attach import Attempt, attached, candidates, interpreter_environment, resolve_paths
from answerprint.resolve.bridge.bridge import Bridge, BridgeRequest, Remote
from answerprint.resolve.errors import HangingError, NoResolveError, ResolveError

_RESOLVE = """
    import sys, time

    class Thing(object):
        def __init__(self, name):
            self.name = name
        EXPORT_OTIO = 7.0
        def Name(self):
            return self.name
        def Echo(self, *values):
            return list(values)
        def Make(self, name):
            return Thing(name)
        def Names(self, things):
            return [each.name for each in things]
        def Markers(self):
            print("the library says something")
            return {5.0: {"color": "Blue"}, 7: None}
        def Hang(self):
            time.sleep(600)
        def Crash(self):
            import os
            os._exit(139)
        def Fail(self):
            raise TypeError("'NoneType' object is not callable")

    def scriptapp(name):
        print("the library says something at its start")
        return Thing(name)
"""


def _api(folder: Path, text: str = _RESOLVE) -> dict[str, str]:
    modules = folder / "Modules"
    modules.mkdir(parents=True, exist_ok=True)
    (modules / "DaVinciResolveScript.py").write_text(textwrap.dedent(text))
    return {"RESOLVE_SCRIPT_API": str(folder), "ANSWERPRINT_RESOLVE_PYTHON": sys.executable, "PATH": "/usr/bin:/bin"}


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    with attached(_api(tmp_path)) as made:
        yield made


def test_values_come_through_as_they_are(bridge: Bridge) -> None:
    values = [None, True, 3, 2.5, "Ärger €", [1, [2]], {"a": 1, 2: "b"}]
    assert bridge.root.ask("Echo", *values) == values
    assert bridge.root.ask("Name") == "Resolve"
    assert bridge.root.value("EXPORT_OTIO") == 7.0


def test_keys_that_are_numbers_stay_numbers(bridge: Bridge) -> None:
    assert bridge.root.ask("Markers") == {5.0: {"color": "Blue"}, 7: None}


def test_objects_stay_where_they_are_and_can_be_given_back(bridge: Bridge) -> None:
    made = [bridge.root.ask("Make", name) for name in ("one", "two")]
    assert all(isinstance(each, Remote) for each in made)
    assert bridge.root.ask("Names", made) == ["one", "two"]


def test_what_a_kind_of_object_offers_is_asked_once(bridge: Bridge) -> None:
    assert bridge.root.offers("Hang", "Thing")
    made = bridge.root.ask("Make", "x")
    before = bridge.calls
    assert isinstance(made, Remote)
    assert made.offers("Crash", "Thing")
    assert not made.offers("Missing", "Thing")
    assert bridge.calls == before


def test_what_the_api_raises_is_an_error_and_the_next_call_works(bridge: Bridge) -> None:
    with pytest.raises(ResolveError, match=r"Fail.*not callable"):
        bridge.root.ask("Fail")
    assert bridge.root.ask("Name") == "Resolve"


def _calls(bridge: Bridge, *calls: tuple[object, ...]) -> list[BridgeRequest]:
    return [bridge.root.call(*each) for each in calls]  # type: ignore[arg-type]


def test_what_is_asked_ahead_is_answered_in_whatever_order_it_is_asked(bridge: Bridge) -> None:
    words = [str(number) for number in range(100)]
    with bridge.pipelined(_calls(bridge, *(("Echo", word) for word in words))):
        before = bridge.calls
        assert [bridge.root.ask("Echo", word) for word in reversed(words)] == [[word] for word in reversed(words)]
        assert bridge.calls == before
        assert bridge.root.ask("Echo", "5") == ["5"]  # each is answered once: this one is asked now
        assert bridge.calls == before + 1


def test_what_nobody_asks_after_all_is_no_answer_to_what_follows(bridge: Bridge) -> None:
    for _ in range(3):
        with bridge.pipelined(_calls(bridge, *(("Echo", number) for number in range(50)))):
            assert bridge.root.ask("Echo", 7) == [7]
        assert bridge.root.ask("Name") == "Resolve"
        assert bridge.root.ask("Echo", 8) == [8]


def test_what_fails_ahead_fails_who_asks_it_and_nobody_else(bridge: Bridge) -> None:
    with bridge.pipelined(_calls(bridge, ("Name",), ("Fail",), ("Echo", 1))):
        assert bridge.root.ask("Echo", 1) == [1]
        with pytest.raises(ResolveError, match="not callable"):
            bridge.root.ask("Fail")
        assert bridge.root.ask("Name") == "Resolve"


def test_a_block_within_another_shares_what_was_asked(bridge: Bridge) -> None:
    with (
        bridge.pipelined(_calls(bridge, ("Echo", 1), ("Echo", 2))),
        bridge.pipelined(_calls(bridge, ("Name",), ("Echo", 2))),
    ):
        before = bridge.calls
        assert [bridge.root.ask("Echo", 1), bridge.root.ask("Echo", 2), bridge.root.ask("Name")] == [
            [1],
            [2],
            "Resolve",
        ]
        assert bridge.calls == before


def test_more_than_a_pipe_holds_is_given_up_in_time_where_a_call_hangs(tmp_path: Path) -> None:
    long = "x" * 2000
    with attached(_api(tmp_path)) as bridge:
        calls = [("Echo", number, long) for number in range(2000)]
        with bridge.pipelined(_calls(bridge, *calls)):
            assert [bridge.root.ask(*each) for each in calls] == [[number, long] for _, number, _ in calls]
        with pytest.raises(HangingError), bridge.pipelined(_calls(bridge, ("Hang",), *calls)):
            bridge.root.ask(*calls[0], seconds=0.3)
        with pytest.raises(HangingError), bridge.pipelined(_calls(bridge, ("Name",))):
            bridge.root.ask("Name")


def test_a_resolve_that_goes_away_ahead_is_said_to_who_asks_next(tmp_path: Path) -> None:
    with attached(_api(tmp_path)) as bridge, bridge.pipelined(_calls(bridge, ("Name",), ("Crash",), ("Echo", 1))):
        assert bridge.root.ask("Name") == "Resolve"
        with pytest.raises(NoResolveError, match="Lost the connection"):
            bridge.root.ask("Echo", 1)


def test_a_call_that_hangs_is_given_up_and_its_process_ends(tmp_path: Path) -> None:
    api = _api(tmp_path)
    with attached(api) as bridge:
        with pytest.raises(HangingError, match="Hang"):
            bridge.root.ask("Hang", seconds=0.2)
        with pytest.raises(HangingError):  # an answer that comes late would be taken for another's
            bridge.root.ask("Name")
    with attached(api) as bridge:
        assert bridge.root.ask("Name") == "Resolve"


def test_a_resolve_that_goes_away_in_a_call_is_said(tmp_path: Path) -> None:
    api = _api(tmp_path)
    with attached(api) as bridge, pytest.raises(NoResolveError, match="Lost the connection"):
        bridge.root.ask("Crash")
    with attached(api) as bridge:
        assert bridge.root.ask("Name") == "Resolve"


def test_a_closed_resolve_is_said_with_what_to_do(tmp_path: Path) -> None:
    api = _api(tmp_path, "def scriptapp(name):\n    return None\n")
    with pytest.raises(NoResolveError, match=r"DaVinci Resolve is not running.*Studio"), attached(api):
        pass


def test_a_library_that_ends_the_interpreter_ends_only_the_bridge(tmp_path: Path) -> None:
    api = _api(tmp_path, "import os\nos.kill(os.getpid(), 11)\n")
    attempts: list[Attempt] = []
    with pytest.raises(NoResolveError, match=r"does not load.*exit -11"), attached(api, attempts):
        pass
    assert [each.python for each in attempts] == [sys.executable]


def test_the_next_python_is_tried_where_one_does_not_fit(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python3").symlink_to(sys.executable)
    # It takes only the one that came second.
    text = f"import sys\nif sys.executable != {str(folder / 'python3')!r}:\n    raise ImportError('wrong one')\n"
    api = _api(tmp_path, text + textwrap.dedent(_RESOLVE)) | {"PATH": str(folder)}
    del api["ANSWERPRINT_RESOLVE_PYTHON"]
    attempts: list[Attempt] = []
    with attached(api, attempts) as bridge:
        assert bridge.root.ask("Name") == "Resolve"
    assert [bool(each.problem) for each in attempts] == [True, False]


def test_no_module_of_resolves_is_said_with_its_place(tmp_path: Path) -> None:
    missing = {"RESOLVE_SCRIPT_API": str(tmp_path / "nowhere")}
    with pytest.raises(NoResolveError, match=r"nowhere.*RESOLVE_SCRIPT_API"), attached(missing):
        pass


def test_what_another_interpreter_would_trip_over_stays_behind() -> None:
    kept = interpreter_environment(
        {"PYTHONHOME": "/r", "PYTHONPATH": "/r", "LD_LIBRARY_PATH": "/r", "DYLD_X": "1", "HOME": "/h"}
    )
    assert kept == {"HOME": "/h"}


def test_a_python_that_is_named_is_the_only_one_tried() -> None:
    environ = {"ANSWERPRINT_RESOLVE_PYTHON": "/p", "PATH": "/usr/bin"}
    assert list(candidates(resolve_paths(environ), environ)) == ["/p"]


def test_the_documented_places_of_every_system() -> None:
    linux = resolve_paths({"HOME": "/home/u"}, "linux")
    assert linux.api == Path("/opt/resolve/Developer/Scripting")
    assert str(linux.scripts_user).endswith("/.local/share/DaVinciResolve/Fusion/Scripts")
    mac = resolve_paths({"HOME": "/Users/u"}, "darwin")
    assert str(mac.api).startswith("/Library/Application Support/Blackmagic Design/DaVinci Resolve/Developer")
    windows = resolve_paths({"PROGRAMDATA": "C:/ProgramData", "APPDATA": "C:/Users/u/AppData/Roaming"}, "win32")
    assert "Support/Developer/Scripting" in windows.api.as_posix()
    assert windows.scripts_user.as_posix().endswith("DaVinci Resolve/Support/Fusion/Scripts")
