"""Answerprint: temporally consistent restoration of film and video with image diffusion models."""

import os

__all__ = ["__version__"]

__version__ = "0.1.0"

# Where another program, such as Resolve, takes part of the processor, threads that wait for each other busily stop each
# other: a clip took 9 times as long. Asleep they cost 5 % of an idle processor. Before anything loads torch, which
# reads this once.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
