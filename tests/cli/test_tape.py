"""The recipe for interlaced tape, as its page has it, against a daemon that works."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from answerprint.media import probe
from cli.program import Program
from media.interlace import film, interlaced, moments
from media.makers import SOUND_RATE, read_sound, sound_at

PAGE = Path(__file__).parent.parent.parent / "docs" / "usage.md"
QUICK = ("--model", "identity", "--scale", "1", "--json", "--overwrite")

SAYS = {
    "": "Interlaced without a flag for it (6 of 6 frames looked at are combed, top field first): all frames are "
    "deinterlaced at frame rate (bwdif).",
    "--fields bottom": "Interlaced, as asked, bottom field first: all frames are deinterlaced at frame rate (bwdif).",
    "--fields progressive": "",
    "--deinterlace field --range 2:5": "Interlaced without a flag for it (6 of 6 frames looked at are combed, top field"
    " first): all frames are deinterlaced at field rate, 50 frames per second (bwdif).",
}


def recipe() -> list[str]:
    """The commands of the page."""
    section = PAGE.read_text().partition("### Interlaced tape")[2].partition("```\n")[2].partition("```")[0]
    return re.findall(r"answerprint (restore .*)", section)


@pytest.mark.parametrize("command", recipe())
def test_the_recipe_for_tape_works_and_says_what_it_does(command: str, studio: Program) -> None:
    film(studio.folder / "tape.mkv", interlaced(moments(12)), sound="pcm_s16le")
    words = command.split()
    result = studio.run(*words, *QUICK)
    assert result.returncode == 0, result.stdout + result.stderr
    events = [json.loads(line) for line in result.stdout.splitlines()]
    said = [event["message"] for event in events if event["event"] == "warning" and "nterlaced" in event["message"]]
    assert said == [text for text in [SAYS[" ".join(words[3:])]] if text]
    made = probe(studio.folder / words[2])
    fields = "field" in words
    assert (made.frames, made.rate, made.interlaced) == (6, Fraction(50 if fields else 25), False)
    assert made.start_timecode == ("10:00:00:14" if fields else "10:00:00:05")
    begins, samples, _ = read_sound(studio.folder / words[2])
    assert (begins, len(samples)) == (Fraction(0), round(made.frames * SOUND_RATE / made.rate))
    assert samples[0] == sound_at(np.array([2 * SOUND_RATE // 25 if fields else 0]))[0]
