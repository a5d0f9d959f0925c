"""Have Resolve render what only Resolve can read (BRAW, R3D, compound and Fusion clips), or the graded picture.

Resolve renders from a scratch timeline of ours. Afterwards the user's page, timeline, bin, render settings, presets and
render queue are as before.

order.py             what to render, and the result
deliver.py           the Deliver page and the render job
render.py            the whole render, and the check of its file
scratch_timeline.py  the timeline that is rendered
user_state.py        what the user had open and set, saved and restored
"""

from answerprint.resolve.deliver.order import DeliverForm, RenderedFile, RenderOrder, Steering
from answerprint.resolve.deliver.render import render_through
from answerprint.resolve.deliver.user_state import UserState, clear_up

__all__ = ["DeliverForm", "RenderOrder", "RenderedFile", "Steering", "UserState", "clear_up", "render_through"]
