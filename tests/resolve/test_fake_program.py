"""The fake as a program: who gets in, what each version offers, and how it hangs, quits and comes back."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from answerprint.resolve.api import Resolve
from answerprint.resolve.bridge.attach import attached
from answerprint.resolve.errors import HangingError, NoAnswerError, NoResolveError
from fakes.resolve import FakeResolve, Quirks
from media.makers import make_movie
from resolve.conftest import MakeFake


def outside(variables: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **variables, "ANSWERPRINT_RESOLVE_PYTHON": sys.executable}


class TestReached:
    def test_another_process_attaches_to_studio(self, fake: FakeResolve) -> None:
        fake.add_timeline("Reel 1")
        with fake.serving() as variables, attached(outside(variables)) as bridge:
            assert Resolve(bridge.root).project().timeline().name() == "Reel 1"

    def test_the_free_edition_lets_no_other_process_in(self, make_fake: MakeFake) -> None:
        fake = make_fake(edition="free")
        with fake.serving() as variables, pytest.raises(NoResolveError), attached(outside(variables)):
            pass
        assert Resolve(fake.bridge().root).product() == "DaVinci Resolve", "its own scripts are let in"

    def test_a_resolve_that_quit_is_not_found(self, fake: FakeResolve) -> None:
        with fake.serving() as variables:
            fake.quit()
            with pytest.raises(NoResolveError), attached(outside(variables)):
                pass
            fake.restart()
            with attached(outside(variables)) as bridge:
                assert Resolve(bridge.root).version() == (21, 0, 4)

    def test_objects_have_every_attribute_and_list_the_true_ones(self, fake: FakeResolve, tmp_path: Path) -> None:
        script = tmp_path / "script.py"
        script.write_text(
            "print(hasattr(resolve, 'GetVersion'), hasattr(resolve, '_anything'))\n"
            "print('GetVersion' in dir(resolve), 'GetNonsense' in dir(resolve), 'EXPORT_OTIO' in dir(resolve))\n"
            "print(resolve.EXPORT_OTIO == resolve.EXPORT_EDL)\n"
        )
        assert fake.run_script(script).output.split() == ["True", "True", "True", "False", "True", "False"]
        fake.violations.remove("Resolve has no _anything in 21.0.4")

    def test_calling_what_is_absent_is_a_type_error_and_a_violation(self, tmp_path: Path) -> None:
        script = tmp_path / "script.py"
        script.write_text("resolve.GetNonsense()")
        with FakeResolve() as fake:
            code, output = fake.run_script(script)
            assert code == 1
            assert "'NoneType' object is not callable" in output
            assert fake.violations == ["Resolve has no GetNonsense in 21.0.4"]


class TestMenuScripts:
    def test_they_have_resolves_globals_and_no_file(self, fake: FakeResolve, tmp_path: Path) -> None:
        script = tmp_path / "script.py"
        script.write_text(
            "print(__name__, '__file__' in globals(), resolve.GetProductName(), bool(fusion), bool(app), bool(bmd))"
        )
        assert fake.run_script(script) == (0, "__main__ False DaVinci Resolve Studio True True True\n")

    def test_their_environment_breaks_other_pythons(self, fake: FakeResolve, tmp_path: Path) -> None:
        script = tmp_path / "script.py"
        script.write_text(
            f"import os, subprocess\ncommand = [{sys.executable!r}, '-c', 'print(1)']\n"
            "print(subprocess.run(command, capture_output=True).returncode != 0)\n"
            "for name in ('PYTHONHOME', 'PYTHONPATH', 'LD_LIBRARY_PATH', 'PYTHONSTARTUP'): del os.environ[name]\n"
            "print(subprocess.run(command, capture_output=True).returncode == 0)\n"
        )
        assert fake.run_script(script).output.split() == ["True", "True"]

    def test_nothing_of_ours_is_installed_for_them(self, fake: FakeResolve, tmp_path: Path) -> None:
        script = tmp_path / "script.py"
        script.write_text("import answerprint")
        assert "No module named 'answerprint'" in fake.run_script(script).output

    def test_the_free_edition_lists_none_from_21_1(self, make_fake: MakeFake, tmp_path: Path) -> None:
        script = tmp_path / "script.py"
        script.write_text("print(resolve.GetProductName())")
        assert make_fake(edition="free").run_script(script).output == "DaVinci Resolve\n"
        with pytest.raises(AssertionError, match="lists no Python"):
            make_fake(edition="free", version=(21, 1)).run_script(script)


class TestVersions:
    def test_calls_exist_from_their_version_on(self, make_fake: MakeFake) -> None:
        newer = {"GetSelectedClips": (21, 0, 4), "GetMarkInOut": (20,), "GetSettings": (21, 1)}
        for version in ((18, 6), (19, 1), (20, 3), (21, 0, 4), (21, 1)):
            fake = make_fake(version=version)
            fake.add_timeline()
            timeline = Resolve(fake.bridge().root).project().timeline()
            for name, since in newer.items():
                assert timeline.offers(name) == (version >= since)

    def test_calling_a_newer_one_is_a_violation(self) -> None:
        with FakeResolve(version=(20, 3)) as fake:
            fake.add_timeline()
            timeline = Resolve(fake.bridge().root).project().timeline()
            with pytest.raises(Exception, match="not callable"):
                timeline.remote.ask("GetSelectedClips")
            assert fake.violations == ["Timeline has no GetSelectedClips in 20.3"]

    def test_wrong_arguments_give_nothing_and_are_a_violation(self) -> None:
        with FakeResolve() as fake:
            root = fake.bridge().root
            assert root.ask("OpenPage", 3) is False
            assert root.ask("OpenPage") is False
            assert root.ask("OpenPage", "darkroom") is False
            assert len(fake.violations) == 3

    def test_a_studio_only_call_locks_the_free_edition_until_somebody_clicks(
        self, make_fake: MakeFake, tmp_path: Path
    ) -> None:
        fake = make_fake(edition="free")
        script = tmp_path / "script.py"
        script.write_text("print(fusion.UIManager, resolve.OpenPage('color'))")
        assert fake.run_script(script).output == "None False\n"
        fake.close_dialog()
        assert Resolve(fake.bridge().root).open_page("color")


class TestFaults:
    def test_a_call_hangs_until_it_is_released(self, fake: FakeResolve) -> None:
        fake.add_timeline("Reel 1")
        fake.hang("Timeline.GetName")
        timeline = Resolve(fake.bridge().root).project().timeline()
        with pytest.raises(HangingError):
            timeline.remote.ask("GetName", seconds=0.2)
        fake.release("Timeline.GetName")
        assert Resolve(fake.bridge().root).project().timeline().name() == "Reel 1"

    def test_quitting_ends_a_call_that_hangs(self, fake: FakeResolve) -> None:
        fake.add_timeline("Reel 1")
        fake.hang("Timeline.GetName")
        timeline = Resolve(fake.bridge().root).project().timeline()

        def end() -> None:
            fake.gate.wait_until_hanging()
            fake.quit()

        ending = threading.Thread(target=end)
        ending.start()
        assert timeline.name() == ""
        ending.join()

    def test_what_was_not_saved_is_lost_and_old_objects_with_it(self, fake: FakeResolve) -> None:
        fake.add_timeline("Reel 1")
        resolve = Resolve(fake.bridge().root)
        timeline = resolve.project().timeline()
        assert timeline.done("AddMarker", 1, "Blue", "saved", "", 1, "1")
        assert resolve.save_project()
        assert timeline.done("AddMarker", 2, "Blue", "lost", "", 1, "2")
        fake.restart()
        with pytest.raises(NoAnswerError):
            timeline.start()
        again = Resolve(fake.bridge().root).project().timeline()
        assert [bool(again.table("GetMarkerByCustomData", data)) for data in ("1", "2")] == [True, False]

    def test_without_a_save_it_comes_back_as_before_the_first_call(self, fake: FakeResolve) -> None:
        model = fake.add_timeline("Reel 1")
        assert Resolve(fake.bridge().root).project().timeline().add_track()
        fake.restart()
        assert len(model.tracks["video"]) == 1

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_it_quits_at_the_nth_call(self, make_fake: MakeFake, when: str) -> None:
        fake = make_fake(quirks=Quirks(restart_loses_unsaved=False))
        model = fake.add_timeline("Reel 1")
        timeline = Resolve(fake.bridge().root).project().timeline()
        fake.quit_at(2, when)  # type: ignore[arg-type]
        assert timeline.add_track()
        assert not timeline.add_track()
        assert len(model.tracks["video"]) == (2 if when == "before" else 3)
        fake.restart()
        assert Resolve(fake.bridge().root).project().timeline().tracks() == len(model.tracks["video"])

    def test_saving_an_untitled_project_never_comes_back(self, make_fake: MakeFake) -> None:
        fake = make_fake(project="Untitled Project")
        manager = Resolve(fake.bridge().root).needed("GetProjectManager")
        with pytest.raises(HangingError):
            manager.ask("SaveProject", seconds=0.2)
        quiet = make_fake(project="Untitled Project", quirks=Quirks(untitled_save="false"))
        assert not Resolve(quiet.bridge().root).save_project()

    def test_a_save_that_fails_says_so_and_keeps_nothing(self, make_fake: MakeFake) -> None:
        fake = make_fake(quirks=Quirks(save_fails=True))
        model = fake.add_timeline("Reel 1")
        resolve = Resolve(fake.bridge().root)
        assert resolve.project().timeline().add_track()
        assert not resolve.save_project()
        fake.restart()
        assert len(model.tracks["video"]) == 1

    def test_another_project_can_be_open(self, fake: FakeResolve) -> None:
        fake.add_timeline("Reel 1")
        resolve = Resolve(fake.bridge().root)
        first = resolve.project().id()
        fake.open_project("Other")
        assert (resolve.project().name(), resolve.project().id() == first) == ("Other", False)

    def test_calls_are_listed_in_order(self, fake: FakeResolve, tmp_path: Path) -> None:
        clip = fake.add_clip(make_movie(tmp_path / "a.mov", 5, codec="mpeg4"))
        fake.add_timeline(rate=25).place(clip)
        (item,) = Resolve(fake.bridge().root).project().timeline().items(1)
        item.duration()
        assert fake.calls[-2:] == ["Timeline.GetItemListInTrack", "TimelineItem.GetDuration"]
