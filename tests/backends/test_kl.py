"""Autoencoders with a KL latent work in windows that fit the card."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from answerprint.backends.kl import window_cells


@pytest.mark.parametrize(
    ("gibibytes", "share", "cells"), [(7.8, 1.0, 128), (11.7, 1.0, 128), (23.6, 1.0, 256), (23.6, 0.5, 128)]
)
def test_small_cards_and_small_shares_take_small_windows(
    gibibytes: float, share: float, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = SimpleNamespace(total_memory=int(gibibytes * 2**30))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: card)
    monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", lambda device: share)
    assert window_cells(torch.device("cuda:0")) == cells


def test_a_computer_without_a_card_takes_large_windows() -> None:
    assert window_cells(torch.device("cpu")) == 256
