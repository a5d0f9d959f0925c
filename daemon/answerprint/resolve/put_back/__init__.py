"""Puts finished clips back into a project, and removes them again.

placement  where a clip belongs; travels with its job
ledger     what was put where, written before and after each step
modes      the ways of putting a clip back, each one entry
session    puts the clips of many jobs back
undo       removes one again
"""

from answerprint.resolve.put_back.outcome import Outcome
from answerprint.resolve.put_back.session import PutBackSession, put_back_session
from answerprint.resolve.put_back.undo import undo

__all__ = ["Outcome", "PutBackSession", "put_back_session", "undo"]
