"""Finished clips into the project, and out of it again.

place      where a clip belongs; travels with its job
ledger     what was put where, written before and after each step
session    what is done for the clips of many jobs
put, undo  what is done for one; all else serves these three
"""

from .outcome import Outcome
from .put import put_back
from .session import Session, session
from .undo import undo

__all__ = ["Outcome", "Session", "put_back", "session", "undo"]
