"""The ways of putting a restored clip back into a project. To add one, write its functions and add an entry here.

The planner, the settings form, `--put`, the session and undo read this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from answerprint.errors import JournalError
from answerprint.resolve.put_back.media_pool_clip import import_restored, in_media_pool
from answerprint.resolve.put_back.replace_clip import has_restored_file, replace_file, undo_replace
from answerprint.resolve.put_back.take import has_take, put_as_take, shows_take, undo_take
from answerprint.resolve.put_back.task import PutBackTask, UndoTask
from answerprint.resolve.put_back.track import has_item, put_on_track, shows_item, undo_item

__all__ = ["MODES", "POOL", "TRACK", "PutBackMode", "mode_named"]


@dataclass(frozen=True, slots=True)
class PutBackMode:
    """A way of putting a clip back.

    name: in `--put`, in jobs and in the ledger; it never changes. label: in the form and in messages. help: a line of
    `--help`.

    put: puts the clip back. Raises PlacementError, with the timeline as it was, if the clip cannot go there; it then
    stays in the media pool. is_present: what `put` made is still in the project. is_shown: it is also visible, in its
    place, and shows the right frames; None if `is_present` says that too. undo: removes what `put` made besides the
    clip in the media pool; it runs for every record, and does nothing if the record names nothing of this mode.

    imports: the restored file becomes a clip of its own in the media pool. whole_clip: it works only for a whole item,
    restored from its own file; parts and renders go elsewhere. changes: what it changes beyond the item, after which
    the command line asks first; "" if nothing.
    """

    name: str
    label: str
    help: str
    put: Callable[[PutBackTask], object]
    is_present: Callable[[PutBackTask], bool]
    undo: Callable[[UndoTask], None] | None = None
    is_shown: Callable[[PutBackTask], bool] | None = None
    imports: bool = True
    whole_clip: bool = False
    changes: str = ""


POOL = "pool"
"""Where a clip stays if it cannot go where it was asked to go."""
TRACK = "track"
"""Where a part of an item goes, if its mode takes whole clips only."""

MODES: dict[str, PutBackMode] = {
    mode.name: mode
    for mode in (
        PutBackMode(
            name=POOL,
            label="Into the media pool only",
            help="only into the media pool, bin Restored/<timeline> (the default)",
            put=import_restored,
            is_present=in_media_pool,
        ),
        PutBackMode(
            name=TRACK,
            label="Onto a new video track above",
            help="onto a new video track above, same place, same grade",
            put=put_on_track,
            is_present=has_item,
            is_shown=shows_item,
            undo=undo_item,
        ),
        PutBackMode(
            name="take",
            label="As another take of the clip",
            help="as another take of the clip: the original is one click away",
            put=put_as_take,
            is_present=has_take,
            is_shown=shows_take,
            undo=undo_take,
            whole_clip=True,
        ),
        PutBackMode(
            name="replace",
            label="In place of the clip's file, wherever it is used",
            help="in place of the clip's file, wherever the project uses it; asks first",
            put=replace_file,
            is_present=has_restored_file,
            undo=undo_replace,
            imports=False,
            whole_clip=True,
            changes="changes each clip wherever the project uses it, and its metadata",
        ),
    )
}
"""By name, in the order of how much each changes in the project."""


def mode_named(name: str) -> PutBackMode:
    """The mode with that name. Raises JournalError for one of a newer version, which a job or the ledger may name."""
    if name not in MODES:
        raise JournalError(f"This version cannot put clips back as {name!r}.", "Update Answerprint.")
    return MODES[name]
