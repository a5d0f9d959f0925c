"""Every backend keeps the contract."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from answerprint.backends.base import Backend
from answerprint.backends.load import load
from backends.builders import CPU, small_ldm_sr, small_tiny
from backends.builders_diffbir import small_diffbir
from backends.builders_generator import COMPACT, RRDB_X2, small_generator
from backends.builders_marigold import small_marigold
from backends.builders_one_step import small_one_step
from backends.builders_sd_x4 import small_sd_x4
from backends.contract import BackendContract

MAKERS: dict[str, Callable[[], Backend]] = {
    "tiny, random weights": small_tiny,
    "tiny-x4, embedded weights": lambda: load("tiny-x4", CPU),
    "ldm_sr, random weights": small_ldm_sr,
    "sd_x4, random weights": small_sd_x4,
    "diffbir, random weights": small_diffbir,
    "marigold, random weights": small_marigold,
    "sd_one_step, random weights": small_one_step,
    "identity": lambda: load("identity", CPU),
    "generator, random weights": small_generator,
    "generator x2, random weights": lambda: small_generator(RRDB_X2),
    "generator, compact, random weights": lambda: small_generator(COMPACT),
}


@pytest.fixture(scope="module", params=list(MAKERS))
def backend(request: pytest.FixtureRequest) -> Backend:
    """Shared by the tests of one backend; each test that depends on settings makes its own."""
    return MAKERS[request.param]()


class TestEveryBackend(BackendContract):
    pass
