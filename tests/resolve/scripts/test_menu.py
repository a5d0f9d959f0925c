"""Scripts in Resolve's menu: they start the program, and whatever goes wrong is said in words."""

from __future__ import annotations

import ast
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from answerprint.home import home
from answerprint.resolve.install.scripts import MENU, MenuScript, Program, files, this_program
from resolve.scripts.menu_runner import MenuRunner, ScriptResult

_PYTHONS = sorted(Path(this_program().folder).rglob("*.py"))


@pytest.fixture
def runner(tmp_path: Path) -> MenuRunner:
    return MenuRunner(tmp_path)


def assert_plain(said: ScriptResult, *words: str) -> None:
    """The words are there, with something to do, and no traceback."""
    for each in words:
        assert each in said.out
    assert "Traceback" not in said.out + said.err
    assert said.err == ""
    assert said.code == 0


@pytest.mark.parametrize("path", _PYTHONS, ids=lambda path: path.name)
def test_every_script_is_python_3_6_and_standard_library_only(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 6))
    imports = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imports |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imports - {"DaVinciResolveScript"} <= sys.stdlib_module_names


@pytest.mark.parametrize("minor", range(6, 15))
def test_every_python_that_a_resolve_may_have_runs_the_scripts(runner: MenuRunner, minor: int) -> None:
    python = _python(minor)
    if python is None:
        pytest.skip(f"no Python 3.{minor} on this machine")
    assert_plain(runner.run(runner.script("good"), python=python), "DaVinci Resolve Studio: ", "It is queued.\n")
    assert_plain(runner.run(runner.script("crashing"), python=python), "ended unexpectedly (exit code 1)")
    assert_plain(runner.run(runner.script("good"), "nobody", python=python), "not run by Resolve")


