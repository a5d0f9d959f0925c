"""Many jobs at once: all of them are looked at before one is queued, and every mistake has its place."""

from __future__ import annotations

import json
import os
import textwrap
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from answerprint.frames import OutputSpec, default_codec
from answerprint.media import open_writer
from cli.program import Program, error_lines
from cli.runner import CliRunner
from media.makers import make_movie


@pytest.fixture(autouse=True)
def clips(runner: CliRunner) -> None:
    """a.mov, b.mov and a sequence."""
    for name in ("a.mov", "b.mov"):
        make_movie(runner.folder / name, 2)
    plates = runner.folder / "plates"
    plates.mkdir()
    for number in (1, 2):
        (plates / f"plate.{number:04}.png").touch()


def job_file(runner: CliRunner, text: str, name: str = "jobs.yaml") -> str:
    (runner.folder / name).write_text(textwrap.dedent(text))
    return name


def requests(runner: CliRunner) -> list[dict[str, object]]:
    return [job.request for job in runner.daemon.jobs.values()]


def test_files_are_queued_in_order_with_outputs_named_after_them(runner: CliRunner) -> None:
    answer = runner(
        "queue",
        "add",
        "a.mov",
        "plates/plate.%04d.png",
        "plates",
        "--model",
        "tiny-x4",
        "--steps",
        "3",
        "--priority",
        "5",
    )
    assert answer.code == 0, answer.err
    folder = runner.folder
    assert [(request["input"], request["output"], request["steps"]) for request in requests(runner)] == [
        (str(folder / "a.mov"), str(folder / "a_restored.mov"), 3),
        (str(folder / "plates/plate.%04d.png"), str(folder / "plates/plate_restored.mov"), 3),
        (str(folder / "plates"), str(folder / "plates_restored.mov"), 3),
    ]
    assert {job.priority for job in runner.daemon.jobs.values()} == {5}
    assert answer.out.splitlines()[0] == f"job 1: {folder / 'a.mov'} -> {folder / 'a_restored.mov'}"


def test_outputs_go_where_and_are_called_as_they_are_told_to(runner: CliRunner) -> None:
    (runner.folder / "out").mkdir()
    names = ("--output-folder", "out", "--suffix", "_4x", "--ext", ".%04d.png", "--label", "night")
    assert runner("queue", "add", "a.mov", "--no-audio", *names).code == 0
    (job,) = runner.daemon.jobs.values()
    assert job.request["interpret"] == {"sound": "no"}
    assert (job.output, job.label) == (str(runner.folder / "out" / "a_4x.%04d.png"), "night")


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("50%discount.mov", "50%discount_restored.mov"),
        ("take:2.mov", "take:2_restored.mov"),
        ("-dash.mov", "-dash_restored.mov"),
        ("new\nline.mov", "new\nline_restored.mov"),
        ("film 🎬 e\u0301 \u00e9.mov", "film 🎬 e\u0301 \u00e9_restored.mov"),
        ("n" * 251 + ".mov", "n" * 242 + "_restored.mov"),
        ("ü" * 125 + ".mov", "ü" * 121 + "_restored.mov"),
    ],
    ids=ascii,
)
def test_any_name_that_a_file_has_is_queued_under_it(name: str, output: str, runner: CliRunner) -> None:
    (runner.folder / "a.mov").rename(runner.folder / name)
    answer = runner("queue", "add", f"./{name}")
    assert answer.code == 0, answer.err
    (job,) = runner.daemon.jobs.values()
    assert Path(job.output) == runner.folder / output
    assert len(os.fsencode(output)) <= 255


def test_each_queued_job_is_an_event_with_json(runner: CliRunner) -> None:
    events = runner("queue", "add", "a.mov", "b.mov", "--json").events
    assert [(event["event"], event["number"]) for event in events] == [("submitted", 1), ("submitted", 2)]
    assert {event["job"] for event in events} == set(runner.daemon.jobs)


def test_no_file_is_queued_twice_for_one_output(runner: CliRunner) -> None:
    answer = runner("queue", "add", "a.mov", "./a.mov", "a.mov")
    assert (answer.code, answer.err.count("is already the output of"), runner.daemon.jobs) == (2, 2, {})


