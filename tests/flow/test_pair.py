"""Flow pairs: quantised from the start, the same bits after any trip."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from answerprint.flow.pair import LIMIT_CELLS, QUANTUM_CELLS, FlowDataError, FlowPair, grid_size
from flow.scenes import Array, random_pair, same_bits

flows = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda size: hnp.arrays(np.float32, (2, *size, 2), elements=st.floats(width=32, allow_nan=True))
)


@given(flows)
def test_a_pair_comes_back_from_bytes_bit_for_bit(values: Array) -> None:
    pair = FlowPair(values[0], values[1])
    assert same_bits(FlowPair.from_bytes(pair.to_bytes()), pair)


@given(flows)
def test_values_are_finite_and_quantised_and_quantising_again_changes_nothing(values: Array) -> None:
    pair = FlowPair(values[0], values[1])
    steps = pair.forward / QUANTUM_CELLS
    assert np.array_equal(steps, np.rint(steps))
    assert np.abs(pair.forward).max() <= LIMIT_CELLS
    assert not np.signbit(pair.forward[pair.forward == 0]).any()
    assert same_bits(FlowPair(pair.forward, pair.backward), pair)


def test_quantising_moves_a_value_by_half_a_step_at_most() -> None:
    values = np.linspace(-500, 500, 4002, dtype=np.float32).reshape(1, -1, 2)
    assert np.abs(FlowPair(values, values).forward - values).max() <= QUANTUM_CELLS / 2


def test_what_cannot_be_stored_saturates() -> None:
    values = np.array([[[np.nan, np.inf], [-np.inf, 9999.0]]], np.float32)
    expected = [[[0.0, LIMIT_CELLS], [-LIMIT_CELLS, LIMIT_CELLS]]]
    assert FlowPair(values, values).forward.tolist() == expected


def test_a_pair_cannot_be_changed() -> None:
    pair = random_pair()
    with pytest.raises(ValueError, match="read-only"):
        pair.forward[0, 0, 0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        FlowPair.from_bytes(pair.to_bytes()).backward[0, 0, 0] = 1.0


def test_swapping_twice_gives_the_pair_back() -> None:
    pair = random_pair()
    assert same_bits(pair.swapped, FlowPair(pair.backward, pair.forward))
    assert same_bits(pair.swapped.swapped, pair)


@given(st.data())
def test_any_flipped_bit_is_noticed(data: st.DataObject) -> None:
    good = random_pair(height=5, width=6).to_bytes()
    position = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(FlowDataError):
        FlowPair.from_bytes(bytes(bad))


@given(st.data())
def test_any_other_length_is_noticed(data: st.DataObject) -> None:
    good = random_pair(height=5, width=6).to_bytes()
    with pytest.raises(FlowDataError):
        FlowPair.from_bytes(good[: data.draw(st.integers(0, len(good) - 1))])
    with pytest.raises(FlowDataError):
        FlowPair.from_bytes(good + data.draw(st.binary(min_size=1, max_size=9)))


def test_unlike_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="one size"):
        FlowPair(np.zeros((4, 4, 2), np.float32), np.zeros((4, 5, 2), np.float32))
    with pytest.raises(ValueError, match="one size"):
        FlowPair(np.zeros((4, 4), np.float32), np.zeros((4, 4), np.float32))


def test_the_grid_is_a_quarter_rounded_up() -> None:
    assert grid_size(640, 272) == (160, 68)
    assert grid_size(641, 270) == (161, 68)
    assert grid_size(1, 1) == (1, 1)
