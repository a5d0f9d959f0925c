"""A list with restored files shows, record frame for record frame, the same source frames as the list it came from."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerprint.errors import InputError, OutputError
from answerprint.frames.timecode import Timecode
from answerprint.resolve.edit_lists import EditList, RestoredMedia, masters, read_list, write_list
from resolve.edit_lists.listed_media import ListedMedia

RATES = (Fraction(24), Fraction(25), Fraction(24000, 1001), Fraction(30000, 1001))
FRAMES = 2000


@dataclass(frozen=True, slots=True)
class Cut:
    """One event: which file, from where, for how long; dissolve: frames over which it comes in. speed: of M2."""

    reel: int
    first: int
    length: int
    dissolve: int
    speed: Fraction


CUTS = st.builds(
    Cut,
    st.integers(0, 2),
    st.integers(100, 900),
    st.integers(20, 60),
    st.sampled_from([0, 0, 0, 6, 12]),
    st.sampled_from([Fraction(1), Fraction(1), Fraction(2), Fraction(1, 2)]),
)


def edl_of(cuts: list[Cut], rate: Fraction, drop: bool, starts: list[int], names: str) -> str:
    """As an editor writes it. starts: labels of the files' first frames, as counts."""

    def label(count: int) -> str:
        return str(Timecode(count, rate, drop))

    lines = ["TITLE: Reel 1", f"FCM: {'' if drop else 'NON-'}DROP FRAME", ""]
    record = Timecode.parse("01:00:00;00" if drop else "01:00:00:00", rate).frames
    before: Cut | None = None
    for number, cut in enumerate(cuts, 1):
        begin = starts[cut.reel] + cut.first
        used = int(cut.length * cut.speed)
        span = f"{label(begin)} {label(begin + used)} {label(record)} {label(record + cut.length)}"
        fading = before is not None and cut.dissolve and before.speed == 1
        comments = [f"* FROM CLIP NAME: clip {cut.reel}.mov"]
        if fading and before is not None:
            end = starts[before.reel] + before.first + before.length
            lines.append(f"{number:03}  R{before.reel} V C {label(end)} {label(end)} {label(record)} {label(record)}")
            lines.append(f"{number:03}  R{cut.reel} V D {cut.dissolve:03} {span}")
            comments = [f"* FROM CLIP NAME: clip {before.reel}.mov", f"* TO CLIP NAME: clip {cut.reel}.mov"]
        else:
            lines.append(f"{number:03}  R{cut.reel} V C {span}")
        if cut.speed != 1:
            lines.append(f"M2   R{cut.reel}   {float(cut.speed * round(rate)):05.1f}   {label(begin)}")
        lines += {"all": comments, "none": []}[names]
        record += cut.length
        before = cut
    return "\n".join(lines) + "\n"


def shown(edit: EditList) -> list[tuple[object, ...]]:
    """What is seen where."""
    return [
        (each.event, each.side, each.record, each.duration, each.source and each.source.speed) for each in edit.entries
    ]


def restore(edit: EditList, listed: ListedMedia, start_of: Any, handles: int) -> list[RestoredMedia]:  # noqa: ANN401
    """A file for each master. start_of: its timecode, by the source's facts and the first frame."""
    made = []
    for number, each in enumerate(masters(edit.entries, handles)):
        facts = each.entries[0].media
        assert facts is not None
        name = f"restored {number}.mov"
        path = listed.put(name, rate=facts.rate, frames=each.stop - each.first, start=start_of(facts, each.first))
        made.append(RestoredMedia(path, each.path, each.first, listed.probe(path, facts.rate)))
    return made


def same_frames(edit: EditList, again: EditList, restored: list[RestoredMedia]) -> None:
    """Each entry shows the same frames of the same source, now through a restored file."""
    by_path = {each.path: each for each in restored}
    assert shown(again) == shown(edit)
    for before, after in zip(edit.entries, again.entries, strict=True):
        assert not after.refusal, after.refusal
        assert before.source is not None
        assert after.source is not None
        assert after.path is not None
        file = by_path[after.path]
        assert file.source == before.path
        assert after.source.first + file.first == before.source.first
        assert after.source.stop + file.first == before.source.stop


@settings(max_examples=60, deadline=None)
@given(
    cuts=st.lists(CUTS, min_size=1, max_size=6),
    rate=st.sampled_from(RATES),
    coded=st.booleans(),
    keeps=st.booleans(),
    names=st.sampled_from(["all", "none"]),
    handles=st.integers(0, 20),
)
def test_edl_shows_the_same_frames_through_restored_files(
    cuts: list[Cut], rate: Fraction, coded: bool, keeps: bool, names: str, handles: int
) -> None:
    drop = rate.denominator == 1001 and round(rate) == 30
    with tempfile.TemporaryDirectory() as folder:
        source, target = ListedMedia(Path(folder) / "source"), ListedMedia(Path(folder) / "restored")
        starts = [
            Timecode.parse(f"{10 + n}:00:00{';' if drop else ':'}00", rate).frames if coded else 0 for n in range(3)
        ]
        for n, start in enumerate(starts):
            label = str(Timecode(start, rate, drop)) if coded or drop else ""
            source.put(f"clip {n}.mov" if names == "all" else f"R{n}.mov", rate=rate, frames=FRAMES, start=label)
        path = Path(folder) / "cut.edl"
        path.write_text(edl_of(cuts, rate, drop, starts, names))
        edit = read_list(path, probe=source.probe, media=source.folder, rate=rate)
        assert edit.refused == ()

        def start_of(facts: Any, first: int) -> str:  # noqa: ANN401
            if not (keeps and facts.start_timecode):
                return "00:00:00;00" if drop else ""
            return str(Timecode.parse(facts.start_timecode, rate).shifted(first))

        restored = restore(edit, target, start_of, handles)
        out = Path(folder) / "restored.edl"
        assert write_list(edit, restored, out) == ()
        same_frames(edit, read_list(out, probe=target.probe, media=target.folder, rate=rate), restored)


