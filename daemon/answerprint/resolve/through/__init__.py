"""Sources that only Resolve can read (BRAW, R3D, compound and Fusion clips), or a picture as it is seen, as a file.

Resolve renders them from a timeline of our own, and everything of the user's is as before when it is done: page,
timeline, bin, render settings, presets and queue.
"""

from .kept import Kept
from .order import Form, RenderedFile, RenderOrder, Steering
from .putting_back import clear_up
from .rendering import render_through

__all__ = ["Form", "Kept", "RenderOrder", "RenderedFile", "Steering", "clear_up", "render_through"]