def test_a_file_of_jobs_says_all_that_the_command_line_can(runner: CliRunner) -> None:
    (runner.folder / "out").mkdir()
    name = job_file(
        runner,
        """\
        # tonight
        defaults:
          seed: 7
          scale: 2
          priority: 3
          options: {merge_ratio: 0.5}
          fields: top
        jobs:
          - input: a.mov
            fields: auto
            output: out/a.mov
            range: 0:2
            not_before: 20:00
            options: {warp_tolerance: 0.2}
          - {input: plates, output: out/b.mp4, size: 64x48, consistency: no, label: "no", priority: -1}
          - {input: b.mov, output: out/c.mkv, size: [64, 48], codec: ffv1, noise: ~, strength: 0.5, audio: no}
        """,
    )
    answer = runner("queue", "add", "--from", name, "--model", "tiny-x4", "--steps", "3")
    assert answer.code == 0, answer.err
    first, second, third = runner.daemon.jobs.values()
    expected = {"seed": 7, "scale": "2", "steps": 3, "range": "0:2"}
    assert first.request.items() >= expected.items()
    assert first.request["options"] == {"merge_ratio": "0.5", "warp_tolerance": "0.2"}
    assert (first.request["interpret"], second.request["interpret"]) == ({}, {"fields": "top"})
    assert (first.input, first.output) == (str(runner.folder / "a.mov"), str(runner.folder / "out" / "a.mov"))
    assert first.not_before is not None
    assert datetime.fromtimestamp(first.not_before).strftime("%H:%M") == "20:00"
    assert (first.priority, second.priority, second.label) == (3, -1, "no")
    assert (second.request["size"], second.request["scale"]) == ([64, 48], None)
    assert second.request["consistency"] is False
    assert third.request["interpret"]["sound"] == "no"
    assert (third.request["size"], third.request["noise"], third.request["strength"]) == ([64, 48], None, 0.5)


def test_how_the_source_is_read_is_said_by_the_command_line_or_the_file(runner: CliRunner) -> None:
    name = job_file(
        runner,
        """\
        defaults: {rate: 23.976, range: 0:1}
        jobs:
          - {input: a.mov, output: x.mov, timecode: "10:00:00:00", levels: full}
          - {input: b.mov, output: y.mov, rate: 25, handles: 4}
        """,
    )
    assert runner("queue", "add", "--from", name, "--levels", "video").code == 0
    first, second = (request["interpret"] for request in requests(runner))
    assert first == {"rate": "24000/1001", "start_timecode": "10:00:00:00", "levels": "full"}
    assert second == {"rate": "25", "levels": "video", "handles": "4,4"}
    for wrong in (("--rate", "fast"), ("--rate", "0"), ("--handles", "-1"), ("--handles", "2"), ("--levels", "auto")):
        assert runner("queue", "add", "a.mov", *wrong).code == 2


def test_the_codec_of_the_source_is_asked_for_in_a_file_of_jobs(runner: CliRunner) -> None:
    text = """\
        - {input: a.mov, output: x.mov, like_source: true}
        - {input: b.mov, output: y.mov, like_source: no, codec: prores-hq}
        """
    assert runner("queue", "add", "--from", job_file(runner, text)).code == 0
    assert [request["codec"] for request in requests(runner)] == ["like-source", "prores-hq"]
    both = "- {input: a.mov, output: z.mov, like_source: true, codec: ffv1}"
    assert "exclude each other" in runner("queue", "add", "--from", job_file(runner, both)).err


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("feilds: top", "Did you mean fields?"),
        ("no-audio: true", "Did you mean audio: false?"),
        ("like-source: true", "Did you mean like_source?"),
        ("damaged: maybe", "Give keep, hold or fail."),
        ("timecode: 24:00:00:00", "Hours run from 00 to 23"),
    ],
)
def test_what_was_meant_is_named(wrong: str, says: str, runner: CliRunner) -> None:
    answer = runner("queue", "add", "--from", job_file(runner, f"- {{input: a.mov, output: x.mov, {wrong}}}"))
    assert (answer.code, says in answer.err) == (2, True), answer.err


def test_a_list_alone_is_a_file_of_jobs_and_so_is_json(runner: CliRunner) -> None:
    jobs = [{"input": "a.mov", "output": "out.mov", "seed": 3, "overwrite": True}]
    assert runner("queue", "add", "--from", job_file(runner, json.dumps(jobs), "jobs.json")).code == 0
    assert requests(runner)[0].items() >= {"seed": 3, "overwrite": True}.items()


def test_paths_in_a_file_start_at_its_folder(runner: CliRunner) -> None:
    name = job_file(runner, "- {input: plates, output: x.mov}\n- {input: ../a.mov, output: y.mov}", "plates/jobs.yaml")
    assert runner("queue", "add", "--from", name).code == 2
    name = job_file(runner, "- {input: ../a.mov, output: y.mov}", "plates/jobs.yaml")
    assert runner("queue", "add", "--from", name).code == 0
    assert requests(runner)[0]["output"] == str(runner.folder / "plates" / "y.mov")


