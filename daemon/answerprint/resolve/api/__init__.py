"""The calls on Resolve that are made, one class for each of its objects, under Resolve's own names.

Each method is one call. What Resolve says with None or False is an error or a bool here, by what the caller can do.
Signatures: the README of Developer/Scripting, July 2026; newer ones say since when they exist.
"""

from .app import Resolve
from .clip import Clip
from .item import Item
from .pool import Folder, MediaPool
from .project import Project
from .timeline import Timeline
from .values import ahead

__all__ = ["Clip", "Folder", "Item", "MediaPool", "Project", "Resolve", "Timeline", "ahead"]
