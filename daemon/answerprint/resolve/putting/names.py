"""How what is ours is told apart in a project: names and keys; each is part of what older versions left behind."""

from __future__ import annotations

from ..api import Clip

__all__ = ["BIN", "ITEM", "JOB", "MODEL", "PLACE", "SOURCE", "TIMELINE", "TRACK", "VERSION", "mark", "note"]

BIN = "Restored"
"""The bin that holds one more for each timeline."""
TRACK = "Restored"
"""Video tracks of ours."""

JOB = "Answerprint.Job"
SOURCE = "Answerprint.Source"
MODEL = "Answerprint.Model"
VERSION = "Answerprint.Version"
ITEM = "Answerprint.Item"
TIMELINE = "Answerprint.Timeline"
PLACE = "Answerprint.Place"


def mark(job: str) -> str:
    """The data of the marker on an item of ours."""
    return f"answerprint:{job}"


def note(clip: Clip) -> str:
    """The job of a clip of ours, "" for any other."""
    return clip.notes().get(JOB, "")
