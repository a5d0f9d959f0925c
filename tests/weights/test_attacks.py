"""Bad weights and bad sources are refused with a remedy; no file outside is touched, and no model appears."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from answerprint.errors import AnswerprintError
from weights.attacks import ATTACKS
from weights.place import Place
from weights.server import FileServer


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_refused_with_a_remedy_and_harms_nothing(name: str, tmp_path: Path) -> None:
    if name == "device imported" and not hasattr(os, "mkfifo"):
        pytest.skip("there are no named pipes here")
    with FileServer() as server:
        place = Place(tmp_path, server)
        with pytest.raises(AnswerprintError) as caught:
            ATTACKS[name](place)
        assert caught.value.remedy
        assert place.unharmed()
