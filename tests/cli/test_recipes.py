"""The recipes for film scans and for interlaced tape, as their page has them, against a daemon that works."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from answerprint.media import probe
from cli.program import Program
from media.interlace import film, interlaced, moments, pulled_down
from media.makers import SOUND_RATE, read_sound, sound_at
from media.pictures import read_dpx, write_dpx

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


def recipe(title: str) -> list[str]:
    """The commands of a section of the page."""
    section = PAGE.read_text().partition(f"### {title}\n")[2].partition("```\n")[2].partition("```")[0]
    return re.findall(r"answerprint (.*)", section)


def test_the_recipe_for_film_scans_gives_pictures_an_archive_copy_and_a_report(studio: Program) -> None:
    codes = np.random.default_rng(5).integers(0, 1024, (4, 32, 48, 3), np.uint16)
    for number, picture in enumerate(codes, 86400):
        write_dpx(studio.folder / f"scan.{number:07d}.dpx", picture, 10, rate=24.0, transfer=1, timecode=0x01000000)
    restore, archive, compare = recipe("Film scans")
    for command in (f"{restore} --model identity --scale 1", archive, compare):
        result = studio.run(*command.split())
        assert result.returncode == 0, result.stdout + result.stderr
    for number, picture in enumerate(codes, 86400):
        header, found = read_dpx(studio.folder / f"restored.{number:07d}.dpx")
        assert (header["bits"], header["transfer"]) == (10, 1)
        assert np.array_equal(found.reshape(picture.shape), picture)
    with av.open(str(studio.folder / "restored.mkv")) as container:
        shown = [frame.to_ndarray(channel_last=True) for frame in container.decode(video=0)]
    assert np.array_equal(shown, codes)
    for name in ("restored.dpx.json", "restored.mkv.json"):
        report = json.loads((studio.folder / name).read_text())
        assert len(report["source"]["files"]) == len(codes)
        assert {report["source"]["colour"]["matrix"], report["working_space"]["conversion"]["matrix"]} <= {
            "gbr",
            "unknown",
        }
    assert (report["model"], report["note"]) == (None, "the source, as it is: no model ran")


@pytest.mark.parametrize("command", recipe("Interlaced tape"))
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
