"""Queues what a render job of Resolve's wrote, for the script that runs at the end of such a job.

The restored file is placed in the media pool.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from pathlib import Path

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import UNFINISHED, JobRecord
from answerprint.client.client import Client
from answerprint.resolve.api import Resolve
from answerprint.resolve.api.project import Project
from answerprint.resolve.errors import SelectionError
from answerprint.resolve.put_back.modes import POOL
from answerprint.resolve.put_back.placement import Placement
from answerprint.resolve.restore.job import Planned, make_job
from answerprint.resolve.restore.output_names import folder_for, restored_path
from answerprint.resolve.restore.settings import RestoreSettings

__all__ = ["queue_rendered", "rendered_file"]

_STILLS = frozenset({".dpx", ".exr", ".png", ".tif", ".tiff", ".jpg", ".jpeg", ".jp2", ".cin"})
_NUMBER = re.compile(r"(\d+)$")


def rendered_file(project: Project, job: str = "") -> Path:
    """The file of a render job, a pattern such as `name_%08d.exr` for a sequence. job: its id; "" for the last one.

    Raises SelectionError if there is no such job, it is not finished, wrote several files, or its file is missing.
    """
    jobs = project.render_jobs()
    if job:
        entry = next((each for each in jobs if each.get("JobId") == job), None)
    else:
        entry = next((each for each in reversed(jobs) if _done(project, each)), None)
    if entry is None:
        raise SelectionError(
            "The render queue has no such job." if job else "The render queue has no finished job.",
            "On the Deliver page, set this script to run at the end of a render job.",
        )
    name = entry.get("RenderJobName", "") or entry.get("JobId", "")
    if not _done(project, entry):
        status = project.render_status(entry.get("JobId", "")).get("JobStatus", "unknown")
        raise SelectionError(
            f"The render job {name} is not finished ({status}).",
            "Set this script to run at the end of the job, not at its start, or render the job again.",
        )
    return _written(Path(entry.get("TargetDir", "")), entry.get("OutputFilename", ""), name)


def _done(project: Project, entry: Mapping[str, str]) -> bool:
    status = project.render_status(entry.get("JobId", ""))
    try:
        percent = float(status.get("CompletionPercentage", "0"))
    except ValueError:
        percent = 0.0
    # The status may be in the user's language, and the script runs when the job has ended: the percentage decides.
    return status.get("JobStatus", "").casefold() == "complete" or (percent >= 100 and not status.get("Error"))


def _written(folder: Path, file: str, name: str) -> Path:
    path = folder / file
    if file and path.is_absolute() and path.is_file():
        number = _NUMBER.search(path.stem)
        if number is None or path.suffix.lower() not in _STILLS:
            return path
        prefix = path.stem[: number.start()].replace("%", "%%")
        return path.with_name(f"{prefix}%0{len(number[1])}d{path.suffix}")
    raise SelectionError(
        f"The render job {name} reports {path}, but there is no such file.",
        "Jobs that render individual clips write several files. Queue them: answerprint queue add FILE...",
    )


_BIN = "Renders"


def queue_rendered(resolve: Resolve, client: Client, render_job: str, preferences: RestoreSettings) -> JobRecord:
    """Queue what a render job wrote. render_job: its id, "" for the last one that is finished.

    Raises SelectionError if it wrote nothing that can be queued, InputError, ResolveError, NoDaemonError.
    """
    project = resolve.project()
    file = rendered_file(project, render_job)
    info = client.describe(str(file))
    folder = folder_for(file, project.name(), Path(preferences.folder) if preferences.folder else None)
    taken = [job.output for job in client.all_jobs(list(UNFINISHED))]
    place = Placement(
        mode=POOL,
        project=project.id(),
        project_name=project.name(),
        timeline="",
        timeline_name=_BIN,
        item="",
        clip="",
        name=file.stem.replace("%", ""),
        first=0,
        stop=info.frames,
        restored_first=0,
        restored_stop=info.frames,
        rate=info.rate,
    )
    output = restored_path(folder, file.name.replace("%", ""), taken, preferences.codec, info.codec)
    planned = Planned(str(uuid.uuid4()), place, ClipRef(str(file), rate=info.rate), str(output))
    return client.submit(make_job(planned, preferences))[0]
