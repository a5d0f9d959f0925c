"""All classes by name: annotations are looked up here."""

from __future__ import annotations

from fakes.resolve.app import Fusion, Resolve
from fakes.resolve.calls import Node
from fakes.resolve.clip import Clip
from fakes.resolve.grades import ColorGroup, Graph
from fakes.resolve.item import Item
from fakes.resolve.pool import Folder, MediaPool
from fakes.resolve.project import Project, ProjectManager
from fakes.resolve.storage import MediaStorage
from fakes.resolve.timeline import Timeline

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