def _python(minor: int) -> str | None:
    """The interpreter of a version, by what it says of itself: a name on the PATH may be a shim without one."""
    found = shutil.which(f"python3.{minor}")
    if found is None:
        return None
    told = subprocess.run(
        [found, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True, check=False
    )
    return told.stdout.strip() if told.returncode == 0 else None


@pytest.mark.parametrize("entry", MENU, ids=lambda entry: entry.action)
def test_a_script_lends_resolve_to_the_program_until_it_ends(runner: MenuRunner, entry: MenuScript) -> None:
    said = runner.run(runner.script("good", entry.action))
    assert_plain(said, f"DaVinci Resolve Studio: resolve menu {entry.action}\n", "It is queued.\n")


def test_resolve_is_found_under_its_other_name(runner: MenuRunner) -> None:
    assert_plain(runner.run(runner.script("good"), "bmd"), "DaVinci Resolve Studio: ")


def test_the_render_job_that_triggers_a_script_is_passed_on(runner: MenuRunner) -> None:
    said = runner.run(runner.script("good", "rendered"), job="8f3-a", status="Complete", error="")
    assert_plain(said, "resolve menu rendered 8f3-a\n")


def test_the_program_gets_none_of_what_resolve_sets_for_itself(runner: MenuRunner) -> None:
    said = runner.run(runner.script("environment"))
    assert_plain(said, "'PYTHONHOME': None, 'PYTHONPATH': None, 'LD_LIBRARY_PATH': None, 'PYTHONSTARTUP': None")


def test_the_program_finds_the_home_that_it_was_installed_with(runner: MenuRunner) -> None:
    home = runner.home / "films"
    text = runner.script("environment").replace("'home': ''", f"'home': {str(home)!r}")
    assert_plain(runner.run(text), f"'ANSWERPRINT_HOME': {str(home)!r}")
    assert (home / "logs").is_dir()


def test_a_program_that_says_nothing_has_the_script_say_that_it_is_done(runner: MenuRunner) -> None:
    assert_plain(runner.run(runner.script("silent")), "Answerprint: Done.\n")


def test_every_character_comes_through_or_is_escaped(runner: MenuRunner) -> None:
    assert_plain(runner.run(runner.script("unicode")), "apek ")


def test_an_upgrade_is_seen_by_the_next_start(runner: MenuRunner) -> None:
    text = runner.script("silent")
    twice = f"script = {text!r}\nexec(script)\nupgrade()\nexec(script)\n"
    upgrade = (
        "def upgrade():\n"
        f"    path = {str(runner.folder / 'answerprint_launcher.py')!r}\n"
        "    text = open(path).read().replace('Answerprint: Done.', 'Answerprint: Ready!')\n"
        "    open(path, 'w').write(text)\n"
    )
    said = runner.run(upgrade + twice)
    assert said.out.splitlines() == ["Answerprint: Done.", "Answerprint: Ready!"], said.err


def test_outside_resolve_a_script_says_where_it_belongs(runner: MenuRunner) -> None:
    assert_plain(runner.run(runner.script("good"), "nobody"), "not run by Resolve", "Workspace > Scripts")


def test_a_program_that_was_moved_is_named_with_the_remedy_and_found_again_on_the_path(runner: MenuRunner) -> None:
    text = runner.script("good", command=("/nowhere/python", "-m", "answerprint"))
    assert_plain(runner.run(text), "was not found (/nowhere/python)", "answerprint resolve install")
    helper = Path(__file__).with_name("helper.py")
    program = runner.bin / "answerprint"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {helper} good "$@"\n')
    program.chmod(0o755)
    assert_plain(runner.run(text), "resolve menu selected")


def test_a_program_that_cannot_be_started_is_named(runner: MenuRunner) -> None:
    program = runner.bin / "broken"
    program.write_text("not a program")
    said = runner.run(runner.script("good", command=(str(program),)))
    assert_plain(said, "could not be started", str(program), "answerprint resolve install")


def test_without_the_launcher_a_script_says_what_to_do_and_finds_it_when_it_is_back(runner: MenuRunner) -> None:
    text = runner.script("good")
    away = runner.folder.rename(runner.folder.with_name("away"))
    assert_plain(runner.run(text), f"was not found ({runner.folder})", "answerprint resolve install")
    away.rename(runner.folder)
    assert_plain(runner.run(text), "It is queued.")


def test_the_launcher_of_a_usual_place_is_found_when_that_of_the_installation_is_gone(runner: MenuRunner) -> None:
    text = runner.script("good")
    bundle = runner.home / ".local" / "opt" / "answerprint" / "_internal"
    bundle.mkdir(parents=True)
    runner.folder.rename(bundle / "resolve_scripts")
    assert_plain(runner.run(text), "It is queued.")


def test_a_launcher_that_cannot_be_read_ends_in_words(runner: MenuRunner) -> None:
    text = runner.script("good")
    runner.change("answerprint_launcher.py", "import threading\n", "import threading of tomorrow\n")
    assert_plain(runner.run(text), "could not be started (SyntaxError", "answerprint resolve install")


def test_an_error_of_the_program_is_shown_in_its_own_words(runner: MenuRunner) -> None:
    said = runner.run(runner.script("refusing"))
    assert said.out == "Answerprint: Nothing is selected.\n  Select clips on the timeline.\n"


def test_an_error_that_was_shown_is_not_said_twice(runner: MenuRunner) -> None:
    assert runner.run(runner.script("saying")).out == "Nothing is selected.\n"


def test_the_words_of_an_earlier_run_are_not_said_again(runner: MenuRunner) -> None:
    runner.run(runner.script("refusing"))
    said = runner.run(runner.script("gone"))
    assert_plain(said, "ended unexpectedly (exit code 3)")
    assert "selected" not in said.out


def test_a_crash_of_the_program_names_the_log_which_has_the_traceback(runner: MenuRunner) -> None:
    assert_plain(
        runner.run(runner.script("crashing")), "ended unexpectedly (exit code 1)", f"Details are in {runner.log}"
    )
    assert "a programming error" in runner.log.read_text()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_a_program_that_is_killed_is_missed_and_the_next_start_works(runner: MenuRunner) -> None:
    assert_plain(runner.run(runner.script("killed")), "ended unexpectedly (signal 9)", "Try again.")
    assert_plain(runner.run(runner.script("good")), "It is queued.")


def test_a_program_that_says_nothing_is_ended(runner: MenuRunner) -> None:
    runner.change("answerprint_launcher.py", "HELLO_SECONDS = 30.0", "HELLO_SECONDS = 1.0")
    assert_plain(runner.run(runner.script("mute")), "did not answer within 1 s", "answerprint doctor")


def test_a_program_that_speaks_otherwise_is_ended(runner: MenuRunner) -> None:
    assert_plain(runner.run(runner.script("rubbish")), "sent an invalid line", "answerprint resolve install")


def test_a_program_that_is_older_than_the_script_is_named(runner: MenuRunner) -> None:
    assert_plain(runner.run(runner.script("older")), "older than this script", "Reinstall Answerprint")


def test_a_program_that_is_gone_at_once_is_missed(runner: MenuRunner) -> None:
    assert_plain(runner.run(runner.script("gone")), "ended unexpectedly (exit code 3)")


@pytest.mark.parametrize("protocol", [0, 2])
def test_a_script_of_another_version_names_the_remedy(runner: MenuRunner, protocol: int) -> None:
    runner.change("answerprint_bridge.py", "\nPROTOCOL = 1\n", f"\nPROTOCOL = {protocol}\n")
    said = runner.run(runner.script("good", command=(sys.executable, "-c", _PROGRAM)))
    assert_plain(said, "have different versions", "answerprint resolve install")


_PROGRAM = """
import sys
from answerprint.errors import AnswerprintError
from answerprint.resolve.bridge.menu import run_bridge
try:
    with run_bridge():
        pass
except AnswerprintError as error:
    sys.stderr.write(f"answerprint: {error.message}\\n  {error.remedy}\\n")
    sys.exit(error.exit_code)
"""


def test_a_call_that_does_not_come_back_is_said_while_it_hangs(runner: MenuRunner) -> None:
    with runner.start(runner.script("waiting")) as process:
        assert process.stdout is not None
        words = [process.stdout.readline(), process.stdout.readline()]
        process.kill()
    assert words[0].startswith("Answerprint: Resolve did not answer Hang")
    assert "dialog" in words[1]


def test_a_large_log_begins_anew(runner: MenuRunner) -> None:
    runner.log.parent.mkdir(parents=True)
    runner.log.write_bytes(b"old\n" * 300_000)
    runner.run(runner.script("refusing"))
    assert len(runner.log.read_text().splitlines()) == 3


def test_without_a_place_for_the_log_the_script_works(runner: MenuRunner) -> None:
    runner.log.parents[1].write_text("in the way")
    assert_plain(runner.run(runner.script("good")), "It is queued.")
    assert_plain(runner.run(runner.script("gone")), "ended unexpectedly (exit code 3)")


@pytest.mark.skipif(sys.platform != "linux", reason="the notice is another program elsewhere")
def test_the_last_word_and_errors_are_a_notice_on_the_desktop(runner: MenuRunner) -> None:
    notices = runner.home / "notices"
    program = runner.bin / "notify-send"
    program.write_text(f'#!/bin/sh\necho "$4 $LD_LIBRARY_PATH" >> {notices}\n')
    program.chmod(0o755)
    for behaviour in ("good", "refusing"):
        text = f"import os\nos.environ['DISPLAY'] = ':7'\n{runner.script(behaviour)}"
        runner.run(text)
    assert notices.read_text().splitlines() == [
        "It is queued. ",
        "Answerprint: Nothing is selected.",
        "  Select clips on the timeline. ",
    ]


@pytest.mark.parametrize(
    ("platform", "environ"),
    [
        ("linux", {}),
        ("linux", {"XDG_DATA_HOME": "/films/data"}),
        ("linux", {"XDG_DATA_HOME": "not absolute"}),
        ("linux", {"ANSWERPRINT_HOME": "/films/home"}),
        ("darwin", {}),
        ("win32", {}),
        ("win32", {"LOCALAPPDATA": "/films/local"}),
    ],
)
def test_the_scripts_find_the_home_that_the_program_finds(platform: str, environ: dict[str, str]) -> None:
    found = runpy.run_path(str(Path(this_program().folder) / "answerprint_words.py"))["home"]
    assert found(environ, platform) == str(home(environ, platform))


def test_scripts_are_filled_in_whatever_the_paths_are_made_of(runner: MenuRunner) -> None:
    folder = runner.folder.rename(runner.folder.with_name("q'\" \\ {x} \N{FILM FRAMES} t\udce4ble"))
    program = Program((str(folder / "python"), "-m"), str(folder), "", "1.2")
    for path, data in files(program).items():
        if path.suffix == ".py":
            values = {
                node.targets[0].id: node.value
                for node in ast.parse(data.decode("ascii")).body
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            }
            installed = ast.literal_eval(values["INSTALLED"])
            assert installed["program"] == list(program.command)
            assert installed["folder"] == program.folder
