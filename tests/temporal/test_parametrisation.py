"""Promises of the clean latent that is read from a network's output."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from answerprint.temporal.parametrisation import PARAMETRISATIONS


@settings(deadline=None)
@given(st.floats(0.01, 0.999))
def test_every_parametrisation_gives_back_the_clean_latent(abar: float) -> None:
    generator = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 3, 4, 4, generator=generator, dtype=torch.float64)
    x = abar**0.5 * clean + (1 - abar) ** 0.5 * noise
    outputs = {"epsilon": noise, "v_prediction": abar**0.5 * noise - (1 - abar) ** 0.5 * clean, "sample": clean}
    assert outputs.keys() == PARAMETRISATIONS.keys()
    for name, output in outputs.items():
        torch.testing.assert_close(PARAMETRISATIONS[name](output, x, abar), clean)


def test_velocity_gives_a_clean_latent_where_nothing_of_it_is_left_in_x() -> None:
    clean, noise = torch.ones(1), torch.full((1,), 3.0)
    assert PARAMETRISATIONS["v_prediction"](-clean, noise, 0.0) == clean
