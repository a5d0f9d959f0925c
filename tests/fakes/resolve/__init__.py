"""A strict stand-in for DaVinci Resolve, for tests."""

from .fake import FakeResolve
from .quirks import Quirks
from .truth import Shown

__all__ = ["FakeResolve", "Quirks", "Shown"]
