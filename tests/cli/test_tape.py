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
from media.interlace import film, interlaced, moments, pulled_down
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
    "--telecine auto": "Film with 3:2 pulldown (4 of 10 frames looked at are combed, in its pattern, top field first):"
    " fields are put together to whole frames, and repeated frames are left out: four of each five stay.",
}


MADE = {"2:5": (6, Fraction(50), "10:00:00:14"), "auto": (8, Fraction(24000, 1001), "10:00:00:04")}


def recipe() -> list[str]:
    """The commands of the page."""
    section = PAGE.read_text().partition("### Interlaced tape")[2].partition("```\n")[2].partition("```")[0]
    return re.findall(r"answerprint (restore .*)", section)


@pytest.mark.parametrize("command", recipe())
def test_the_recipe_for_tape_works_and_says_what_it_does(command: str, studio: Program) -> None:
    words = command.split()
    if words[1] == "tape.mkv":
        film(studio.folder / words[1], interlaced(moments(12)), sound="pcm_s16le")
    else:
        film(studio.folder / words[1], pulled_down(moments(8)), rate=Fraction(30000, 1001), sound="pcm_s16le")
    result = studio.run(*words, *QUICK)
    assert result.returncode == 0, result.stdout + result.stderr
    events = [json.loads(line) for line in result.stdout.splitlines()]
    warnings = [event["message"] for event in events if event["event"] == "warning"]
    said = [message for message in warnings if "looked at" in message or "as asked" in message]
    assert said == [text for text in [SAYS[" ".join(words[3:])]] if text]
    made = probe(studio.folder / words[2])
    frames, rate, timecode = MADE.get(words[-1], (6, Fraction(25), "10:00:00:05"))
    assert (made.frames, made.rate, made.start_timecode) == (frames, rate, timecode)
    begins, samples, _ = read_sound(studio.folder / words[2])
    assert begins == 0
    assert abs(len(samples) - frames * SOUND_RATE / rate) <= 1
    assert samples[0] == sound_at(np.array([2 * SOUND_RATE // 25 if words[-1] == "2:5" else 0]))[0]
