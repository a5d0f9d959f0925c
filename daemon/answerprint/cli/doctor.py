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
from answerprint.cli.ofx.plugin_folders import plugin_checks
from answerprint.cli.run_program import ask
from answerprint.errors import AnswerprintError, InputError, JobFailedError
from answerprint.text import counted

__all__ = ["add_arguments", "run"]

_LOW_DISK_BYTES = 2 * 1024**3
_INSTALL = "Install Answerprint again."

_EPILOG = """\
Checks versions, devices, encoders, folders, models, the motion cache, the daemon and its journal. Changes nothing.
--verify also reads every finished chunk of every job and checks its hash; the daemon may be running.

--rebuild repairs a damaged journal of jobs from its readable parts and from the finished chunks, and keeps the damaged
journal beside it. The daemon must not be running.

examples:
  answerprint doctor
  answerprint doctor --verify --json
  answerprint doctor --rebuild

exit code: 0 if no problem was found, else 4
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EPILOG
    parser.add_argument("--verify", action="store_true", help="also check every file of every job against its hash")
    parser.add_argument("--rebuild", action="store_true", help="repair a damaged journal of jobs, then check")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: Namespace, context: Context) -> int:
    """Run all checks and return the exit code: 4 if there is a problem."""
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
    yield from _readings()
    yield from plugin_checks()
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
            # A missing folder is created on demand, so its first existing parent must be writable.
            existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
            with tempfile.TemporaryFile(dir=existing):
                pass
        except (OSError, AnswerprintError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            yield DoctorCheck(name, False, f"not writable ({reason})", "Set ANSWERPRINT_HOME to another folder.")
            continue
        free = shutil.disk_usage(existing).free
        if name == "home folder" and free < _LOW_DISK_BYTES:
            yield DoctorCheck(
                name,
                False,
                f"{folder}, only {_gib(free)} free",
                "Free some space, or set ANSWERPRINT_HOME to another disk.",
            )
        else:
            yield DoctorCheck(name, True, f"{folder}, {_gib(free)} free")


def _readings() -> Iterator[DoctorCheck]:
    """The independent readings of a clip's position on the timeline; the third needs a library."""
    from answerprint.resolve.conform.readers import conform_readers

    for each in conform_readers():
        text = f"{each.text}: {each.problem}" if each.problem else each.text
        yield DoctorCheck(each.name, not each.problem, text, each.remedy)


def _models() -> Iterator[DoctorCheck]:
    try:
        found = entries()
    except InputError as error:  # in the settings, which name the folders of models
        yield DoctorCheck("models", False, error.message, error.remedy)
        return
    for entry in found:
        if not (entry.ready or entry.fault or entry.lack):
            continue  # a known model that is not installed is no problem
        problem, remedy = model_problem(entry)
        about = f"comes with the package {entry.package}" if entry.package else "files match their manifest"
        yield DoctorCheck(f"model {entry.name}", not problem, problem or about, remedy)


def _libraries(facts: dict[str, Any]) -> Iterator[DoctorCheck]:
    for name in ("torch", "diffusers", "av", "OpenImageIO", "cv2"):
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
                "encoders",
                False,
                f"missing: {', '.join(missing)}",
                f"Install the package {name.lower()} from its wheel.",
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
