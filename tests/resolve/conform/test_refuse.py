"""What has no file with pictures is refused with a reason and a way out, in whatever language Resolve speaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from answerprint.errors import MediaError
from answerprint.resolve.conform.facts import ClipFacts, ItemFacts
from answerprint.resolve.conform.unsupported import files_of, refuse_clip, refuse_item, refuse_media
from resolve.conform.saying import item_of
from resolve.conform.situations import ALL

ITEM = item_of(ALL["25 in 25"])


@pytest.fixture
def reel(tmp_path: Path) -> Path:
    path = tmp_path / "reel.mov"
    path.write_bytes(b"film")
    return path


def clip(path: Path | str, **properties: str) -> ClipFacts:
    return ClipFacts(
        "c", "reel", {"File Path": str(path), "Resolution": "64x36", "Video Codec": "ProRes", **properties}
    )


def on_timeline(clip: ClipFacts | None, type: str = "", fusion_comps: int = 0) -> ItemFacts:
    return replace(ITEM, clip=clip, type=type, fusion_comps=fusion_comps)


def code(item: ItemFacts) -> str | None:
    refused = refuse_item(item)
    return None if refused is None else refused.code


def test_a_clip_whose_file_is_there_is_not_refused(reel: Path) -> None:
    assert code(on_timeline(clip(reel))) is None
    assert code(on_timeline(clip(reel), fusion_comps=1)) is None, "its composition stays on the item"


def test_what_has_no_clip_is_refused_and_can_be_rendered() -> None:
    for item in (on_timeline(None), on_timeline(None, "generator"), on_timeline(None, fusion_comps=1)):
        refused = refuse_item(item)
        assert refused is not None
        assert (refused.code, refused.renderable) == ("no_clip", True)
        assert refused.remedy


def test_a_transition_is_not_even_rendered() -> None:
    refused = refuse_item(on_timeline(None, "transition"))
    assert refused is not None
    assert (refused.code, refused.renderable) == ("transition", False)


@pytest.mark.parametrize("type", ["Compound", "Verbundclip", "复合片段", "Timeline", "Multicam", "Fusion", ""])
def test_what_is_made_of_other_clips_is_refused_in_any_language(type: str) -> None:
    refused = refuse_item(on_timeline(clip("", Type=type)))
    assert refused is not None
    assert (refused.code, refused.renderable) == ("compound", True)
    assert type in refused.reason


def test_a_timeline_is_refused_though_it_has_a_path(reel: Path) -> None:
    assert code(on_timeline(replace(clip(reel), is_timeline=True))) == "compound"


def test_offline_media_is_refused_until_it_is_back(reel: Path) -> None:
    reel.rename(reel.with_name("away.mov"))
    refused = refuse_clip(clip(reel))
    assert refused is not None
    assert refused.code == "offline"
    assert str(reel) in refused.reason
    reel.with_name("away.mov").rename(reel)
    assert refuse_clip(clip(reel)) is None


def test_a_sequence_is_there_when_its_ends_are(tmp_path: Path) -> None:
    pattern = tmp_path / "[old] plate.[0998-1002].dpx"
    assert files_of(str(pattern)) == (tmp_path / "[old] plate.0998.dpx", tmp_path / "[old] plate.1002.dpx")
    for file in files_of(str(pattern)):
        assert code(on_timeline(clip(pattern))) == "offline"
        file.write_bytes(b"")
    assert code(on_timeline(clip(pattern))) is None
    assert files_of("/a/[1-2]/reel.mov") == (Path("/a/[1-2]/reel.mov"),)


def test_a_file_with_a_bracket_in_its_name_is_not_offline(tmp_path: Path) -> None:
    take = tmp_path / "take [1-2].mov"
    take.write_bytes(b"")
    assert files_of(str(take)) == (take,)
    assert refuse_clip(clip(take)) is None


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    path.write_bytes(b"")
    assert code(on_timeline(clip(path, Type="オーディオ"))) == "audio"
    unopened = refuse_media(clip(path.with_suffix(".mov"), **{"Resolution": "", "Video Codec": ""}), MediaError("No."))
    assert unopened.code == "audio"


@pytest.mark.parametrize("suffix", [".braw", ".R3D", ".crm"])
def test_camera_raw_can_be_rendered(suffix: str) -> None:
    refused = refuse_media(clip(f"/card/A001{suffix}"), MediaError("It cannot be read."))
    assert (refused.code, refused.renderable) == ("unreadable", True)
    assert suffix[1:].upper() in refused.reason


def test_why_a_file_could_not_be_opened_is_said(reel: Path) -> None:
    refused = refuse_media(clip(reel), MediaError("reel.mov is damaged.", "Open it in a player."))
    assert refused.code == "unreadable"
    assert "damaged" in str(refused)
    assert "player" in str(refused)
