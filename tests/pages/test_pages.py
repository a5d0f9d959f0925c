"""The pages are short where they should be, and true: links lead somewhere, commands exist, paths are there."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import re
from functools import cache
from pathlib import Path

import pytest

from answerprint.arguments import PlainParser
from answerprint.cli import answerprintd
from answerprint.cli.main import COMMANDS, main
from answerprint.errors import InputError
from pages.reading import PAGES, ROOT, Command, anchors, commands, inline_code, links

_README_WORDS = 1500
_ABOUT_NEW_FILES = frozenset({"docs/adding-a-codec.md", "docs/adding-a-put-back-mode.md"})
_PATH = re.compile(r"(?:daemon|docs|examples|installer|proto|resolve_scripts|tests|\.ci|\.github)/[\w./-]*")
_FORWARDED = {"eval": "answerprint.metrics.evaluation", "bench": "answerprint.metrics.benchmark"}
"""Commands whose options a program of their own knows."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def all_commands(*programs: str) -> list[Command]:
    found = [command for page in PAGES for command in commands(page, *programs)]
    assert found, programs
    return found


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= _README_WORDS


@each_page
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = []
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_is_reached_from_the_readme() -> None:
    seen, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        waiting += [(page.parent / link.partition("#")[0]).resolve() for link in links(page)]
    assert set(PAGES) <= seen


@each_page
def test_every_path_in_the_repository_is_there(page: Path) -> None:
    if str(page.relative_to(ROOT)) in _ABOUT_NEW_FILES:
        pytest.skip("it shows how to add files")
    named = [code for code in inline_code(page) if _PATH.fullmatch(code)]
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("command", all_commands("answerprint"), ids=str)
def test_every_command_is_one_of_the_program(command: Command) -> None:
    _, *words = command.words
    if not words:
        return
    if words[0].startswith("-"):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 0
        return
    top = parser_of(words[0])
    parser, rest = leaf(top, words[1:])
    options = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
    assert options - set(parser._option_string_actions) == set()
    if command.whole and "--help" not in options:
        parse(top, words[1:])


@each_page
def test_every_option_in_the_prose_is_one_of_some_command(page: Path) -> None:
    known = {option for command in COMMANDS for option in options_below(parser_of(command))}
    written = {code.split()[0].partition("=")[0] for code in inline_code(page) if code.startswith("--")}
    assert written - known == set()


@pytest.mark.parametrize("words", [("restore", "--no-such"), ("no-such",), ("jobs", "no-such")])
def test_a_command_that_is_not_there_would_be_found(words: tuple[str, ...]) -> None:
    command = Command(ROOT / "README.md", ("answerprint", *words), whole=False)
    with pytest.raises((AssertionError, KeyError)):
        test_every_command_is_one_of_the_program(command)


def test_every_option_of_the_daemon_is_in_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        answerprintd.main(["--help"])
    shown = capsys.readouterr().out
    assert [str(each) for each in all_commands("answerprintd") if any(word not in shown for word in each.words)] == []


def test_every_target_of_make_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    missing = []
    for command in all_commands("make"):
        targets = [word for word in command.words[1:] if "=" not in word]
        missing += [str(command) for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)]
    assert missing == []


def test_every_module_that_is_run_is_there() -> None:
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    modules = set(re.findall(r"python -m ([\w.]+)", text))
    assert modules
    assert {module for module in modules if importlib.util.find_spec(module) is None} == set()


@cache
def parser_of(command: str) -> argparse.ArgumentParser:
    """The parser of a sub-command, as the program itself builds it."""
    if command in _FORWARDED:
        built: argparse.ArgumentParser = importlib.import_module(_FORWARDED[command])._parser()
        return built
    parser = PlainParser(prog=f"answerprint {command}", allow_abbrev=False)
    importlib.import_module(f"answerprint.cli.{COMMANDS[command][0]}").add_arguments(parser)
    return parser


def leaf(parser: argparse.ArgumentParser, words: list[str]) -> tuple[argparse.ArgumentParser, list[str]]:
    """The parser of the last action that is named, and the words that are left to it."""
    subs = next((each for each in parser._actions if isinstance(each, argparse._SubParsersAction)), None)
    if subs is None or not words or words[0].startswith("-"):
        return parser, words
    assert words[0] in subs.choices, f"{parser.prog} has no action {words[0]}"
    return leaf(subs.choices[words[0]], words[1:])


def options_below(parser: argparse.ArgumentParser) -> set[str]:
    """Every option of a parser and of its actions."""
    below = [
        each
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for each in action.choices.values()
    ]
    return set(parser._option_string_actions).union(*(options_below(each) for each in below))


def parse(parser: argparse.ArgumentParser, words: list[str]) -> None:
    """Parse as the program does; a word such as N stands for a number where one is wanted."""
    try:
        parser.parse_args(words)
    except InputError:
        parser.parse_args(["1" if re.fullmatch(r"[A-Z]+", word) else word for word in words])
