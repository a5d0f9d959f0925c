"""Everything that can be wrong between the menu in Resolve and this program, and the remedy."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from answerprint.errors import AnswerprintError
from answerprint.resolve.api.app import Resolve
from answerprint.resolve.bridge.attach import Attempt, ResolvePaths, attached, clean_environment, resolve_paths
from answerprint.resolve.conform.witnesses import accounts
from answerprint.resolve.edition import Edition
from answerprint.resolve.errors import NoResolveError
from answerprint.resolve.install import install
from answerprint.resolve.install.install import InstallState
from answerprint.resolve.install.scripts import Program

__all__ = ["RunningResolve", "SetupFinding", "Status", "check_setup"]

_INSTALL = "Run: answerprint resolve install"
_AGAIN = "Install Answerprint again, then run: answerprint resolve install"
_PROGRAM_SECONDS = 60.0  # a first start from a cold disk


@dataclass(frozen=True, slots=True)
class SetupFinding:
    """One thing that was looked at. note: worth knowing, and not wrong."""

    subject: str
    level: Literal["ok", "note", "error"]
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class RunningResolve:
    """The Resolve that answers. product: its own name for itself."""

    product: str
    edition: Edition


@dataclass(frozen=True, slots=True)
class Status:
    """All findings; the Resolve that answers, None where none does; the Pythons that were tried to reach it."""

    findings: tuple[SetupFinding, ...]
    running: RunningResolve | None
    attempts: tuple[Attempt, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(each.level != "error" for each in self.findings)


def check_setup(
    program: Program, wanted: Mapping[PurePosixPath, bytes], environ: Mapping[str, str] | None = None
) -> Status:
    """Look at scripts, program and Resolve; changes nothing. wanted: the scripts of this version."""
    environ = os.environ if environ is None else environ
    paths = resolve_paths(environ)
    attempts: list[Attempt] = []
    running, reached = _reach(paths, environ, attempts)
    findings = (*_menu(paths, program, wanted, environ), *_found(paths), *_witnesses(), *reached)
    return Status(findings, running, tuple(attempts))


def _menu(
    paths: ResolvePaths, program: Program, wanted: Mapping[PurePosixPath, bytes], environ: Mapping[str, str]
) -> Iterator[SetupFinding]:
    installed = []
    for root in dict.fromkeys((paths.scripts_user, paths.scripts_all)):
        try:
            known = install.read_install_manifest(root)
            if known is not None:
                installed.append(root)
                yield from _scripts(root, known, program, wanted)
                yield _starts(known.command, environ)
            elif (root / install.MANIFEST).exists():
                installed.append(root)
                text = f"what is installed in {root} is not known: its list cannot be read"
                yield SetupFinding("scripts", "error", text, _INSTALL)
        except OSError as error:
            yield SetupFinding(
                "scripts", "error", f"{error.filename or root} cannot be read ({error.strerror})", _INSTALL
            )
    if not installed:
        yield SetupFinding("scripts", "error", f"none are in {paths.scripts_user}", _INSTALL)
    elif len(installed) > 1:
        remedy = "Run: answerprint resolve uninstall, or uninstall --all-users"
        yield SetupFinding("scripts", "note", "they are there twice, for you and for all users", remedy)


def _scripts(
    root: Path, known: install.InstallManifest, program: Program, wanted: Mapping[PurePosixPath, bytes]
) -> Iterator[SetupFinding]:
    if known.version != program.version:
        text = f"those in {root} are of version {known.version}, this program is of version {program.version}"
        yield SetupFinding("scripts", "error", text, _INSTALL)
        return
    as_installed = 0
    for path in wanted:
        match install.install_state(root / path, known.files.get(path, frozenset())):
            case InstallState.OURS:
                as_installed += 1
            case InstallState.ABSENT:
                yield SetupFinding(path.name, "error", f"{root / path} {InstallState.ABSENT.value}", _INSTALL)
            case state:
                remedy = "To have ours, and keep that one beside it: answerprint resolve install --force"
                yield SetupFinding(path.name, "note", f"{root / path} {state.value}", remedy)
    if as_installed == len(wanted):
        yield SetupFinding("scripts", "ok", f"{len(wanted)} of version {known.version} in {root}")
    if known.command != program.command:
        text = f"they start another installation: {' '.join(known.command)}"
        yield SetupFinding("scripts", "note", text, f"To have them start this one: {_INSTALL.removeprefix('Run: ')}")


def _starts(command: tuple[str, ...], environ: Mapping[str, str]) -> SetupFinding:
    """Whether the program that the scripts start is there, and starts as it does from Resolve."""
    line = " ".join(command)
    try:
        result = subprocess.run(  # noqa: S603 - the command that this program wrote
            [*command, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=clean_environment(environ),
            timeout=_PROGRAM_SECONDS,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return SetupFinding("program", "error", f"{line} cannot be started ({reason})", _AGAIN)
    except subprocess.TimeoutExpired:
        return SetupFinding("program", "error", f"{line} does not answer", "Run: answerprint doctor")
    said = result.stdout.decode("utf-8", "replace").strip()
    if result.returncode or not said.startswith("answerprint "):
        last = result.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        return SetupFinding("program", "error", f"{line} does not start ({(last or [f'it says {said!r}'])[0]})", _AGAIN)
    return SetupFinding("program", "ok", f"{line} starts, version {said.split()[-1]}")


def _found(paths: ResolvePaths) -> Iterator[SetupFinding]:
    module = _module(paths)
    install = "Install DaVinci Resolve; where it lies elsewhere, set RESOLVE_SCRIPT_API and RESOLVE_SCRIPT_LIB."
    if module.is_file():
        yield SetupFinding("scripting module", "ok", str(module))
    else:
        yield SetupFinding("scripting module", "error", f"there is none at {module}", install)
    if paths.library.is_file():
        yield SetupFinding("scripting library", "ok", str(paths.library))
    else:
        # The module looks in other places, too.
        yield SetupFinding("scripting library", "note", f"there is none at {paths.library}", install)
    if own := next((each for each in paths.pythons if each.is_file()), None):
        yield SetupFinding("Resolve's Python", "ok", str(own))


def _witnesses() -> Iterator[SetupFinding]:
    for each in accounts():
        level: Literal["ok", "error"] = "error" if each.problem else "ok"
        yield SetupFinding(each.name, level, f"{each.text}: {each.problem}" if each.problem else each.text, each.remedy)


def _module(paths: ResolvePaths) -> Path:
    return paths.api / "Modules" / "DaVinciResolveScript.py"


def _reach(
    paths: ResolvePaths, environ: Mapping[str, str], attempts: list[Attempt]
) -> tuple[RunningResolve | None, list[SetupFinding]]:
    """Ask the Resolve that runs what it is."""
    findings: list[SetupFinding] = []
    if not _module(paths).is_file():
        return None, findings  # said already
    running = None
    try:
        with attached(environ, attempts) as bridge:
            resolve = Resolve(bridge.root)
            product = resolve.product()
            running = RunningResolve(product, Edition.of(product, resolve.version()))
            findings.append(SetupFinding("Resolve", "ok", f"{running.edition.words} answers"))
            try:
                findings.append(SetupFinding("project", "ok", resolve.project().name()))
            except NoResolveError:
                raise
            except AnswerprintError as error:
                findings.append(SetupFinding("project", "note", error.message, error.remedy))
    except NoResolveError as error:
        # Where the library works and finds none, Resolve is closed, or free: neither is wrong.
        closed = any(not each.problem for each in attempts) and running is None
        findings.append(SetupFinding("Resolve", "note" if closed else "error", error.message, error.remedy))
    except AnswerprintError as error:
        findings.append(SetupFinding("Resolve", "error", error.message, error.remedy))
    for each in attempts:
        name = f"Python {each.version}".strip()
        level: Literal["ok", "note"] = "note" if each.problem else "ok"
        findings.append(SetupFinding(name, level, f"{each.python}: {each.problem or 'takes the scripting library'}"))
    if running is not None:
        findings.extend(_capabilities(running.edition))
    return running, findings


def _capabilities(edition: Edition) -> Iterator[SetupFinding]:
    for capability, instead in edition.table().items():
        yield SetupFinding(capability.value, "note" if instead else "ok", "no" if instead else "yes", instead)
