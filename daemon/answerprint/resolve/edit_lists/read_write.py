"""Read an edit list of any kind, and write the same list with the restored files in it."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from answerprint.errors import InputError, OutputError
from answerprint.resolve.edit_lists.edl_conform import read_edl
from answerprint.resolve.edit_lists.edl_write import edl_with
from answerprint.resolve.edit_lists.media_search import MediaFolder, MediaSearch
from answerprint.resolve.edit_lists.model import ChosenMedia, EditList, EditListProbe, ListEntry, RestoredMedia
from answerprint.resolve.edit_lists.otio_conform import read_otio
from answerprint.resolve.edit_lists.otio_write import otio_with
from answerprint.store.atomic import write_bytes

__all__ = ["RestoredMedia", "read_list", "write_list"]

MAX_BYTES = 128 * 2**20


def read_list(path: Path, *, probe: EditListProbe, media: Path | None = None, rate: Fraction | None = None) -> EditList:
    """Read an EDL (CMX 3600), an OTIO file, or a format of an installed OpenTimelineIO adapter (FCPXML, AAF).

    media: the folder to search for media. rate: of an EDL's timeline; other lists contain it. A clip that cannot be
    restored becomes an entry with the reason. Raises InputError if the list itself is not readable.
    """
    path = path.absolute()
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} is too large for a list.", f"Use a list of at most {MAX_BYTES >> 20} MiB.")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} is not readable ({error.strerror}).", "Check the path.") from error
    search = MediaSearch(probe, path.parent, None if media is None else MediaFolder(media))
    if path.suffix.lower() == ".edl":
        return read_edl(path, content, rate, search)
    return read_otio(path, content, search)


def write_list(
    edit: EditList, restored: Iterable[RestoredMedia], path: Path, *, overwrite: bool = False
) -> tuple[ListEntry, ...]:
    """Write a list of the same kind and record timing; returns the entries that still use their source.

    Raises InputError if a restored file does not match its source, OutputError if the list is not writable.
    """
    if path.suffix.lower() != f".{edit.kind}":
        raise OutputError(f"The list is an {edit.kind.upper()} file.", f"End the new file's name with .{edit.kind}.")
    chosen = _chosen(edit, tuple(restored))
    content = edl_with(edit, chosen) if edit.kind == "edl" else otio_with(edit, chosen)
    try:
        write_bytes(path, content, overwrite)
    except FileExistsError as error:
        raise OutputError(f"{path} already exists.", "Choose another name.") from error
    except OSError as error:
        raise OutputError(f"{path} is not writable ({error.strerror}).", "Choose another folder.") from error
    return tuple(each for each in edit.entries if (each.line, each.side) not in chosen)


def _chosen(edit: EditList, restored: tuple[RestoredMedia, ...]) -> ChosenMedia:
    """The restored file of each entry that holds all of its frames."""
    for each in restored:
        source = next((entry.media for entry in edit.usable if entry.path == each.source), None)
        if source is not None and source.rate != each.media.rate and not each.media.rate_is_assumed:
            raise InputError(
                f"{each.path} has {each.media.rate} frames per second, its source {source.rate}.",
                "Restore the clip again.",
            )
    chosen: ChosenMedia = {}
    for entry in edit.usable:
        for each in restored:
            if each.source == entry.path and entry.source is not None and each.has(entry.source):
                chosen[entry.line, entry.side] = each
                break
    return chosen
