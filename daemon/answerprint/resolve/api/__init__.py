"""The calls on Resolve that are made, one class for each of its objects, under Resolve's own names.

Each method is one call. What Resolve says with None or False is an error or a bool here, by what the caller can do.
Signatures: the README of Developer/Scripting, July 2026; newer ones say since when they exist.
"""

from answerprint.resolve.api.app import Resolve
from answerprint.resolve.api.clip import MediaPoolItem
from answerprint.resolve.api.item import TimelineItem
from answerprint.resolve.api.pool import Folder, MediaPool
from answerprint.resolve.api.project import Project
from answerprint.resolve.api.timeline import Timeline
from answerprint.resolve.api.values import pipelined

__all__ = ["Folder", "MediaPool", "MediaPoolItem", "Project", "Resolve", "Timeline", "TimelineItem", "pipelined"]
