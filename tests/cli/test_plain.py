"""Names of files steer no terminal, whichever way they come to it; what programs read stays exact."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from answerprint.api.job import JobState
from answerprint.cli.console import Console
from answerprint.cli.progress import ProgressBar, ProgressLines
from answerprint.errors import JobFailedError
from answerprint.ipc import events
from answerprint.scheduler.logfile import LOG_NAME, open_log
from answerprint.text import plain, spoken
from cli.runner import Answer, CliRunner
from resolve_scripts.answerprint_words import Messages

EVIL = "a\x1b]0;owned\x07\x1b[2J\x9b31m\rb\n\u202ec\u2028.mov"
SAFE = "a?]0;owned??[2J?31m?b??c?.mov"
_STEERS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029]")


def check(answer: Answer, *, said: str = SAFE) -> None:
    assert not _STEERS.search(answer.out + answer.err)
    assert said in answer.out + answer.err


def test_text_of_one_line_holds_nothing_but_what_is_printed() -> None:
    assert plain(EVIL) == SAFE
    assert plain("Ünïcode 漢字 ok") == "Ünïcode 漢字 ok"
    assert spoken(JobFailedError(f"{EVIL} failed.", f"Rename {EVIL}.")) == (
        f"answerprint: {SAFE} failed.\n  Rename {SAFE}.\n"
    )


def test_errors_lists_details_and_what_is_said_of_steps(runner: CliRunner) -> None:
    problem = {"code": "bad_media", "message": f"{EVIL} is no film.", "remedy": f"Convert {EVIL}.", "exit_code": 2}
    job = runner.job(EVIL)
    runner.server.call(lambda: runner.daemon.change(job.id, JobState.FAILED, problem=problem))
    check(runner("restore", EVIL, "out.mov"))
    check(runner("jobs", "list"))
    check(runner("jobs", "show", "1"))
    check(runner("jobs", "watch", "1"))
    shown = runner("jobs", "show", "1", "--json").json
    assert (shown["label"], shown["problem"]) == (EVIL, problem)
    check(runner("jobs", "retry", "1"))
    check(runner("queue", "show"))
    check(runner("queue", "suspend", "--reason", EVIL))
    check(runner("restore", f"--{EVIL}", "in.mov", "out.mov"))
    wrong = runner("restore", EVIL, "out.mov", "--json").events[-1]
    assert EVIL in wrong["message"]


def test_stages_and_warnings_of_work(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ProgressLines(Console(), every_seconds=0.0)
    for event in (
        events.stage("probe", f"Reading {EVIL}"),
        {**events.progress("decode", 1, 2), "message": EVIL},
        events.warning(f"{EVIL} has no sound."),
    ):
        lines.show(event)
    said = capsys.readouterr()
    assert not _STEERS.search(said.err)
    assert said.err.count(SAFE) == 3
    bar = ProgressBar()
    bar.show(events.stage("probe", f"Reading {EVIL}"))
    bar.show(events.warning(f"{EVIL} has no sound."))
    bar.close()
    drawn = capsys.readouterr().err
    assert drawn.count(SAFE) >= 2
    assert not {"\x1b]", "\x07", "\x9b", "\u202e"} & set(re.findall(r"\x1b.|[\x07\x9b\u202e]", drawn)), drawn


def test_json_is_exact_and_plain_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    Console(json=True).fail(EVIL, EVIL, code="bad_input", exit_code=2)
    Console(json=True).array([{"name": EVIL}])
    event, array = capsys.readouterr().out.splitlines()
    assert json.loads(event)["message"] == EVIL
    assert json.loads(array) == [{"name": EVIL}]
    assert (event + array).isascii()


def test_the_log_and_what_a_daemon_in_the_foreground_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    logger = logging.getLogger("answerprint")
    before = list(logger.handlers), logger.level, logger.propagate
    try:
        open_log(tmp_path, most_bytes=10_000, files=1, also_stderr=True)
        logger.warning("left as it is: %s", EVIL)
    finally:
        for handler in set(logger.handlers) - set(before[0]):
            handler.close()
            logger.removeHandler(handler)
        logger.setLevel(before[1])
        logger.propagate = before[2]
    for text in (shown.getvalue(), (tmp_path / LOG_NAME).read_text()):
        assert not _STEERS.search(text)
        assert text.endswith(f"left as it is: {SAFE}\n")


def test_what_resolve_s_console_and_notices_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noticed: list[str] = []
    make: Any = Messages  # stdlib of Python 3.6, without types
    words = make({"ANSWERPRINT_HOME": str(tmp_path)}, lambda text, environment: noticed.append(text))
    words.show(f"{EVIL.replace(chr(10), '')} failed.\n  Rename it.", "error")
    said = capsys.readouterr().out
    assert not _STEERS.search(said + "".join(noticed))
    assert said == f"{SAFE.replace('b??', 'b?')} failed.\n  Rename it.\n"
