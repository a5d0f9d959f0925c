"""How Resolve misbehaves, one switch for each quirk; quirks of every version are on by default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Quirks"]


@dataclass(frozen=True, slots=True)
class Quirks:
    """Measured or reported misbehaviours."""

    # Numbers of items
    offsets_in_timeline_frames: bool = True
    """GetLeftOffset and GetRightOffset count frames of the timeline, in the warped domain."""
    source_start_low: Literal["none", "some", "all"] = "some"
    """GetSourceStartFrame reads one low at normal speed and equal rates; some: every second item."""
    end_inclusive_when_mixed: bool = True
    """GetSourceEndFrame is exclusive at equal rates, inclusive when they differ."""
    times_absolute: bool = True
    """GetSourceStartTime and GetSourceEndTime count from midnight of the timecode."""
    sequence_numbers: bool = True
    """Source frames of sequences are the numbers in the file names, as Start and End are."""
    stills_run: bool = False
    """GetSpeed says 100 of a still, not 0."""
    source_frames_unknown: bool = False
    """GetSourceStartFrame and GetSourceEndFrame say 0 (timelines imported from XML)."""

    # Appending, takes, deleting
    append_end: Literal["inclusive", "exclusive"] = "inclusive"
    """Whether AppendToTimeline and CreateTimelineFromClips include endFrame."""
    append_floors: bool = True
    """The record length of an appended clip is rounded down when rates differ; otherwise to the nearest."""
    append_cuts_fractions: bool = True
    """startFrame and endFrame are documented as float/int; what follows the point is left out."""
    append_ignores_record: bool = False
    """An appended item goes to the end of the timeline, whatever recordFrame says."""
    append_moves_start: int = 0
    """Source frames by which an appended item begins too late."""
    hollow_items: bool = True
    """An append that was dropped still answers with an item; otherwise with nothing."""
    take_keeps_one_more: bool = True
    """AddTake keeps a frame more than it was asked for."""
    delete_only_on_edit_page: bool = True
    delete_fails_first: bool = True
    """DeleteClips of the same items fails once."""
    duplicate_moves_current: bool = True
    """DuplicateTimeline makes the copy the open timeline."""

    # The pool
    import_dict_fails: bool = False
    """ImportMedia with dictionaries imports nothing (measured on the free edition)."""
    individual_frames: bool = False
    """A setting of the user's: a sequence comes in as stills."""
    import_again: Literal["copy", "same", "nothing"] = "copy"
    """What importing a file that is in the pool gives: a second clip, the one there, or an empty list."""
    dropped_properties: frozenset[str] = frozenset({"Reel Name"})
    """SetClipProperty says yes to these and changes nothing."""
    language: Literal["en", "de", "zh"] = "en"
    """Of the user interface: the property Type is in it."""

    # Rendering
    custom_name_breaks_free: bool = True
    """On the free edition from 21.1, AddRenderJob fails when CustomName was set."""
    render_range: Literal["absolute", "relative"] = "absolute"
    """What MarkIn and MarkOut of the render settings count from: midnight, or the first frame of the timeline."""
    user_render_settings: bool = True
    """The Deliver page is as the user left it: a size, a range and a name that nobody else wants."""

    # The program
    modal_lock: bool = True
    """A Studio-only call on the free edition opens a dialog; calls give False until somebody clicks."""
    untitled_save: Literal["hang", "false"] = "hang"
    """SaveProject on Untitled Project never comes back, or says False."""
    save_fails: bool = False
    """SaveProject says False: a read-only project, or a full disk."""
    lost_calls: Literal["none", "hang"] = "none"
    """What calls on a Resolve that quit do."""
    restart_loses_unsaved: bool = True
    read_only: bool = False
    """The project is another user's, or its database cannot be written: calls that would change it do nothing."""
    singular_forms_gone: bool = False
    """From 21.1, GetSetting, GetProperty and their like are gone instead of deprecated."""
