"""What is shown in Resolve names fields and menu items, and no flags of the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import answerprint
from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.errors import InputError
from answerprint.resolve.install.scripts import MENU
from answerprint.resolve.restore.settings import RestoreSettings
from answerprint.resolve.settings_form.wording import form_wording

_TEXT = re.compile(r'"((?:[^"\\\\\n]|\\\\.)*--[a-z](?:[^"\\\\\n]|\\\\.)*)"')


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("--handles cannot be -1. Give 0 or more frames.", "Handles cannot be -1. Give 0 or more frames."),
        ("Choose a smaller --chunk or a smaller --size.", "Choose a smaller Chunk or a smaller Size."),
        ("Restore it in full precision (--option dtype=float32).", "Restore it in full precision (Dtype float32)."),
        ("Or give --option stage1=none.", "Or give Stage1 none."),
        ("Name another folder with --folder.", "Name another folder with Folder."),
        ("Choose another name or give --overwrite.", "Choose another name or give overwrite."),
        (
            "Set In and Out (--inout), or put the playhead on a clip (--playhead). In a terminal, clips are also known "
            "by their colour, flag or marker (--colour, --flag, --marker).",
            "Set In and Out (Restore In-Out Range), or put the playhead on a clip (Restore Clip Under Playhead). In a "
            "terminal, clips are also known by their colour, flag or marker.",
        ),
        ("A -- dash and a-file--name stay.", "A -- dash and a-file--name stay."),
    ],
)
def test_flags_become_what_a_person_sees(said: str, shown: str) -> None:
    assert form_wording(said) == shown


def test_no_text_of_the_parts_that_resolve_shows_keeps_a_flag() -> None:
    root = Path(answerprint.__file__).parent
    texts = [
        text
        for folder in ("resolve", "frames", "api", "worker", "pipeline", "media", "scheduler", "backends")
        for file in (root / folder).rglob("*.py")
        for text in _TEXT.findall(file.read_text())
    ]
    assert len(texts) > 30
    assert [text for text in texts if re.search(r"(?<![\\w-])--[a-z]", form_wording(text))] == []


def test_the_menu_items_that_are_named_are_in_the_menu() -> None:
    items = {entry.path.stem for entry in MENU}
    assert {form_wording(flag) for flag in ("--inout", "--playhead", "--selected")} <= items


def test_what_the_forms_refuse_is_refused_in_their_words() -> None:
    for wrong in (lambda: RestoreSettings(handles=-1), lambda: RestoreRequest(ClipRef("a"), "b", steps=0)):
        with pytest.raises(InputError) as refusal:
            wrong()
        assert "--" in str(refusal.value)
        assert "--" not in form_wording(str(refusal.value))
