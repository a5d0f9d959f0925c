"""A clip begins in the largest way of working that a graphics card has room for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from answerprint.backends.diffbir.info import INFO as DIFFBIR
from answerprint.backends.generator.info import INFO as GENERATOR
from answerprint.backends.info import BackendInfo
from answerprint.backends.sd_x4.info import INFO as SD_X4
from answerprint.temporal.options import MethodOptions
from answerprint.worker import memory_fallbacks as module
from answerprint.worker.memory_fallbacks import FALLBACKS, Needs, first_fallback, room_on

GB = 2**30
FULL_HD = (240, 135)
"""1920 x 1080 in cells of 8 px."""
SD_FOUR_TIMES = (854, 480)
"""854 x 480 four times larger, in cells of 4 px."""

WEIGHTS = {DIFFBIR.family: 1_400_000_000, SD_X4.family: 900_000_000}
"""Numbers, about, of the published networks with their codecs, the text encoder left out."""

PROFILES = [
    # card, family, cells, bytes per number: frames at once, cells of a tile, whether weights wait elsewhere
    (8, DIFFBIR, FULL_HD, 4, (4, 64, True)),
    (8, DIFFBIR, FULL_HD, 2, (4, 128, False)),
    (8, SD_X4, SD_FOUR_TIMES, 4, (4, 128, False)),
    (8, SD_X4, SD_FOUR_TIMES, 2, (8, 128, False)),
    (12, DIFFBIR, FULL_HD, 4, (4, 64, False)),
    (12, DIFFBIR, FULL_HD, 2, (8, 128, False)),
    (12, SD_X4, SD_FOUR_TIMES, 4, (8, 128, False)),
    (24, DIFFBIR, FULL_HD, 4, (8, 128, False)),
    (24, DIFFBIR, FULL_HD, 2, (8, 128, False)),
]
"""What is done on cards of 8, 12 and 24 GB."""


def needs(info: BackendInfo, size: tuple[int, int], number_bytes: int) -> Needs:
    per_cell = info.bytes_per_cell * number_bytes // 4
    return Needs(WEIGHTS[info.family] * number_bytes, per_cell, size, MethodOptions().chunk, info.tile_cells)


@pytest.mark.parametrize(("card", "info", "size", "number_bytes", "way"), PROFILES)
def test_cards_of_usual_sizes(
    card: int, info: BackendInfo, size: tuple[int, int], number_bytes: int, way: tuple[int, int, bool]
) -> None:
    wanted = needs(info, size, number_bytes)
    recipe, taken = wanted.at(first_fallback(wanted, card * GB))
    assert (recipe.chunk, recipe.tile_cells, FALLBACKS[recipe.rung].offload) == way
    assert taken <= card * GB


def test_less_room_never_gives_a_lower_rung_and_none_gives_the_last() -> None:
    wanted = needs(DIFFBIR, FULL_HD, 4)
    rungs = [first_fallback(wanted, gigabytes * GB) for gigabytes in range(32, -1, -1)]
    assert rungs == sorted(rungs)
    assert (rungs[0], rungs[-1]) == (0, len(FALLBACKS) - 1)


def test_what_is_held_however_a_picture_is_split_counts_whole() -> None:
    """A generator's pictures of 7680 x 4320: tiles do not make its latents smaller, shorter chunks do."""
    size, chunk = (1920, 1080), MethodOptions().chunk
    wanted = Needs(0, GENERATOR.bytes_per_cell, size, chunk, GENERATOR.tile_cells, GENERATOR.held_bytes)
    taken = [wanted.at(rung)[1] for rung in range(len(FALLBACKS))]
    assert 10 * GB < taken[0] < 14 * GB
    assert taken[2] < taken[0] - 3 * GB and taken[3] > GENERATOR.held_bytes(1920 * 1080, chunk // 2)


def test_each_rung_takes_no_more_than_the_one_before() -> None:
    wanted = needs(SD_X4, SD_FOUR_TIMES, 4)
    taken = [wanted.at(rung)[1] for rung in range(len(FALLBACKS))]
    assert taken == sorted(taken, reverse=True)
    assert taken[0] > taken[2] > taken[3] > taken[4]


def test_the_processor_begins_as_asked() -> None:
    assert room_on(torch.device("cpu")) is None
    assert first_fallback(needs(DIFFBIR, FULL_HD, 4), None) == 0


@pytest.mark.parametrize(("share", "room"), [(1.0, 24 * GB), (0.5, 12 * GB)])
def test_a_cap_counts_as_a_smaller_card(monkeypatch: pytest.MonkeyPatch, share: float, room: int) -> None:
    monkeypatch.setattr(module, "DeviceMemory", lambda device: SimpleNamespace(total=lambda: 24 * GB))
    monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", lambda device: share)
    assert room_on(torch.device("cuda:0")) == room
