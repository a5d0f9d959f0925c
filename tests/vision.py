"""Packages for pictures that tests may use where a folder has them: torchvision and spandrel.

They are not installed beside the program: a torchvision that was built for another torch breaks transformers, which
imports it wherever it is found. ANSWERPRINT_TEST_VISION names a folder that holds them, as `pip install --target` fills
it; without it the tests that want them are skipped.
"""

from __future__ import annotations

import importlib
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

__all__ = ["FOLDER", "needs_vision", "spandrel"]

FOLDER = os.environ.get("ANSWERPRINT_TEST_VISION", "")

needs_vision = pytest.mark.skipif(not FOLDER, reason="ANSWERPRINT_TEST_VISION names no folder with spandrel")

_OPERATORS = ("nms", "qnms")
"""Operators without which torchvision cannot be imported."""


@cache
def spandrel() -> Any:  # noqa: ANN401 - it is not there when types are checked
    """The package, imported from the folder."""
    if not Path(FOLDER, "spandrel").is_dir():
        raise FileNotFoundError(f"ANSWERPRINT_TEST_VISION names {FOLDER}, which holds no spandrel")
    sys.path.append(FOLDER)
    try:
        return _imported()
    finally:
        # What comes later must not find torchvision, and change what it does.
        sys.path.remove(FOLDER)


def _imported() -> Any:  # noqa: ANN401
    try:
        return importlib.import_module("spandrel")
    except RuntimeError:  # torchvision's compiled part does not fit torch, and its operators are not there
        _declare_operators()
        return importlib.import_module("spandrel")


def _declare_operators() -> None:
    """Declare torchvision's operators, without their code: no network here runs them."""
    make: Any = torch.library.Library  # it has no types
    library = make("torchvision", "DEF")
    for name in _OPERATORS:
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _kept.append(library)


_kept: list[Any] = []
"""Libraries of operators: torch forgets the operators of one that is no longer held."""
