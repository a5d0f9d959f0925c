"""Presets: settings under one name, which every command that restores takes and options override."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from answerprint.api.request import RestoreRequest
from answerprint.cli.batch.presets import Preset, all_presets
from answerprint.home import presets_folder
from cli.runner import CliRunner
from media.makers import make_movie


@pytest.fixture(autouse=True)
def clip(runner: CliRunner) -> Path:
    return make_movie(runner.folder / "a.mov", 2)


def queued(runner: CliRunner) -> RestoreRequest:
    """What the last job asks for."""
    return RestoreRequest.from_json(list(runner.daemon.jobs.values())[-1].request)


def save(runner: CliRunner, *words: str) -> None:
    assert runner("presets", "save", "house", *words).code == 0


def test_every_preset_of_the_program_is_whole_and_told(runner: CliRunner) -> None:
    shipped = list(all_presets())
    assert all(isinstance(each, Preset) and each.description and not each.own for each in shipped)
    answer = runner("presets", "list", "--json")
    assert [json.loads(line)["preset"] for line in answer.out.splitlines()] == [
        each.name for each in shipped if isinstance(each, Preset)
    ]
    assert {"animation", "archive-film", "noisy-night", "phone", "tape"} <= {
        each.name for each in shipped if isinstance(each, Preset)
    }


def test_options_override_a_preset_and_the_rest_is_kept(runner: CliRunner) -> None:
    save(
        runner, "--scale", "2", "--seed", "7", "--no-consistency", "--option", "fusion=weak", "--fields", "top",
        "--codec", "prores-hq", "--no-audio", "--sidecar", "--description", "House look",
    )  # fmt: skip
    words = ("--preset", "house", "--size", "96x72", "--option", "warp=off", "--rate", "25")
    assert runner("queue", "add", "a.mov", *words).code == 0
    request = queued(runner)
    assert (request.scale, request.size, request.seed, request.consistency) == (None, (96, 72), 7, False)
    assert request.options == {"fusion": "weak", "warp": "off"}
    assert request.clip.settings()["interpret"] == {"fields": "top", "sound": "no", "rate": "25"}
    assert (request.codec, request.sidecar) == ("prores-hq", True)


def test_a_job_file_names_a_preset_for_all_jobs_or_for_one(runner: CliRunner) -> None:
    save(runner, "--scale", "2", "--seed", "7")
    (runner.folder / "jobs.yaml").write_text(
        "defaults: {preset: house, seed: 8}\n"
        "jobs:\n"
        "  - {input: a.mov, output: 1.mov}\n"
        "  - {input: a.mov, output: 2.mov, preset: noisy-night, strength: 0.5}\n"
    )
    assert runner("queue", "add", "--from", "jobs.yaml").code == 0
    first, second = (RestoreRequest.from_json(job.request) for job in runner.daemon.jobs.values())
    assert (first.scale, first.seed, first.strength) == ("2", 8, 1)
    assert (second.scale, second.seed, second.strength, second.options["fusion"]) == ("1", 8, 0.5, "strong")


def test_a_preset_is_given_to_others_as_a_file(runner: CliRunner) -> None:
    save(runner, "--scale", "2", "--option", "fusion=weak", "--rate", "25", "--framemd5")
    shared = runner.folder / "shared.yaml"
    shared.write_text(runner("presets", "show", "house").out)
    assert runner("presets", "remove", "house").code == 0
    assert not list(presets_folder().iterdir())
    assert runner("presets", "save", "other", "--from", "shared.yaml").code == 0
    for name in ("other", "shared.yaml"):
        assert runner("queue", "add", "a.mov", "--preset", name, "--suffix", name).code == 0
        request = queued(runner)
        assert (request.scale, dict(request.options), request.framemd5) == ("2", {"fusion": "weak"}, True)
        assert request.clip.settings()["interpret"] == {"rate": "25"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("queue", "add", "a.mov", "--preset", "tapes"), "Did you mean tape?"),
        (("queue", "add", "a.mov", "--preset", "none.yaml"), "cannot be read"),
        (("queue", "add", "a.mov", "--preset", "bad.yaml"), "bad.yaml:2: A preset has no setting 'fool'"),
        (("queue", "add", "a.mov", "--preset", "worse.yaml"), "'x' is not a scale"),
        (("queue", "add", "a.mov", "--preset", "list.yaml"), "Expected a mapping"),
        (("queue", "add", "a.mov", "--preset", "path.yaml"), "has no setting 'output'"),
        (("presets", "save", "house"), "at least one setting"),
        (("presets", "save", "../house", "--scale", "2"), "cannot be the name"),
        (("presets", "save", "house", "--scale", "big"), "is not a scale"),
        (("presets", "save", "house", "--from", "bad.yaml"), "bad.yaml:2"),
        (("presets", "save", "house", "--from", "bad.yaml", "--scale", "2"), "exclude each other"),
        (("presets", "remove", "tape"), "came with the program"),
        (("presets", "remove", "bad.yaml"), "bad.yaml:2"),
        (("presets", "show", "nothing at all"), "Presets: animation"),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(runner: CliRunner, words: tuple[str, ...], said: str) -> None:
    for name, text in {
        "bad": "scale: 2\nfool: 1\n", "worse": "scale: x\n", "list": "- scale: 2\n", "path": "output: /etc/passwd\n"
    }.items():  # fmt: skip
        (runner.folder / f"{name}.yaml").write_text(text)
    answer = runner(*words)
    assert answer.code == 2
    assert said in answer.err
    assert not runner.daemon.jobs
    assert not presets_folder().exists()


def test_a_preset_is_replaced_only_on_demand_and_a_shipped_name_can_be_taken(runner: CliRunner) -> None:
    save(runner, "--scale", "2")
    answer = runner("presets", "save", "house", "--scale", "3")
    assert (answer.code, "--overwrite" in answer.err) == (2, True)
    save(runner, "--scale", "3", "--overwrite")
    assert runner("presets", "save", "tape", "--seed", "5").code == 0
    for name, wanted in (("house", ("3", 0)), ("tape", (None, 5))):
        assert runner("queue", "add", "a.mov", "--preset", name, "--suffix", name).code == 0
        assert (queued(runner).scale, queued(runner).seed) == wanted


def test_one_damaged_preset_does_not_hide_the_others(runner: CliRunner) -> None:
    save(runner, "--scale", "2")
    (presets_folder() / "broken.yaml").write_text("scale: [\n")
    answer = runner("presets", "list")
    assert answer.code == 2
    assert "broken.yaml" in answer.err
    assert any(line.startswith("house") and "yours" in line for line in answer.out.splitlines())
