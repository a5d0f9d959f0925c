"""The calls on Resolve, one class for each of its objects, named as in Resolve's API.

Each method makes one call. A None or False of Resolve becomes an error or a bool, by what the caller can do about it.
Signatures: the README of Developer/Scripting, July 2026; a newer call says since which version it exists.
"""

from answerprint.resolve.api.app import Resolve
from answerprint.resolve.api.clip import MediaPoolItem
from answerprint.resolve.api.item import TimelineItem
from answerprint.resolve.api.pool import Folder, MediaPool
from answerprint.resolve.api.project import Project
from answerprint.resolve.api.timeline import Timeline
from answerprint.resolve.api.values import pipelined

__all__ = ["Folder", "MediaPool", "MediaPoolItem", "Project", "Resolve", "Timeline", "TimelineItem", "pipelined"]
