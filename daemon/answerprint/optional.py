"""Packages that not everybody has, and how to get one."""

from __future__ import annotations

import sys

__all__ = ["how_to_install"]


def how_to_install(package: str) -> str:
    """A remedy for a package that is missing, as a sentence: where pip has no way in, that is said."""
    if getattr(sys, "frozen", False):
        return f"Nothing can be added to a bundle such as this: install Answerprint by pip, and {package} with it."
    return f"Install it: {sys.executable} -m pip install {package}."
