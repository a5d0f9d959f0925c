"""The codec of tiny is exact, and the model takes its frame beside the latent."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from answerprint.backends.tiny import codec
from backends.builders import low_frames, small_tiny


@settings(max_examples=10, deadline=None)
@given(rows=st.integers(1, 4), columns=st.integers(1, 4), seed=st.integers(0, 99))
def test_decoding_undoes_encoding(rows: int, columns: int, seed: int) -> None:
    base, picture = (low_frames(2, 8 * rows, 8 * columns, s) * 2 - 1 for s in (seed, seed + 1))
    latent = codec.encode(picture, base)
    assert latent.shape == (2, codec.LATENT_CHANNELS, rows, columns)
    assert (codec.decode(latent, base) - picture).abs().max() <= 2e-6


def test_empty_latent_is_the_first_stage_alone() -> None:
    """Before training the first stage is the bicubic enlargement."""
    backend, low = small_tiny(), low_frames(1, 10, 12) * 0.4 + 0.3
    condition = backend.condition(low)
    picture = backend.decode(torch.zeros(1, *condition.latent_shape), condition)
    wanted = torch.nn.functional.interpolate(low, scale_factor=4.0, mode="bicubic", align_corners=False)
    # Away from the border, where padding counts.
    assert (picture - wanted)[:, :, 8:-8, 8:-8].abs().max() <= 1e-5


def test_moving_a_spread_latent_moves_the_whole_picture() -> None:
    """By a single pixel, though a cell has eight; and the first stage's share moves with the rest."""
    backend = small_tiny()
    condition = backend.condition(low_frames(1, 8, 8))
    latent = torch.randn(1, *condition.latent_shape, generator=torch.Generator().manual_seed(0))
    moved = backend.gather(backend.spread(latent, condition).roll(1, -1), condition)
    a, b = backend.decode(latent, condition), backend.decode(moved, condition)
    assert (a.roll(1, -1) - b).abs().max() <= 1e-6
