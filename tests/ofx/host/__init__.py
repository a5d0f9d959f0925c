"""A strict OpenFX host: `Host` loads a plugin, `Node` is an instance of it, and every breach of the standard raises."""

from ofx.host.node import Interaction, Node
from ofx.host.session import BreachError, Host, open_host
from ofx.host.ways import FUSION, NATRON, NUKE, RESOLVE, STANDARD, Ways

__all__ = [
    "FUSION",
    "NATRON",
    "NUKE",
    "RESOLVE",
    "STANDARD",
    "BreachError",
    "Host",
    "Interaction",
    "Node",
    "Ways",
    "open_host",
]
