"""All classes by name: annotations are looked up here."""

from __future__ import annotations

from .app import Fusion, Resolve
from .calls import Node
from .clip import Clip
from .grades import ColorGroup, Graph
from .item import Item
from .pool import Folder, MediaPool
from .project import Project, ProjectManager
from .storage import MediaStorage
from .timeline import Timeline

__all__ = [
    "ALL",
    "Clip",
    "ColorGroup",
    "Folder",
    "Fusion",
    "Graph",
    "Item",
    "MediaPool",
    "MediaStorage",
    "Project",
    "ProjectManager",
    "Resolve",
    "Timeline",
]

ALL: tuple[type[Node], ...] = (
    Resolve,
    ProjectManager,
    Project,
    MediaPool,
    MediaStorage,
    Folder,
    Clip,
    Timeline,
    Item,
    Graph,
    ColorGroup,
    Fusion,
)
