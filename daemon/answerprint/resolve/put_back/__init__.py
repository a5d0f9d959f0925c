"""Finished clips into the project, and out of it again.

place      where a clip belongs; travels with its job
ledger     what was put where, written before and after each step
session    what is done for the clips of many jobs
undo       what takes one out again; all else serves these two
"""

from answerprint.resolve.put_back.outcome import Outcome
from answerprint.resolve.put_back.session import PutBackSession, put_back_session
from answerprint.resolve.put_back.undo import undo

__all__ = ["Outcome", "PutBackSession", "put_back_session", "undo"]
