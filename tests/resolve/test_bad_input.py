"""What goes wrong between an editor and Resolve is said in a line with its remedy, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from answerprint.resolve.install.scripts import this_program
from fakes.resolve import FakeResolve
from resolve.conftest import MakeFake
from resolve.workstation import Workstation, shared_home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What is queued here need not be done."""
    with shared_home(tmp_path_factory.mktemp("home"), held=True) as folder:
        yield folder


@pytest.fixture
def workstation(tmp_path: Path, fake: FakeResolve, home: Path) -> Workstation:
    return Workstation(tmp_path, fake, home=home)


def _no_project(workstation: Workstation) -> None:
    workstation.fake.close_project()


def _no_timeline(workstation: Workstation) -> None:
    workstation.fake.open_project("Empty")


def _nothing_selected(workstation: Workstation) -> None:
    workstation.timeline.select()


def _closed(workstation: Workstation) -> None:
    workstation.fake.quit()


def _nothing_under_the_playhead(workstation: Workstation) -> None:
    workstation.timeline.playhead(workstation.item.stop)


def _on_page(page: str) -> Callable[[Workstation], None]:
    def go(workstation: Workstation) -> None:
        workstation.timeline.playhead(workstation.item.start)
        workstation.fake.open_page(page)

    return go


@pytest.mark.parametrize(
    ("before", "by", "code", "name", "said"),
    [
        (_no_project, "--selected", 4, "resolve", "No project is open"),
        (_no_timeline, "--selected", 4, "resolve", "No timeline is open"),
        (_nothing_selected, "--selected", 2, "nothing_selected", "No video clip is selected"),
        (_nothing_selected, "--inout", 2, "nothing_selected", "no In and Out"),
        (_nothing_selected, "--flag=Blue", 2, "nothing_selected", "flag Blue"),
        (_nothing_selected, "--track=7", 2, "nothing_selected", "no video track '7'"),
        (_nothing_selected, "--bin=Nowhere", 2, "nothing_selected", "no bin 'Nowhere'"),
        (_closed, "--selected", 4, "no_resolve", "DaVinci Resolve is not running"),
        (_nothing_under_the_playhead, "--playhead", 2, "nothing_selected", "No video clip is under the playhead"),
        (_on_page("media"), "--playhead", 2, "nothing_selected", "has no playhead"),
        (_on_page("fusion"), "--playhead", 2, "nothing_selected", "has no playhead"),
    ],
)
def test_what_is_missing_is_said_with_its_remedy(
    workstation: Workstation, before: Callable[[Workstation], None], by: str, code: int, name: str, said: str
) -> None:
    before(workstation)
    project, page = workstation.fake.state(), workstation.fake.page
    final = workstation.run("resolve", "restore", by, code=code)[-1]
    assert (final["event"], final["code"]) == ("error", name)
    assert said in final["message"]
    assert final["remedy"]
    assert (workstation.fake.state(), workstation.fake.page) == (project, page)


@pytest.mark.parametrize(
    ("before", "item", "words"),
    [
        (_no_project, "Selected Clips", ["No project is open in Resolve.", "Open the project"]),
        (_no_timeline, "Selected Clips", ["No timeline is open in Resolve.", "Open the timeline"]),
        (_nothing_selected, "Selected Clips", ["No video clip is selected on the timeline.", "Select other clips."]),
        (_on_page("media"), "Clip Under Playhead", ["has no playhead", "Open the Edit page"]),
    ],
)
def test_the_menu_says_what_is_missing_with_its_remedy(
    workstation: Workstation, before: Callable[[Workstation], None], item: str, words: list[str]
) -> None:
    before(workstation)
    project, page = workstation.fake.state(), workstation.fake.page
    said = workstation.script(workstation.install() / f"Restore {item}.py")
    for each in words:
        assert each in said
    assert (workstation.fake.state(), workstation.fake.page) == (project, page)