def test_all_mistakes_are_said_with_their_lines_and_nothing_is_queued(runner: CliRunner) -> None:
    name = job_file(
        runner,
        """\
        defaults: {seed: many}
        jobs:
          - {input: a.mov, output: a.mov, overwrite: true}
          - input: b.mov
            output: same.mov
            grain: 1
            steps: soon
          - {input: b.mov, output: same.mov}
          - {input: a.mov, output: same.mov}
          - {input: absent.mov, output: x.mov}
          - {input: a.mov}
          - {input: http://example.org/a.mov, output: x.mov}
          - a.mov
          - {input: a.mov, output: y.mov, priority: 999}
          - {input: a.mov, output: z.mov, not_before: once}
          - {input: a.mov, output: y.mov, consistency: perhaps, seed: 1, seed: 2}
        """,
    )
    answer = runner("queue", "add", "--from", name)
    assert answer.code == 2
    assert (answer.out, runner.daemon.jobs) == ("", {})
    lines = answer.err.splitlines()
    expected = [
        ("1", "seed cannot be 'many'"),
        ("3", "is the source."),
        ("6", "no setting 'grain'"),
        ("7", "steps cannot be 'soon'"),
        ("9", "is already the output of"),
        ("10", "does not exist"),
        ("11", "'output'"),
        ("12", "is not a path on this machine"),
        ("13", "Expected a mapping"),
        ("14", "-100 to 100"),
        ("15", "not a time"),
        ("16", "perhaps"),
        ("16", "twice"),
    ]
    for line, says in expected:
        assert any(said.startswith(f"{name}:{line}: ") and says in said for said in lines), (line, says, lines)
    assert len(lines) == len(expected) + 2
    numbers = [int(said.split(":")[1]) for said in lines[:-2]]
    assert numbers == sorted(numbers)
    assert f"{len(expected)} mistakes" in lines[-2]


def test_mistakes_are_events_with_json_and_the_last_is_the_error(runner: CliRunner) -> None:
    events = runner("queue", "add", "absent.mov", "a.mov", "--steps", "1", "--json").events
    assert [event["event"] for event in events] == ["mistake", "error"]
    assert (events[0]["place"], events[1]["code"]) == ("absent.mov", "bad_input")
    assert not runner.daemon.jobs


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a list of jobs"),
        ("just a text", "not a list of jobs"),
        ("jobs: {input: a.mov}", "not a list of jobs"),
        ("defaults: {seed: 1}", "not a list of jobs"),
        ("[]", "contains no jobs"),
        ("- input: [a", "jobs.yaml:1 is not YAML"),
        ("- input: a.mov\n output: b", "jobs.yaml:2 is not YAML"),
        ("- {input: !!python/name:os.system a.mov, output: b.mov}", "already exists"),
        ("- &x [*x]", "Expected a mapping"),
        ("[" * 5000, "is not YAML"),
        ("\x00\x01", "is not YAML"),
    ],
)
def test_what_is_no_file_of_jobs_is_refused_in_plain_words(text: str, says: str, runner: CliRunner) -> None:
    answer = runner("queue", "add", "--from", job_file(runner, text))
    assert answer.code == 2
    assert says in answer.err
    assert not runner.daemon.jobs


def test_files_and_a_file_of_jobs_exclude_each_other(runner: CliRunner) -> None:
    assert runner("queue", "add").code == 2
    assert runner("queue", "add", "a.mov", "--from", "jobs.yaml").code == 2
    assert "cannot be read" in runner("queue", "add", "--from", "absent.yaml").err


def test_the_queue_is_suspended_with_a_reason_and_goes_on(runner: CliRunner) -> None:
    runner.job()
    answer = runner("queue", "suspend", "--reason", "Resolve renders", "--unload")
    assert (answer.code, "suspend True" in runner.daemon.calls) == (0, True)
    assert "Resolve renders" in answer.out
    shown = runner("queue", "show")
    assert "suspended (Resolve renders)" in shown.err
    assert "the queue is suspended" in shown.out
    assert runner("queue", "resume", "--json").json == {"event": "queue", "suspended": False, "reason": ""}


def test_the_queue_shows_what_waits_and_not_what_has_ended(runner: CliRunner) -> None:
    waits, ended = runner.job("waits.mov"), runner.job("ended.mov")
    runner("jobs", "cancel", ended.id)
    shown = runner("queue", "show")
    assert waits.label in shown.out
    assert ended.label not in shown.out


_MADE = {"answerprint_version": "0.1.0", "answerprint_model": "tiny-x4"}


@pytest.mark.parametrize(
    "name", ["made.mov", "made.mkv", "made.mp4", "made.%04d.png", "made.%04d.tif", "made.%04d.exr"]
)
def test_results_of_ours_are_left_out_and_said(name: str, runner: CliRunner) -> None:
    codec = default_codec(Path(name))
    spec = OutputSpec(width=32, height=32, rate=Fraction(25), codec=codec, provenance=_MADE)
    with open_writer(runner.folder / name, spec) as writer:
        writer.write(np.zeros((32, 32, 3), np.float32))
    answer = runner("queue", "add", "a.mov", name)
    assert answer.code == 0, answer.err
    assert f"{name}: Skipped, because Answerprint made it." in answer.err
    assert [request["input"] for request in requests(runner)] == [str(runner.folder / "a.mov")]
    assert runner("queue", "add", "b.mov", name, "--json").events[0]["event"] == "skipped"
    alone = runner("queue", "add", name)
    assert (alone.code, "Nothing queued: Answerprint made this file." in alone.err) == (2, True)


def test_without_a_daemon_the_queue_cannot_be_seen(program: Program) -> None:
    for arguments in (["queue", "show"], ["queue", "suspend"], ["jobs", "list"], ["models", "unload"]):
        result = program.run(*arguments)
        assert result.returncode == 3, result.stderr
        assert "answerprint daemon start" in error_lines(result.stderr)[1]
