"""Check the menu scripts, the program that they start, and Resolve; each problem with its remedy."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from answerprint.errors import AnswerprintError
from answerprint.resolve.api.app import Resolve
from answerprint.resolve.bridge.attach import Attempt, ResolvePaths, attached, interpreter_environment, resolve_paths
from answerprint.resolve.conform.readers import conform_readers
from answerprint.resolve.edition import Edition
from answerprint.resolve.errors import NoResolveError
from answerprint.resolve.install import install
from answerprint.resolve.install.install import InstallState
from answerprint.resolve.install.scripts import Program

__all__ = ["RunningResolve", "SetupFinding", "Status", "check_setup"]

_INSTALL = "Run: answerprint resolve install"
_REINSTALL = "Reinstall Answerprint, then run: answerprint resolve install"
_PROGRAM_SECONDS = 60.0  # a first start from a cold disk


@dataclass(frozen=True, slots=True)
class SetupFinding:
    """The result of one check. note: worth knowing, but no problem."""

    subject: str
    level: Literal["ok", "note", "error"]
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class RunningResolve:
    """The running Resolve. product: the name that it reports."""

    product: str
    edition: Edition


@dataclass(frozen=True, slots=True)
class Status:
    """All findings. running: the running Resolve, or None. attempts: the Pythons that were tried to attach to it."""

    findings: tuple[SetupFinding, ...]
    running: RunningResolve | None
    attempts: tuple[Attempt, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return all(each.level != "error" for each in self.findings)


def check_setup(
    program: Program, wanted: Mapping[PurePosixPath, bytes], environ: Mapping[str, str] | None = None
) -> Status:
    """Check scripts, program and Resolve; changes nothing. wanted: the scripts of this version."""
    environ = os.environ if environ is None else environ
    paths = resolve_paths(environ)
    attempts: list[Attempt] = []
    running, reached = _reach(paths, environ, attempts)
    findings = (*_menu(paths, program, wanted, environ), *_resolve_files(paths), *_readers(), *reached)
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
                text = f"the manifest in {root} is not valid"
                yield SetupFinding("scripts", "error", text, _INSTALL)
        except OSError as error:
            yield SetupFinding(
                "scripts", "error", f"{error.filename or root} is not readable ({error.strerror})", _INSTALL
            )
    if not installed:
        yield SetupFinding("scripts", "error", f"not installed in {paths.scripts_user}", _INSTALL)
    elif len(installed) > 1:
        remedy = "Run: answerprint resolve uninstall, or answerprint resolve uninstall --all-users"
        yield SetupFinding("scripts", "note", "installed twice, for you and for all users", remedy)


def _scripts(
    root: Path, known: install.InstallManifest, program: Program, wanted: Mapping[PurePosixPath, bytes]
) -> Iterator[SetupFinding]:
    if known.version != program.version:
        text = f"version {known.version} in {root}, but this program is version {program.version}"
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
                remedy = "To install ours, and keep a backup of that file: answerprint resolve install --force"
                yield SetupFinding(path.name, "note", f"{root / path} {state.value}", remedy)
    if as_installed == len(wanted):
        yield SetupFinding("scripts", "ok", f"{len(wanted)} of version {known.version} in {root}")
    if known.command != program.command:
        text = f"they start another installation: {' '.join(known.command)}"
        yield SetupFinding("scripts", "note", text, f"To make them start this one: {_INSTALL.removeprefix('Run: ')}")


def _starts(command: tuple[str, ...], environ: Mapping[str, str]) -> SetupFinding:
    """Whether the program of the scripts starts in the environment that Resolve gives it."""
    line = " ".join(command)
    try:
        result = subprocess.run(  # noqa: S603 - the command that this program wrote
            [*command, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=interpreter_environment(environ),
            timeout=_PROGRAM_SECONDS,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return SetupFinding("program", "error", f"{line} could not be started ({reason})", _REINSTALL)
    except subprocess.TimeoutExpired:
        text = f"{line} did not answer within {_PROGRAM_SECONDS:.0f} s"
        return SetupFinding("program", "error", text, "Run: answerprint doctor")
    output = result.stdout.decode("utf-8", "replace").strip()
    if result.returncode or not output.startswith("answerprint "):
        last = result.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        reason = (last or [f"it printed {output!r}"])[0]
        return SetupFinding("program", "error", f"{line} failed to start ({reason})", _REINSTALL)
    return SetupFinding("program", "ok", f"{line} starts, version {output.split()[-1]}")


def _resolve_files(paths: ResolvePaths) -> Iterator[SetupFinding]:
    module = _module(paths)
    install = "Install DaVinci Resolve, or set RESOLVE_SCRIPT_API and RESOLVE_SCRIPT_LIB to its unusual place."
    if module.is_file():
        yield SetupFinding("scripting module", "ok", str(module))
    else:
        yield SetupFinding("scripting module", "error", f"{module} is missing", install)
    if paths.library.is_file():
        yield SetupFinding("scripting library", "ok", str(paths.library))
    else:
        # The module searches other paths too.
        yield SetupFinding("scripting library", "note", f"{paths.library} is missing", install)
    if own := next((each for each in paths.pythons if each.is_file()), None):
        yield SetupFinding("Resolve's Python", "ok", str(own))


def _readers() -> Iterator[SetupFinding]:
    for each in conform_readers():
        level: Literal["ok", "error"] = "error" if each.problem else "ok"
        yield SetupFinding(each.name, level, f"{each.text}: {each.problem}" if each.problem else each.text, each.remedy)


def _module(paths: ResolvePaths) -> Path:
    return paths.api / "Modules" / "DaVinciResolveScript.py"


def _reach(
    paths: ResolvePaths, environ: Mapping[str, str], attempts: list[Attempt]
) -> tuple[RunningResolve | None, list[SetupFinding]]:
    """Attach to the running Resolve, and ask for its product, version and project."""
    findings: list[SetupFinding] = []
    if not _module(paths).is_file():
        return None, findings  # `_resolve_files` reports it
    running = None
    try:
        with attached(environ, attempts) as bridge:
            resolve = Resolve(bridge.root)
            product = resolve.product()
            running = RunningResolve(product, Edition.of(product, resolve.version()))
            findings.append(SetupFinding("Resolve", "ok", f"{running.edition.words} is running"))
            try:
                findings.append(SetupFinding("project", "ok", resolve.project().name()))
            except NoResolveError:
                raise
            except AnswerprintError as error:
                findings.append(SetupFinding("project", "note", error.message, error.remedy))
    except NoResolveError as error:
        # If the library loads and finds none, Resolve is closed or the free edition: neither is a problem.
        closed = any(not each.problem for each in attempts) and running is None
        findings.append(SetupFinding("Resolve", "note" if closed else "error", error.message, error.remedy))
    except AnswerprintError as error:
        findings.append(SetupFinding("Resolve", "error", error.message, error.remedy))
    for each in attempts:
        name = f"Python {each.version}".strip()
        level: Literal["ok", "note"] = "note" if each.problem else "ok"
        findings.append(SetupFinding(name, level, f"{each.python}: {each.problem or 'loads the scripting library'}"))
    if running is not None:
        findings.extend(_capabilities(running.edition))
    return running, findings


def _capabilities(edition: Edition) -> Iterator[SetupFinding]:
    for capability, instead in edition.table().items():
        yield SetupFinding(capability.value, "note" if instead else "ok", "no" if instead else "yes", instead)
