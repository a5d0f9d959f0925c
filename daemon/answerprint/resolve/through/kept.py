"""What the user had before a render, on disk before anything is changed: a later session can put it back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ...store.atomic import write_bytes
from ..api import Folder, Project, Resolve
from ..errors import ResolveError, SilentError

__all__ = ["PAGE", "Kept", "left_behind", "look", "work_folder"]

PAGE = "deliver"
"""Where renders are made."""

_FILE = "answerprint-render.json"
_PREFIX = "answerprint-render-"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """Ids are Resolve's. work: the folder that only this render writes to; its name is in all that is ours.

    preset: name under which the user's render settings are kept meanwhile. scratch: name of our timeline.
    form, codec, mode: of the Deliver page.
    """

    work: str
    project: str
    project_name: str
    page: str
    timeline: str
    folder: str
    preset: str
    scratch: str
    form: str
    codec: str
    mode: int

    def write(self) -> None:
        """Keep it in the folder of the render. Raises OSError."""
        data = json.dumps({"version": _VERSION, **asdict(self)}, indent=1).encode()
        write_bytes(Path(self.work) / _FILE, data)

    def forget(self) -> None:
        """All is put back."""
        (Path(self.work) / _FILE).unlink(missing_ok=True)


def look(resolve: Resolve, project: Project, work: Path, token: str) -> Kept:
    """What is there now; changes nothing. Raises ResolveError."""
    pool = project.pool()
    form, codec = project.format_and_codec()
    return Kept(
        str(work),
        _said("GetUniqueId", project.id()),
        project.name(),
        _said("GetCurrentPage", resolve.page()),
        _said("GetUniqueId", project.timeline().id()),
        _said("GetUniqueId", Folder(pool.needed("GetCurrentFolder")).id()),
        f"Answerprint keeps {token}",
        f"Answerprint scratch {token}",
        _said("GetCurrentRenderFormatAndCodec", form),
        _said("GetCurrentRenderFormatAndCodec", codec),
        project.render_mode(),
    )


def _said(method: str, text: str) -> str:
    """What is not known now could not be put back. Raises SilentError."""
    if not text:
        raise SilentError(method)
    return text


def work_folder(folder: Path, token: str) -> Path:
    """A new folder for one render. Raises OSError."""
    work = folder / f"{_PREFIX}{token}"
    work.mkdir(parents=True)
    return work


def left_behind(folder: Path) -> Iterator[Kept]:
    """Renders below a folder after which not all was put back. Raises ResolveError for what cannot be read."""
    for file in sorted(folder.glob(f"{_PREFIX}*/{_FILE}")):
        try:
            said = json.loads(file.read_bytes())
            if said.pop("version") != _VERSION:
                raise ValueError("of another version")
            yield Kept(**said)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ResolveError(
                f"What {file} says of an earlier render cannot be read ({error}).",
                "Remove the file, and in Resolve the timelines and render presets that are called Answerprint.",
            ) from error
