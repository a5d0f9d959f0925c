"""Memory of large pictures is used again, and never while anything still looks at it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from answerprint.frames.planes import channels_first, channels_last, empty, free_memory, picture_of, row_blocks

LARGE = (3, 400, 500)


@pytest.fixture(autouse=True)
def _nothing_spare() -> Iterator[None]:
    free_memory()
    yield
    free_memory()


def place(array: NDArray[np.float32]) -> int:
    return int(array.__array_interface__["data"][0])


def test_memory_is_used_again_once_the_last_view_is_gone() -> None:
    first = empty(LARGE, np.float32)
    first[:] = 7
    where = place(first)
    view = channels_last(first)[10:, 5:, 1]
    del first
    other = empty(LARGE, np.float32)
    other[:] = 1
    assert (view == 7).all(), "it is still looked at"
    del view
    again = empty(LARGE, np.float32)
    assert place(again) == where
    assert again.flags.writeable
    assert again.shape == LARGE


def test_memory_of_another_size_is_not_used() -> None:
    where = place(empty(LARGE, np.float32))
    assert empty((3, 401, 500), np.float32).shape == (3, 401, 500)
    assert place(empty(LARGE, np.float32)) == where


def test_a_picture_is_planes_in_memory() -> None:
    red, green, blue = (np.full((2, 3), value, np.float32) for value in (1, 2, 3))
    picture = picture_of(red, green, blue)
    assert picture.shape == (2, 3, 3)
    assert picture[0, 0].tolist() == [1, 2, 3]
    assert channels_first(picture).flags.c_contiguous


@pytest.mark.parametrize("size", [(1, 1), (7, 100_000), (1080, 1920), (0, 5)])
def test_blocks_are_all_rows_once(size: tuple[int, int]) -> None:
    assert [row for rows in row_blocks(*size) for row in range(*rows.indices(size[0]))] == list(range(size[0]))
