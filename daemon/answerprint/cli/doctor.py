"""`answerprint doctor`."""

from __future__ import annotations

import platform
import shutil
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from answerprint import __version__
from answerprint import home as places
from answerprint.backends.catalogue import entries
from answerprint.cli.checks import DoctorCheck, daemon_checks, rebuild_journal, verification_checks
from answerprint.cli.context import Context
from answerprint.cli.models import model_problem
from answerprint.cli.run_program import ask
from answerprint.errors import AnswerprintError, InputError, JobFailedError
from answerprint.text import counted

__all__ = ["add_arguments", "run"]

_LOW_DISK_BYTES = 2 * 1024**3
_INSTALL = "Install Answerprint again."

_EPILOG = """\
Looks at versions, devices, encoders, folders, models, the motion cache, the daemon and its journal. Changes nothing.
With --verify every finished chunk of every job is read and compared with its hash, also while the daemon works.

With --rebuild it does change something: a damaged journal of jobs is made again from what can still be read of it and
from the finished chunks. The damaged one is kept beside it. The daemon must not run.

examples:
  answerprint doctor
  answerprint doctor --verify --json
  answerprint doctor --rebuild

exit code: 0 when nothing is wrong, else 4
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the arguments."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "--verify", action="store_true", help="also compare the journal of jobs with all their files and hashes"
    )
    parser.add_argument("--rebuild", action="store_true", help="make a damaged journal of jobs again, then look")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: Namespace, context: Context) -> int:
    """Look at everything; returns the exit code, 4 when something is wrong."""
    found: list[DoctorCheck] = []
    for check in _checks(args.verify, args.rebuild, context):
        found.append(check)
        if not context.console.json:
            mark = "note   " if check.note else "ok     " if check.ok else "PROBLEM"
            context.console.out(f"{mark}  {check.name}: {check.text}")
            if check.remedy:
                context.console.out(f"         {check.remedy}")
    ok = all(check.ok for check in found)
    if context.console.json:
        context.console.event({"event": "report", "ok": ok, "checks": [asdict(check) for check in found]})
    return 0 if ok else JobFailedError.exit_code


def _checks(verify: bool, rebuild: bool, context: Context) -> Iterator[DoctorCheck]:
    if rebuild:
        yield rebuild_journal()
    yield DoctorCheck("answerprint", True, f"{__version__}, Python {platform.python_version()}, {platform.platform()}")
    yield from _folders()
    yield from _models()
    yield from _witnesses()
    yield from daemon_checks()
    if verify:
        yield from verification_checks()
    try:
        facts: dict[str, Any] = ask("doctor", context)["facts"]
    except AnswerprintError as error:
        yield DoctorCheck("child process", False, error.message, error.remedy or _INSTALL)
        return
    yield from _libraries(facts)


def _folders() -> Iterator[DoctorCheck]:
    for name, place in (
        ("home folder", places.home),
        ("models folder", places.models_folder),
        ("motion cache folder", places.flow_cache_folder),
        ("logs folder", places.logs_folder),
    ):
        try:
            folder = place()
            # An absent folder is made when it is needed: then its first existing parent must allow it.
            existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
            with tempfile.TemporaryFile(dir=existing):
                pass
        except (OSError, AnswerprintError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            yield DoctorCheck(
                name, False, f"cannot be written to ({reason})", "Set ANSWERPRINT_HOME to another folder."
            )
            continue
        free = shutil.disk_usage(existing).free
        if name == "home folder" and free < _LOW_DISK_BYTES:
            yield DoctorCheck(name, False, f"{folder}, only {_gib(free)} free", "Make room, or move ANSWERPRINT_HOME.")
        else:
            yield DoctorCheck(name, True, f"{folder}, {_gib(free)} free")


def _witnesses() -> Iterator[DoctorCheck]:
    """Who tells where clips of a timeline lie; the third needs a library."""
    from answerprint.resolve.conform.readers import conform_readers

    for each in conform_readers():
        text = f"{each.text}: {each.problem}" if each.problem else each.text
        yield DoctorCheck(each.name, not each.problem, text, each.remedy)


def _models() -> Iterator[DoctorCheck]:
    try:
        found = entries()
    except InputError as error:  # of the settings, which say where models lie
        yield DoctorCheck("models", False, error.message, error.remedy)
        return
    for entry in found:
        if not (entry.ready or entry.fault or entry.lack):
            continue  # known, and not wanted by this user: no problem
        problem, remedy = model_problem(entry)
        about = f"in the package {entry.package}" if entry.package else "files are as their manifest says"
        yield DoctorCheck(f"model {entry.name}", not problem, problem or about, remedy)


def _libraries(facts: dict[str, Any]) -> Iterator[DoctorCheck]:
    for name in ("torch", "diffusers", "av", "cv2"):
        part = facts[name]
        if "problem" in part:
            yield DoctorCheck(name, False, part["problem"], _INSTALL)
            continue
        libraries = part.get("libraries", {})
        about = f" with FFmpeg's libavcodec {libraries['libavcodec']}" if "libavcodec" in libraries else ""
        yield DoctorCheck(name, True, part["version"] + about)
        missing = part.get("missing_encoders")
        if missing:
            yield DoctorCheck(
                "encoders", False, f"{', '.join(missing)} missing", "Install the av package from its wheel."
            )
        for device in part.get("devices", []):
            memory = f", {_gib(device['bytes'])}" if device["bytes"] else ""
            yield DoctorCheck(f"device {device['name']}", True, device["about"] + memory)
    cache = facts["flow_cache"]
    if "problem" in cache:
        yield DoctorCheck("motion cache", False, cache["problem"], "Run: answerprint flow-cache clear")
    else:
        yield DoctorCheck(
            "motion cache", True, f"{counted(cache['entries'], 'entry', 'entries')}, {cache['bytes'] / 2**20:.1f} MiB"
        )


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
