"""The same list with the restored files in it: Resolve takes it with File > Import > Timeline."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...errors import InputError, OutputError
from ...store.atomic import write_bytes
from .edl_writing import edl_with
from .entries import EditList, ListEntry
from .otio_writing import otio_with
from .restored import Chosen, RestoredMedia

__all__ = ["RestoredMedia", "write_list"]


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
