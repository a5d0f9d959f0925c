"""The commands that look after models, the motion cache and the installation."""

from __future__ import annotations

import json

from cli.program import Program, error_lines


def test_models_are_listed_whether_they_are_here_or_not(program: Program) -> None:
    result = program.run("models", "list")
    assert result.returncode == 0
    states = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert "ready" in states["tiny-x4"]
    assert "not here" in states["ldm-sr-x4"]
    listed = json.loads(program.run("models", "list", "--json").stdout)["models"]
    assert [model["name"] for model in listed] == list(states)


def test_a_model_that_is_not_here_says_where_its_files_belong(program: Program) -> None:
    result = program.run("models", "info", "ldm-sr-x4")
    assert result.returncode == 0
    assert str(program.home / "models") in result.stdout


def test_a_model_tells_every_option_that_a_job_with_it_takes(program: Program) -> None:
    listed = program.run("models", "info", "tiny-x4").stdout
    data = json.loads(program.run("models", "info", "tiny-x4", "--json").stdout)
    assert [option["name"] for option in data["options"]] == ["quality", "sampler", "preset", "eta"]
    assert {"chunk", "noise", "merge_ratio"} <= {option["name"] for option in data["method_options"]}
    for option in data["options"] + data["method_options"]:
        assert option["name"] in listed
        assert set(option) >= {"kind", "default", "minimum", "maximum", "choices", "unit", "help", "group"}
        assert option["help"].split()[-1] in listed


def test_the_list_of_options_names_those_of_the_method_and_of_every_family(program: Program) -> None:
    result = program.run("restore", "--list-options")
    assert result.returncode == 0
    for said in ("of the method", "of the model family tiny", "of the model family ldm_sr", "merge_ratio", "sampler"):
        assert said in result.stdout


def test_an_unknown_model_is_refused(program: Program) -> None:
    result = program.run("models", "info", "huge-x9")
    assert result.returncode == 2
    assert "tiny-x4" in error_lines(result.stderr)[1]


def test_the_embedded_model_is_whole(program: Program) -> None:
    result = program.run("models", "verify", "tiny-x4")
    assert (result.returncode, result.stdout) == (0, "tiny-x4: ok\n")


def test_a_damaged_model_is_found_and_the_remedy_named(program: Program) -> None:
    folder = program.home / "models" / "worn"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    result = program.run("models", "verify")
    assert result.returncode == 2
    assert "worn: " in result.stdout
    assert str(folder) in result.stdout


def test_the_motion_cache_tells_what_it_holds_and_is_cleared(program: Program) -> None:
    facts = json.loads(program.run("flow-cache", "info", "--json").stdout)
    assert (facts["entries"], facts["folder"]) == (0, str(program.home / "cache" / "flow"))
    assert "0 entries removed" in program.run("flow-cache", "clear").stdout
