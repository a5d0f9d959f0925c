"""A finished clip into the project: exactly once, whatever ends before the last step."""

from __future__ import annotations

from collections.abc import Mapping

from ..api import Resolve
from .ledger import Ledger
from .outcome import Outcome, Steps
from .place import Mode, Place
from .session import session

__all__ = ["put_back"]


def put_back(
    resolve: Resolve,
    place: Place,
    job: str,
    path: str,
    ledger: Ledger,
    *,
    mode: Mode | None = None,
    again: bool = False,
    hide_original: bool = False,
    save: bool = True,
    origin: Mapping[str, str] | None = None,
    steps: Steps | None = None,
) -> Outcome:
    """Put a restored file where its place says; what cannot lie there stays in the media pool, with the reason.

    path: the file, or a sequence's pattern. mode: instead of the place's own. again: also what was taken out since.
    hide_original: switch it off, where the clip is laid over it. save: the project, where it has a name. origin:
    source, model and version, kept with the clip. steps: filled as they are taken, to be read when this raises.

    Called again after any end, of this program or of Resolve, it goes on, and leaves one clip and one item. Resolve is
    left on the page, timeline and bin where it was. Many clips are put back faster by one `session`. Raises
    ResolveError, BusyError, StorageError, JournalError, InputError.
    """
    with session(resolve, ledger, save=save) as one:
        outcome = one.put(
            place, job, path, mode=mode, again=again, hide_original=hide_original, origin=origin, steps=steps
        )
    return one.ended(outcome)
