"""Sources that only Resolve can read (BRAW, R3D, compound and Fusion clips), or a picture as it is seen, as a file.

Resolve renders them from a timeline of our own, and everything of the user's is as before when it is done: page,
timeline, bin, render settings, presets and queue.
"""

from answerprint.resolve.deliver.order import Form, RenderedFile, RenderOrder, Steering
from answerprint.resolve.deliver.render import render_through
from answerprint.resolve.deliver.user_state import UserState, clear_up

__all__ = ["Form", "RenderOrder", "RenderedFile", "Steering", "UserState", "clear_up", "render_through"]
