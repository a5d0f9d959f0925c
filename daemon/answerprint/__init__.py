"""Answerprint: temporally consistent restoration of film and video with image diffusion models."""

__all__ = ["__version__"]

__version__ = "0.1.0"
