"""Sound that a job cannot deliver is refused or said before its first picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerprint.errors import MediaError
from media.makers import make_movie
from worker.rendering import Rendering


def test_sound_that_cannot_be_written_is_refused_before_any_frame_unless_it_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
    clip = make_movie(tmp_path / "in.mov", 2, sound="pcm_s16le")
    clip.write_bytes(clip.read_bytes().replace(b"sowt", b"zzzz"))  # a format that nobody knows
    with pytest.raises(MediaError, match=r"sound .*--no-audio"):
        Rendering(clip, tmp_path / "scratch", {"steps": 1}).run()
    job = Rendering(clip, tmp_path / "scratch", {"steps": 1, "interpret": {"sound": "no"}})
    assert job.run()["event"] == "rendered"


def test_sound_of_pictures_at_another_rate_is_left_out_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
    clip = make_movie(tmp_path / "in.mov", 2, sound="pcm_s16le")
    job = Rendering(clip, tmp_path / "scratch", {"steps": 1, "interpret": {"rate": "24"}})
    job.run()
    assert ["The sound is left out" in event["message"] for event in job.kinds("warning")] == [True]
