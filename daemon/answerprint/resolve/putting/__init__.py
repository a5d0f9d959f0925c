"""Finished clips into the project, and out of it again.

place      where a clip belongs; travels with its job
ledger     what was put where, written before and after each step
put, undo  what is done for a job; all else serves these two
"""

from .outcome import Outcome
from .put import put_back
from .undo import undo

__all__ = ["Outcome", "put_back", "undo"]
