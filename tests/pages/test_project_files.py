"""Files that other programs read: the changelog's form, the hooks, and what continuous integration runs."""

from __future__ import annotations

import os
import re

import yaml

from answerprint import __version__
from pages.reading import ROOT

_KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_changelog_has_releases_and_kinds_of_changes() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    releases = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert releases[0].startswith("Unreleased\n")
    assert all(re.match(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d\n", release) for release in releases[1:])
    assert f"Version {__version__}" in releases[0] or releases[1:]
    for release in releases:
        kinds = re.findall(r"^### (.+)$", release, re.MULTILINE)
        assert set(kinds) <= _KINDS
        assert len(kinds) == len(set(kinds))


def test_hooks_use_the_tools_of_the_project() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert {each["repo"] for each in config["repos"]} == {"local"}
    hooks = [hook for each in config["repos"] for hook in each["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}
    checks = re.findall(r"^\t\$\((?:PYTHON|VENV)\)(.+)$", makefile_rule("check"), re.MULTILINE)
    for tool in ("ruff format", "ruff check", "mypy", "lint-imports"):
        assert any(tool in line for line in checks)
        assert [hook["entry"] for hook in hooks if hook["entry"].startswith(".venv/bin/") and tool in hook["entry"]]


def test_the_workflow_runs_what_everybody_can_run() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert "make test" in (ROOT / ".ci/run").read_text("utf-8")


def makefile_rule(target: str) -> str:
    """The recipe of a target."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert found, target
    return found[1]
