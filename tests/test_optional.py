"""What is said of a package that is missing is true where it is said."""

from __future__ import annotations

import sys

import pytest

from answerprint.errors import InputError, ModelError
from answerprint.flow.registry import get_estimator
from answerprint.resolve.edit_lists.otio import library


def remedy(package: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of the error when it is missing."""
    monkeypatch.setitem(sys.modules, package, None)
    if package == "opentimelineio":
        with pytest.raises(InputError) as missing:
            library()
        return missing.value.remedy
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelError) as absent:
        get_estimator("raft", weights="weights.pth")
    return absent.value.remedy


@pytest.mark.parametrize("package", ["torchvision", "opentimelineio"])
def test_what_pip_can_install_is_installed_for_the_python_that_runs(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"{sys.executable} -m pip install {package}" in remedy(package, monkeypatch)


@pytest.mark.parametrize("package", ["torchvision", "opentimelineio"])
def test_nobody_is_sent_to_pip_from_a_bundle_alone(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    said = remedy(package, monkeypatch)
    assert "Packages cannot be added to this bundle" in said
    assert sys.executable not in said
