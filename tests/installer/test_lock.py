"""The lock files name, by hash, what the project asks for. `make lock` makes them again."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ROOT / "installer" / "lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def locked(name: str) -> dict[str, Requirement]:
    """The packages of a lock, by name. A package may stand there once for each range of Pythons: the last counts."""
    entries = (LOCKS / name).read_text().replace("\\\n", " ").splitlines()
    found: dict[str, Requirement] = {}
    for entry in entries:
        requirement, *hashes = re.split(r"\s+--hash=", entry)
        assert hashes, f"{requirement} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each.strip()) for each in hashes), requirement
        parsed = Requirement(requirement)
        assert re.fullmatch(r"==[^*]+", str(parsed.specifier)), f"{requirement} is not one version"
        found[canonicalize_name(parsed.name)] = parsed
    return found


def version(requirement: Requirement) -> str:
    return str(requirement.specifier).removeprefix("==").partition("+")[0]


@pytest.mark.parametrize(
    ("name", "extras"),
    [("cuda.txt", ()), ("cpu.txt", ()), ("dev-cpu.txt", ("dev", "bundle"))],
    ids=lambda each: str(each),
)
def test_a_lock_holds_all_that_the_project_asks_for(name: str, extras: tuple[str, ...]) -> None:
    packages = locked(name)
    asked = [*PROJECT["dependencies"], *(each for extra in extras for each in PROJECT["optional-dependencies"][extra])]
    for text in asked:
        wanted = Requirement(text)
        assert wanted.specifier.contains(version(packages[canonicalize_name(wanted.name)])), f"{text}: run `make lock`"


@pytest.mark.parametrize("name", ["cuda.txt", "cpu.txt", "dev-cpu.txt", "vision.txt"])
def test_a_lock_has_the_versions_that_the_tests_run_with(name: str) -> None:
    packages = locked(name)
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    for pin in map(Requirement, pins):
        if package := packages.get(canonicalize_name(pin.name)):
            assert version(package) == version(pin), f"{name}: run `make lock`"


def test_only_the_lock_for_cards_has_nvidias_libraries() -> None:
    assert any(each.startswith("nvidia-") for each in locked("cuda.txt"))
    for name in ("cpu.txt", "dev-cpu.txt"):
        packages = locked(name)
        assert str(packages["torch"].specifier).endswith("+cpu")
        assert not [each for each in packages if each.startswith(("nvidia-", "cuda-")) or each == "triton"]