def test_on_a_page_that_has_a_playhead_its_clip_is_restored(workstation: Workstation) -> None:
    _on_page("color")(workstation)
    events = workstation.run("resolve", "restore", "--playhead", "--handles", "0", "--steps", "1")
    assert [each["range"] for each in events if each["event"] == "submitted"] == [[20, 32]]
    assert workstation.fake.page == "color"


def _file_deleted(workstation: Workstation) -> None:
    workstation.film.unlink()


def _title_selected(workstation: Workstation) -> None:
    workstation.timeline.select(
        workstation.timeline.place_generator("Text+", track=2, record=workstation.timeline.start)
    )


@pytest.mark.parametrize(
    ("before", "code", "said", "remedy"),
    [
        (_file_deleted, "offline", "film.mov is offline", "Relink it in the media pool."),
        (_title_selected, "no_clip", "Text+ is a generator, a title or an adjustment clip", "render it"),
    ],
)
def test_a_clip_that_has_no_file_is_refused_with_its_reason_and_the_remedy(
    workstation: Workstation, before: Callable[[Workstation], None], code: str, said: str, remedy: str
) -> None:
    workstation.timeline.select(workstation.item)
    before(workstation)
    project = workstation.fake.state()
    refused, *_, final = workstation.run("resolve", "restore", "--selected", code=2)
    assert (refused["event"], refused["code"]) == ("refused", code)
    assert said in refused["message"]
    assert remedy in refused["remedy"]
    assert final["message"] == "None of these clips can be restored."
    menu = workstation.script(workstation.install() / "Restore Selected Clips.py")
    assert f"0 clips queued, 1 refused ({refused['clip']}: {refused['message']}" in menu
    assert remedy in menu
    assert workstation.fake.state() == project


@pytest.mark.slow
def test_a_resolve_that_hangs_is_given_up_and_works_again_when_it_answers(workstation: Workstation) -> None:
    workstation.timeline.select(workstation.item)
    workstation.fake.hang("Timeline.GetSelectedClips")
    final = workstation.run("resolve", "restore", "--selected", code=4)[-1]
    assert final["code"] == "resolve_hangs"
    assert "GetSelectedClips" in final["message"]
    workstation.fake.release()
    events = workstation.run("resolve", "restore", "--selected", "--steps", "1")
    assert events[-1]["submitted"] == 1


def test_the_free_edition_lets_no_program_in_and_says_what_to_do(tmp_path: Path, make_fake: MakeFake) -> None:
    workstation = Workstation(tmp_path, make_fake("free", (21, 1)))
    final = workstation.run("resolve", "restore", "--selected", code=4)[-1]
    assert final["code"] == "no_resolve"
    assert "Workspace > Scripts" in final["remedy"]


def test_the_same_clip_twice_is_two_restorations_of_their_own_parts(workstation: Workstation) -> None:
    workstation.timeline.place(workstation.clip, record=workstation.timeline.start + 60, source=(40, 45))
    events = workstation.run("resolve", "restore", "--timeline", "--handles", "0", "--steps", "1")
    submitted = [each for each in events if each["event"] == "submitted"]
    assert [each["range"] for each in submitted] == [[20, 32], [40, 45]]
    assert len({each["output"] for each in submitted}) == 2


@pytest.mark.slow
def test_a_call_that_hangs_under_a_script_is_said_while_it_does(workstation: Workstation) -> None:
    workstation.timeline.select(workstation.item)
    scripts = workstation.install()
    workstation.fake.hang("Timeline.GetSelectedClips")
    script = workstation.fake.start_script(scripts / "Restore Selected Clips.py", {"HOME": str(workstation.folder)})
    script.wait_for("Look at Resolve: a dialog may wait for an answer.", 60)
    assert "Resolve did not answer GetSelectedClips within 20 s." in script.output
    workstation.fake.release()
    assert script.wait().code == 0
    assert "1 clip queued" in workstation.script(scripts / "Restore Selected Clips.py")


