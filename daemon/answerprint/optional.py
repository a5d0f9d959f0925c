"""Optional packages, and how to install them."""

from __future__ import annotations

import sys

__all__ = ["how_to_install"]


def how_to_install(package: str) -> str:
    """The remedy for a missing package, as a sentence; a frozen bundle cannot install packages."""
    if getattr(sys, "frozen", False):
        return f"Packages cannot be added to this bundle: install Answerprint with pip, and {package} with it."
    return f"Install it: {sys.executable} -m pip install {package}."
