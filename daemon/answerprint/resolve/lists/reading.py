"""Read a list of any kind."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from ...errors import InputError
from .edl_reading import read_edl
from .entries import EditList, Probe
from .files import MediaFolder
from .looking import Looking
from .otio_reading import read_otio

__all__ = ["read_list"]

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
