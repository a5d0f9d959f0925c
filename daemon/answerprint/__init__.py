"""Answerprint: temporally consistent restoration of film and video with image diffusion models."""

import os

__all__ = ["__version__"]

__version__ = "0.1.0"

# Threads that busy-wait for each other are very slow while another program, such as Resolve, uses the CPU: a clip took
# 9 times as long. Sleeping threads cost 5 % on an idle CPU. Set before torch is imported, which reads it once.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
