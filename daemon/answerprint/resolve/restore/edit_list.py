"""An edit list as jobs, and the list again with the restored files: for work outside Resolve."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import JobRecord, JobState
from answerprint.api.request import RestoreRequest
from answerprint.api.types import MediaInfo, NewJob
from answerprint.errors import AnswerprintError, InputError
from answerprint.frames.codec_choice import codec_by_kind
from answerprint.frames.frame import FrameRange
from answerprint.resolve.edit_lists import EditList, Master, RestoredMedia, masters, read_list
from answerprint.resolve.restore.output_names import Taken, folder_for, restored_path
from answerprint.resolve.restore.probe import Describe, MediaBook
from answerprint.resolve.restore.settings import RestoreSettings

__all__ = ["jobs_of_list", "list_key", "open_list", "restored_list_path", "restored_of_list"]

_LIST, _SOURCE, _FIRST = "answerprint_list", "answerprint_source", "answerprint_first"


def open_list(path: Path, describe: Describe, media: Path | None = None, rate: Fraction | None = None) -> EditList:
    """Read a list; describe: the daemon's. Raises InputError if the list itself cannot be read."""
    book = MediaBook(describe)

    def probe(file: Path, rate: Fraction) -> MediaInfo:
        found = book.look(str(file))
        if not found.rate_is_assumed:
            return found
        return replace(found, rate=rate)

    return read_list(path, probe=probe, media=media, rate=rate)


def list_key(edit: EditList) -> str:
    """A hash that tells a list from every other one, and from its own later versions."""
    return hashlib.sha256(edit.content).hexdigest()


def jobs_of_list(
    edit: EditList, preferences: RestoreSettings, taken: Iterable[str] = ()
) -> tuple[list[tuple[Master, NewJob]], list[tuple[Master, InputError]]]:
    """One job for each piece of each source that the list uses, however often; and pieces without a writable folder.

    Raises InputError for settings that no restoration has.
    """
    codec_by_kind(preferences.codec, "", "")
    # Checked once for all jobs: a list may have hundreds of thousands of pieces.
    paths = {"input": str(edit.path), "output": str(edit.path)}
    kept = {"codec": preferences.codec or None, "sidecar": preferences.sidecar}
    request = RestoreRequest.from_json({**preferences.settings, **paths, **kept}).to_json()
    names, key = Taken(taken), list_key(edit)  # of megabytes, once
    folders: dict[Path, Path | InputError] = {}
    made: list[tuple[Master, NewJob]] = []
    refused: list[tuple[Master, InputError]] = []
    for master in masters(edit.usable, preferences.handles):
        media = master.entries[0].media
        try:
            folder = _folder(folders, master.path, edit.name, preferences)
            coding = "" if media is None else media.codec
            output = restored_path(folder, master.path.name.replace("%", ""), names, preferences.codec, coding)
        except InputError as error:
            refused.append((master, error))
            continue
        names.add(str(output))
        clip = ClipRef(
            str(master.path),
            FrameRange(master.first, master.stop),
            rate=media.rate if media is not None and media.rate_is_assumed else None,
            audio=None if preferences.audio else False,
            editor={_LIST: key, _SOURCE: str(master.path), _FIRST: str(master.first)},
        )
        job = NewJob(
            str(uuid.uuid4()), "restore", {**request, **clip.settings(), "output": str(output)}, clip,
            master.path.name[:256], preferences.priority, preferences.not_before,
        )  # fmt: skip
        made.append((master, job))
    return made, refused


def _folder(known: dict[Path, Path | InputError], source: Path, project: str, preferences: RestoreSettings) -> Path:
    """Each folder is checked once. Raises InputError."""
    if source.parent not in known:
        try:
            known[source.parent] = folder_for(source, project, Path(preferences.folder) if preferences.folder else None)
        except InputError as error:
            known[source.parent] = error
    found = known[source.parent]
    if isinstance(found, InputError):
        raise found
    return found


def jobs_for(edit: EditList, jobs: Iterable[JobRecord]) -> Iterator[JobRecord]:
    """The jobs that were made of a list."""
    key = list_key(edit)
    return (job for job in jobs if job.clip.editor.get(_LIST) == key)


def restored_of_list(
    edit: EditList, jobs: Iterable[JobRecord], describe: Describe
) -> tuple[list[RestoredMedia], list[JobRecord]]:
    """The files restored for a list, the latest first, and the jobs that are not done, or whose file is missing."""
    book, restored, missing = MediaBook(describe), [], []
    for job in sorted(jobs_for(edit, jobs), key=lambda each: -each.number):
        editor = job.clip.editor
        try:
            if job.state is not JobState.DONE:
                raise InputError("The job is not done.")
            media = book.look(job.output)
        except AnswerprintError as error:
            if error.exit_code != InputError.exit_code:
                raise
            missing.append(job)
            continue
        restored.append(RestoredMedia(Path(job.output), Path(editor[_SOURCE]), int(editor[_FIRST]), media))
    return restored, missing


def restored_list_path(path: Path) -> Path:
    """Beside the list, under a name of its own: `cut_restored.edl`."""
    return path.with_name(f"{path.stem}_restored{path.suffix}")
