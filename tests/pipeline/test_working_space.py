"""Every curve is what its maker publishes, and comes back; and each source gets the one that it was made with."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.errors import InputError
from answerprint.frames.clip import ClipInfo
from answerprint.frames.colour import ColourTags
from answerprint.frames.frame import Picture
from answerprint.pipeline.working_space import SPACES, choose_space

GREY, WHITE = 0.4614, 0.7152  # of linear 0.18 and 1 in the working space

# A signal that stands for middle grey (18 %) or white in the standard or the maker's own document, to 4 digits.
PUBLISHED = [
    ("linear", 0.18, GREY),
    ("linear", 1.0, WHITE),
    ("pq", 0.5807, WHITE),  # 203 cd/m2
    ("hlg", 0.75, WHITE),
    ("log", 685 / 1023, WHITE),
    ("logc3", 0.3910, GREY),
    ("logc4", 0.2784, GREY),
    ("slog3", 420 / 1023, GREY),
    ("vlog", 0.4233, GREY),
    ("acescct", 0.4136, GREY),
    ("davinci", 0.3360, GREY),
    ("log3g10", 1 / 3, GREY),
    ("bmdfilm5", 0.3836, GREY),
]


def shown(space: str, values: object) -> Picture:
    picture = np.array(values, np.float32).reshape(1, -1, 1).repeat(3, axis=2)
    return SPACES[space].to_display(picture)[0, :, 0]


def test_every_space_has_a_published_value() -> None:
    assert {name for name, _, _ in PUBLISHED} | {"display"} == set(SPACES)


@pytest.mark.parametrize(("space", "signal", "display"), PUBLISHED)
def test_grey_and_white_lie_where_models_know_them(space: str, signal: float, display: float) -> None:
    assert shown(space, [signal])[0] == pytest.approx(display, abs=4e-4)


signals = st.floats(-0.5, 1.5, width=32)
light = st.one_of(st.floats(-60, 60, width=32), st.floats(0, 65504, width=32))


@pytest.mark.parametrize("space", SPACES)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_every_value_comes_back(space: str, data: st.DataObject) -> None:
    """To less than a code of 16 bits, and light to a millionth of it: half a code of float16 is 500 of these."""
    values = data.draw(st.lists(light if space == "linear" else signals, min_size=1, max_size=20))
    picture = np.array(values, np.float32).reshape(1, -1, 1).repeat(3, axis=2)
    back = SPACES[space].to_source(SPACES[space].to_display(picture))
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, picture, rtol=1e-6, atol=3e-7)


@pytest.mark.parametrize("space", SPACES)
def test_more_light_is_brighter_everywhere_without_a_step(space: str) -> None:
    values = np.linspace(-1, 2, 30001)
    seen = np.diff(np.float64(shown(space, values)))
    assert (seen >= 0).all()
    assert seen.max() < 0.01
    assert (np.diff(np.float64(shown(space, values[::50]))) > 0).all()


def test_the_codes_of_a_source_come_back_also_after_a_model_rounds_to_float32() -> None:
    codes = np.arange(1024, dtype=np.float32) / np.float32(1023)
    for space in set(SPACES) - {"linear"}:
        around = shown(space, codes) * np.float32(2) - np.float32(1)  # as models see it
        back = SPACES[space].to_source(((around + np.float32(1)) / np.float32(2)).reshape(1, -1, 1).repeat(3, 2))
        assert np.array_equal(np.rint(back[0, :, 0] * 1023), np.arange(1024)), space


def info_of(transfer: str = "unknown", bits: int = 10) -> ClipInfo:
    tags = ColourTags(transfer=transfer)
    return ClipInfo(Path("/clip"), "file", 64, 36, Fraction(24), 10, colour=tags, bit_depth=bits)


@pytest.mark.parametrize(
    ("info", "clip", "space"),
    [
        (info_of(), {}, "display"),
        (info_of("bt709"), {}, "display"),
        (info_of("smpte2084"), {}, "pq"),
        (info_of("arib-std-b67"), {}, "hlg"),
        (info_of("cineon"), {}, "log"),
        (info_of("linear", 32), {}, "linear"),
        (info_of("linear", 16), {}, "linear"),
        (info_of("linear"), {}, "display"),
        (info_of(bits=32), {}, "linear"),
        (info_of(bits=16), {}, "display"),
        (info_of("iec61966-2-1", 32), {}, "display"),
        (info_of(), {"colour_space": "ARRI Wide Gamut 3", "gamma": "ARRI LogC3"}, "logc3"),
        (info_of(), {"colour_space": "S-Gamut3.Cine/S-Log3"}, "slog3"),
        (info_of("bt709"), {"gamma": "DaVinci Intermediate"}, "davinci"),
        (info_of("smpte2084"), {"gamma": "Gamma 2.4"}, "pq"),
        (info_of(bits=32), {"colour_space": "Rec.709 (Scene)", "gamma": "Rec.709"}, "linear"),
        (info_of(), {"colour_space": "DaVinci WG/Intermediate"}, "davinci"),
        (
            info_of(),
            {"colour_space": "Blackmagic Design Wide Gamut Gen 4/5", "gamma": "Blackmagic Design Film Gen 5"},
            "bmdfilm5",
        ),
        (info_of("smpte2084"), {"colour_space": "Rec.2100"}, "pq"),
    ],
)
def test_the_editor_and_then_the_tags_say_which(info: ClipInfo, clip: dict[str, str], space: str) -> None:
    """What nobody says anything of is left as it is."""
    ref = ClipRef.from_settings("/clip", interpret=clip)
    assert RestoreRequest.from_json(RestoreRequest(ref, "/out.mov").to_json()).clip == ref
    assert choose_space("auto", info, ref).name == space
    assert choose_space("vlog", info, ref).name == "vlog"


def test_a_name_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(InputError, match="no working space 'logx'") as refused:
        choose_space("logx", info_of(), ClipRef("/clip"))
    assert "slog3" in refused.value.remedy
