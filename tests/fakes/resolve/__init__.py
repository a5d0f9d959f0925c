"""A strict stand-in for DaVinci Resolve, for tests."""

from fakes.resolve.fake import FakeResolve
from fakes.resolve.quirks import Quirks
from fakes.resolve.shown_frames import Shown

__all__ = ["FakeResolve", "Quirks", "Shown"]
