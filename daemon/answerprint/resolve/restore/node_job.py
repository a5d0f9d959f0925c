"""The job that the button of the OpenFX node asks for: a file with the last settings, named as from the menu."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.api.types import NewJob
from answerprint.frames.frame import FrameRange
from answerprint.frames.sequence import split_number
from answerprint.resolve.restore.output_names import folder_for, restored_path
from answerprint.resolve.restore.settings import last_settings
from answerprint.resolve.restore.submit import settings_folder

__all__ = ["plan_node_job"]


def plan_node_job(id: str, path: str, frames: FrameRange | None, taken: Sequence[str]) -> NewJob:
    """The job for a file or a sequence, as the host names it.

    frames: source frames, to which the settings' handles are added; None is all. taken: outputs of waiting jobs.
    Raises InputError if there is no place for the restored file, or the settings are of no restoration.
    """
    preferences = last_settings(settings_folder())
    source = Path(path)
    handles = (preferences.handles, preferences.handles) if frames is not None else (0, 0)
    # A typed range takes as many handles as there are.
    clip = ClipRef(path, None if frames is None else str(frames), handles)
    folder = folder_for(source, source.stem, Path(preferences.folder) if preferences.folder else None)
    parts = split_number(source.name)
    name = source.name if parts is None else (parts[0].rstrip("._- ") or "sequence") + parts[1]
    settings = dict(preferences.settings) | clip.settings()
    settings |= {
        "output": str(restored_path(folder, name, taken, preferences.codec)),
        "codec": preferences.codec or None,
    }
    return NewJob(
        id=id, kind="restore", request=RestoreRequest.from_json(settings).to_json(), clip=clip, label=source.name[:256]
    )
