"""A file that Resolve has just rendered becomes a job, and comes back into the media pool."""

from __future__ import annotations

import uuid
from pathlib import Path

from ...rpc.client import Client
from ...store.records import UNFINISHED, JobRecord
from ..api import Resolve
from ..putting.place import Place
from ..setup.rendered import rendered_file
from .names import folder_for, restored_path
from .submit import Planned, job_of
from .wishes import Wishes

__all__ = ["queue_rendered"]

_BIN = "Renders"


def queue_rendered(resolve: Resolve, client: Client, render_job: str, wishes: Wishes) -> JobRecord:
    """Queue what a render job wrote. render_job: its id, "" for the last one that is done.

    Raises SelectionError where it wrote nothing that can be queued, InputError, ResolveError, NoDaemonError.
    """
    project = resolve.project()
    file = rendered_file(project, render_job)
    info = client.describe(str(file))
    folder = folder_for(file, project.name(), Path(wishes.folder) if wishes.folder else None)
    taken = [job.output for job in client.all_jobs(list(UNFINISHED))]
    place = Place(
        mode="pool",
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
    output = restored_path(folder, place.name, taken, wishes.codec)
    job, _ = client.submit(job_of(Planned(str(uuid.uuid4()), place, str(file), str(output), None, info.rate), wishes))
    return job
