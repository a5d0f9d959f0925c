"""Options of `answerprint resolve restore` are laid over what the project was restored with the last time."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import pytest

from answerprint.api.request import RestoreRequest
from answerprint.cli.resolve.arguments import restore_settings_of
from answerprint.cli.resolve.command import add_arguments
from answerprint.frames.codec_choice import LIKE_SOURCE
from answerprint.resolve.restore.settings import RestoreSettings

LAST = RestoreSettings(
    put="track", handles=8, codec="prores-hq", disable=True, audio=False, sidecar=True,
    settings={
        "model": "tiny-x4", "task": "sr", "strength": 0.5, "steps": 2, "scale": "2", "seed": 7, "consistency": False,
        "options": {"fusion": "weak", "sampler": "ddim"},
    },
)  # fmt: skip


def over(*words: str, last: RestoreSettings = LAST) -> RestoreSettings:
    parser = ArgumentParser()
    add_arguments(parser)
    return restore_settings_of(parser.parse_args(["restore", "--selected", *words]), last)


def test_what_is_not_said_stays_as_it_was() -> None:
    assert over() == LAST
    assert over(last=RestoreSettings()).settings == {"options": {}}


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        (["--strength", "0.8"], {"strength": 0.8}),
        (["--size", "640x360"], {"size": (640, 360), "scale": None}),
        (["--option", "fusion=off"], {"options": {"fusion": "off", "sampler": "ddim"}}),
        (["--damaged", "hold", "--working-space", "log"], {"damaged": "hold", "working_space": "log"}),
        # What another model may not know goes with the model that it was chosen for.
        (
            ["--model", "swift-x4"],
            {"model": "swift-x4", "task": None, "steps": None, "strength": None, "options": {"fusion": "weak"}},
        ),
        (["--model", "tiny-x4"], {}),
        (["--consistency"], {"consistency": True}),
        (
            ["--option", "quality=best"],
            {"model": None, "task": None, "steps": None, "strength": None,
             "options": {"fusion": "weak", "quality": "best"}},
        ),
    ],
)  # fmt: skip
def test_what_is_said_takes_its_place(words: list[str], changed: dict[str, Any]) -> None:
    wanted = {name: value for name, value in {**LAST.settings, **changed}.items() if value is not None}
    found = over(*words).settings
    assert found == wanted
    RestoreRequest.from_json({**found, "input": "/a", "output": "/b"})


def test_how_files_are_written_is_said_on_and_off() -> None:
    found = over("--like-source", "--audio", "--no-sidecar", "--no-disable", "--handles", "0")
    assert (found.codec, found.audio, found.sidecar, found.disable, found.handles) == (
        LIKE_SOURCE, True, False, False, 0,
    )  # fmt: skip
    assert over("--no-audio", last=RestoreSettings()).audio is False