def test_the_free_edition_is_never_called_for_what_is_studio_s(tmp_path: Path, make_fake: MakeFake, home: Path) -> None:
    workstation = Workstation(tmp_path, make_fake("free", (20, 3)), put="take", home=home)
    workstation.timeline.playhead(workstation.item.start)
    scripts = workstation.install()
    for name in ("Restore Clip Under Playhead.py", "Restore Settings.py", "Bring Back Finished.py"):
        assert "Answerprint: " in workstation.script(scripts / name)
        assert not workstation.fake.dialog, name


def _program_gone(workstation: Workstation, scripts: Path) -> None:
    for script in scripts.glob("*.py"):
        script.write_text(script.read_text().replace(sys.executable, "/nowhere/answerprint"))


def _another_bridge(protocol: int) -> Callable[[Workstation, Path], None]:
    """The scripts begin the bridge of another version."""

    def change(workstation: Workstation, scripts: Path) -> None:
        ours = this_program().folder
        theirs = Path(shutil.copytree(ours, workstation.folder / "another version"))
        bridge = theirs / "answerprint_bridge.py"
        text = bridge.read_text()
        bridge.write_text(text.replace("\nPROTOCOL = 1\n", f"\nPROTOCOL = {protocol}\n"))
        assert bridge.read_text() != text
        for script in scripts.glob("*.py"):
            script.write_text(script.read_text().replace(ours, str(theirs)))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_program_gone, "The program was not found (/nowhere/answerprint)."),
        (_another_bridge(0), "The script in Resolve and the installed program have different versions."),
        (_another_bridge(2), "The script in Resolve and the installed program have different versions."),
    ],
    ids=["gone", "older script", "newer script"],
)
def test_scripts_and_a_program_that_do_not_fit_say_so_and_work_once_they_are_installed_again(
    workstation: Workstation, change: Callable[[Workstation, Path], None], said: str
) -> None:
    workstation.timeline.select(workstation.item)
    scripts, project = workstation.install(), workstation.fake.state()
    change(workstation, scripts)
    script = scripts / "Restore Selected Clips.py"
    told = workstation.script(script, PATH="/usr/bin:/bin")
    assert said in told
    assert "answerprint resolve install" in told
    assert workstation.fake.state() == project
    workstation.run("resolve", "install", "--force")
    assert "1 clip queued" in workstation.script(script)


@contextmanager
def _speaking(home: Path, protocol: int) -> Iterator[int]:
    """The daemon is one of another version; its process. It stands still: it would put its session right again."""
    path = home / "run" / "session.json"
    session = json.loads(path.read_text())
    os.kill(session["pid"], signal.SIGSTOP)
    path.write_text(json.dumps({**session, "protocol": protocol}))
    try:
        yield session["pid"]
    finally:
        path.write_text(json.dumps(session))
        os.kill(session["pid"], signal.SIGCONT)


@pytest.mark.parametrize("protocol", [0, 2], ids=["older daemon", "newer daemon"])
def test_a_daemon_of_another_version_is_left_to_its_work_and_named_with_the_remedy(
    workstation: Workstation, protocol: int
) -> None:
    workstation.timeline.select(workstation.item)
    scripts, project = workstation.install(), workstation.fake.state()
    said = f"The daemon speaks version {protocol} of the protocol, this program version 1."
    with _speaking(workstation.home, protocol) as process:
        final = workstation.run("resolve", "restore", "--selected", code=3)[-1]
        assert (final["code"], final["message"]) == ("other_version", said)
        assert "answerprint daemon stop" in final["remedy"]
        for name in ("Restore Selected Clips.py", "Bring Back Finished.py"):
            assert f"Answerprint: {said}\n  {final['remedy']}\n" in workstation.script(scripts / name)
    assert workstation.fake.state() == project
    assert "1 clip queued" in workstation.script(scripts / "Restore Selected Clips.py")
    assert workstation.run("daemon", "status")[0]["pid"] == process