@settings(max_examples=60, deadline=None)
@given(
    cuts=st.lists(CUTS, min_size=1, max_size=6),
    rate=st.sampled_from(RATES),
    coded=st.booleans(),
    available=st.booleans(),
    handles=st.integers(0, 20),
)
def test_otio_shows_the_same_frames_through_restored_files(
    cuts: list[Cut], rate: Fraction, coded: bool, available: bool, handles: int
) -> None:
    otio: Any = pytest.importorskip("opentimelineio")

    def span(first: int, length: int) -> Any:  # noqa: ANN401
        time = otio.opentime.RationalTime
        return otio.opentime.TimeRange(time(first, float(rate)), time(length, float(rate)))

    with tempfile.TemporaryDirectory() as folder:
        listed = ListedMedia(Path(folder) / "media")
        start = Timecode.parse("10:00:00:00", rate).frames if coded else 0
        track = otio.schema.Track("V1")
        for number, cut in enumerate(cuts):
            label = str(Timecode(start, rate)) if coded else ""
            path = listed.put(f"clip {cut.reel}.mov", rate=rate, frames=FRAMES, start=label)
            if cut.dissolve and number:
                half = otio.opentime.RationalTime(cut.dissolve // 2, float(rate))
                track.append(otio.schema.Transition(in_offset=half, out_offset=half))
            effects = [otio.schema.LinearTimeWarp("", float(cut.speed))] if cut.speed != 1 else []
            reference = otio.schema.ExternalReference(path.as_uri(), span(start, FRAMES) if available else None)
            track.append(otio.schema.Clip("c", reference, span(start + cut.first, cut.length), effects=effects))
        timeline = otio.schema.Timeline("Reel 1", [track], otio.opentime.RationalTime(90000, float(rate)))
        path = Path(folder) / "cut.otio"
        path.write_text(otio.core.serialize_json_to_string(timeline))
        edit = read_list(path, probe=listed.probe)
        assert edit.refused == ()

        def start_of(facts: Any, first: int) -> str:  # noqa: ANN401
            return str(Timecode.parse(facts.start_timecode, rate).shifted(first)) if facts.start_timecode else ""

        restored = restore(edit, listed, start_of, handles)
        out = Path(folder) / "restored.otio"
        assert write_list(edit, restored, out) == ()
        same_frames(edit, read_list(out, probe=listed.probe), restored)


TEXT = """TITLE: Reel 1\r
001  A001  V  C        00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00\r
* FROM CLIP NAME:  a.mov\r
* ASC_SOP (1.0 1.0 1.0)(0.0 0.0 0.0)(1.0 1.0 1.0)\r
* SOURCE FILE: /old/a.mov\r
002  A002  V  C        00:00:01:00 00:00:02:00 01:00:01:00 01:00:02:00\r
* FROM CLIP NAME: b.mov\r
"""


def _edited(tmp_path: Path) -> tuple[EditList, ListedMedia]:
    listed = ListedMedia(tmp_path / "media")
    for name in ("a.mov", "b.mov"):
        listed.put(name, start="00:00:00:00")
    path = tmp_path / "cut.edl"
    path.write_bytes(TEXT.encode())
    return read_list(path, probe=listed.probe, media=listed.folder, rate=Fraction(24)), listed


def test_only_names_of_what_was_restored_change(tmp_path: Path) -> None:
    edit, listed = _edited(tmp_path)
    path = listed.put("a restored.mov", frames=100, start="00:00:00:20")
    restored = RestoredMedia(path, listed.folder / "a.mov", 20, listed.probe(path, Fraction(24)))
    left = write_list(edit, [restored], tmp_path / "new.edl")
    assert [each.event for each in left] == ["002"]
    expected = TEXT.replace("NAME:  a.mov", "NAME:  a restored.mov").replace("/old/a.mov", str(path))
    assert (tmp_path / "new.edl").read_bytes().decode() == expected


def test_restored_file_that_lacks_frames_is_not_used(tmp_path: Path) -> None:
    edit, listed = _edited(tmp_path)
    path = listed.put("a restored.mov", frames=10)
    restored = RestoredMedia(path, listed.folder / "a.mov", 24, listed.probe(path, Fraction(24)))
    assert len(write_list(edit, [restored], tmp_path / "new.edl")) == 2
    assert (tmp_path / "new.edl").read_bytes() == TEXT.encode()


def test_lists_are_written_over_nothing_and_only_as_their_own_kind(tmp_path: Path) -> None:
    edit, _ = _edited(tmp_path)
    with pytest.raises(OutputError, match="already exists"):
        write_list(edit, [], tmp_path / "cut.edl")
    with pytest.raises(OutputError, match="EDL"):
        write_list(edit, [], tmp_path / "new.otio")
    with pytest.raises(OutputError, match="is not writable"):
        write_list(edit, [], tmp_path / "none" / "new.edl")
    write_list(edit, [], tmp_path / "cut.edl", overwrite=True)


def test_restored_file_of_another_rate_is_refused(tmp_path: Path) -> None:
    edit, listed = _edited(tmp_path)
    path = listed.put("a restored.mov", rate=25)
    with pytest.raises(InputError, match="has 25"):
        write_list(
            edit,
            [RestoredMedia(path, listed.folder / "a.mov", 0, listed.probe(path, Fraction(24)))],
            tmp_path / "n.edl",
        )
