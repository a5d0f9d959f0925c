"""Read a list of any kind.

The same list with the restored files in it: Resolve takes it with File > Import > Timeline.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from answerprint.errors import InputError, OutputError
from answerprint.resolve.edit_lists.edl_conform import read_edl
from answerprint.resolve.edit_lists.edl_write import edl_with
from answerprint.resolve.edit_lists.media_search import Looking, MediaFolder
from answerprint.resolve.edit_lists.model import Chosen, EditList, ListEntry, Probe, RestoredMedia
from answerprint.resolve.edit_lists.otio_conform import read_otio
from answerprint.resolve.edit_lists.otio_write import otio_with
from answerprint.store.atomic import write_bytes

__all__ = ["RestoredMedia", "read_list", "write_list"]

MAX_BYTES = 128 * 2**20


def read_list(path: Path, *, probe: Probe, media: Path | None = None, rate: Fraction | None = None) -> EditList:
    """Read an EDL (CMX 3600), an OTIO file, or what an installed OpenTimelineIO adapter reads (FCPXML, AAF).

    media: folder for files whose path the list does not know. rate: of an EDL's timeline; other lists say theirs.
    What cannot be restored is an entry with its reason. Raises InputError when the list itself cannot be read.
    """
    path = path.absolute()
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} is too large for a list.", f"Lists of up to {MAX_BYTES >> 20} MiB are read.")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).", "Check the path.") from error
    looking = Looking(probe, path.parent, None if media is None else MediaFolder(media))
    if path.suffix.lower() == ".edl":
        return read_edl(path, content, rate, looking)
    return read_otio(path, content, looking)


def write_list(
    edit: EditList, restored: Iterable[RestoredMedia], path: Path, *, overwrite: bool = False
) -> tuple[ListEntry, ...]:
    """Write a list of the same kind and record timing; return the entries that still show their source.

    Raises InputError when a restored file does not fit its source, OutputError when the list cannot be written.
    """
    if path.suffix.lower() != f".{edit.kind}":
        raise OutputError(f"The list is an {edit.kind.upper()} file.", f"Name the new one with .{edit.kind}, too.")
    chosen = _chosen(edit, tuple(restored))
    content = edl_with(edit, chosen) if edit.kind == "edl" else otio_with(edit, chosen)
    try:
        write_bytes(path, content, overwrite)
    except FileExistsError as error:
        raise OutputError(f"{path} already exists.", "Choose another name.") from error
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}).", "Choose another folder.") from error
    return tuple(each for each in edit.entries if (each.line, each.side) not in chosen)


def _chosen(edit: EditList, restored: tuple[RestoredMedia, ...]) -> Chosen:
    """For each entry the restored file that has all of its frames."""
    for each in restored:
        source = next((entry.media for entry in edit.usable if entry.path == each.source), None)
        if source is not None and source.rate != each.media.rate and not each.media.rate_is_assumed:
            raise InputError(
                f"{each.path} runs at {each.media.rate} frames per second, its source at {source.rate}.",
                "Restore the clip again.",
            )
    chosen: Chosen = {}
    for entry in edit.usable:
        for each in restored:
            if each.source == entry.path and entry.source is not None and each.has(entry.source):
                chosen[entry.line, entry.side] = each
                break
    return chosen
