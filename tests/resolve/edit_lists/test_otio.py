"""An OTIO file becomes frames of files, or says of each clip why it does not."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from answerprint.errors import InputError
from answerprint.resolve.edit_lists import EditList, ListEntry, read_list
from resolve.edit_lists.listed_media import ListedMedia

otio: Any = pytest.importorskip("opentimelineio")

Foreign: TypeAlias = Any
"""An object of OpenTimelineIO, which comes without types."""


@pytest.fixture
def listed(tmp_path: Path) -> ListedMedia:
    return ListedMedia(tmp_path / "media")


def span(start: float, duration: float, rate: float = 24) -> Foreign:
    time = otio.opentime.RationalTime
    return otio.opentime.TimeRange(time(start, rate), time(duration, rate))


def clip(url: str, shown: Foreign, available: Foreign = None, **options: Foreign) -> Foreign:
    reference = otio.schema.ExternalReference(url, available)
    return otio.schema.Clip("a clip", reference, shown, **options)


def read(listed: ListedMedia, *children: Foreign, media: bool = False) -> EditList:
    timeline = otio.schema.Timeline("Reel 1", global_start_time=otio.opentime.RationalTime(86400, 24))
    timeline.tracks.append(otio.schema.Track("V1", list(children)))
    return read_bytes(listed, otio.core.serialize_json_to_string(timeline).encode(), media)


def read_bytes(listed: ListedMedia, content: bytes, media: bool = False) -> EditList:
    path = listed.folder.parent / "cut.otio"
    path.write_bytes(content)
    return read_list(path, probe=listed.probe, media=listed.folder if media else None)


def frames(entry: ListEntry) -> tuple[int, int]:
    assert not entry.refusal, entry.refusal
    assert entry.source is not None
    return entry.source.first, entry.source.stop


@pytest.mark.parametrize("form", ["uri", "plain", "relative", "quoted relative", "localhost"])
def test_files_are_found_however_they_are_written(listed: ListedMedia, form: str) -> None:
    path = listed.put("a b%20c.mov", start="10:00:00:00")
    url = {
        "uri": path.as_uri(),
        "plain": str(path),
        "relative": "media/a b%20c.mov",
        "quoted relative": "media/a%20b%2520c.mov",
        "localhost": path.as_uri().replace("file://", "file://localhost"),
    }[form]
    edit = read(listed, otio.schema.Gap(source_range=span(0, 24)), clip(url, span(864024, 12), span(864000, 1000)))
    assert frames(edit.entries[0]) == (24, 36)
    assert (edit.entries[0].record, edit.entries[0].duration) == (86424, 12)
    assert (edit.name, edit.rate) == ("Reel 1", Fraction(24))


@pytest.mark.parametrize(
    ("start", "shown", "available", "expected"),
    [
        ("10:00:00:00", span(864024, 12), None, (24, 36)),
        ("10:00:00:00", span(24, 12), None, (24, 36)),
        ("", span(24, 12), None, (24, 36)),
        ("10:00:00:00", span(24, 12), span(0, 1000), (24, 36)),
        ("10:00:00:00", span(5, 12), span(864100, 100), None),
        ("10:00:00:00", span(864105, 12), span(864100, 100), (105, 117)),
        ("10:00:00:00", None, span(864100, 100), (100, 200)),
        ("10:00:00:00", span(999, 12), span(0, 1000), None),
        ("00:00:10:00", span(300, 12), None, None),
    ],
)
def test_both_ways_of_counting_are_understood_and_none_is_guessed(
    listed: ListedMedia,
    start: str,
    shown: Foreign,
    available: Foreign,
    expected: tuple[int, int] | None,
) -> None:
    path = listed.put("a.mov", start=start)
    entry = read(listed, clip(str(path), shown, available)).entries[0]
    if expected is None:
        assert entry.refusal
    else:
        assert frames(entry) == expected


@pytest.mark.parametrize(
    ("scalar", "expected"), [(2, (100, 148)), (0.5, (100, 112)), (1.1, (100, 127)), (0, (100, 101)), (-1, None)]
)
def test_retimes_are_restored_unretimed(listed: ListedMedia, scalar: float, expected: tuple[int, int] | None) -> None:
    path = listed.put("a.mov")
    entry = read(listed, clip(str(path), span(100, 24), effects=[otio.schema.LinearTimeWarp("", scalar)])).entries[0]
    if expected is None:
        assert "reversed" in entry.refusal
    else:
        assert frames(entry) == expected


def test_freeze_is_one_frame(listed: ListedMedia) -> None:
    path = listed.put("a.mov")
    assert frames(read(listed, clip(str(path), span(100, 24), effects=[otio.schema.FreezeFrame()])).entries[0]) == (
        100,
        101,
    )


def test_both_sides_of_a_dissolve_are_there(listed: ListedMedia) -> None:
    path = listed.put("a.mov")
    time = otio.opentime.RationalTime
    edit = read(
        listed,
        clip(str(path), span(100, 24)),
        otio.schema.Transition(in_offset=time(4, 24), out_offset=time(6, 24)),
        clip(str(path), span(500, 24)),
    )
    outgoing, incoming = edit.entries
    assert (frames(outgoing), outgoing.record, outgoing.duration) == ((100, 130), 86400, 30)
    assert (frames(incoming), incoming.record, incoming.duration) == ((496, 524), 86420, 28)


@pytest.mark.parametrize(
    ("shown", "available", "expected"),
    [
        (span(1, 1, 25), span(0, 20, 25), (2, 4)),
        (span(24, 12, 24), span(0, 1000, 24), (24, 36)),
    ],
)
def test_media_of_another_rate_are_counted_by_time_or_by_frame(
    listed: ListedMedia,
    shown: Foreign,
    available: Foreign,
    expected: tuple[int, int],
) -> None:
    path = listed.put("a.mov", rate=50, frames=40 if expected == (2, 4) else 1000)
    assert frames(read(listed, clip(str(path), shown, available)).entries[0]) == expected


def test_sequences_are_found_by_their_numbers(listed: ListedMedia) -> None:
    listed.put("plate.%04d.exr", first_number=1001, frames=100)
    reference = otio.schema.ImageSequenceReference(
        listed.folder.as_uri() + "/", "plate.", ".exr", 1011, 1, 24, 4, available_range=span(864000, 50)
    )
    entry = read(listed, otio.schema.Clip("a", reference, span(864005, 10))).entries[0]
    assert frames(entry) == (15, 25)


def test_what_has_no_media_says_so(listed: ListedMedia) -> None:
    path = str(listed.put("a.mov"))
    off = clip(path, span(0, 24))
    off.enabled = False
    nested = otio.schema.Stack(children=[clip(path, span(0, 24))])
    edit = read(
        listed,
        nested,
        otio.schema.Clip("t", otio.schema.GeneratorReference("t", "Text"), span(0, 24)),
        otio.schema.Clip("m", otio.schema.MissingReference(), span(0, 24)),
        clip("https://example.org/a.mov", span(0, 24)),
        clip(str(listed.folder / "b.mov"), span(0, 24)),
        clip(path, span(0, 24), effects=[otio.schema.TimeEffect()]),
        off,
        clip(path, span(3, 24)),
    )
    reasons = [
        "compound",
        "generator",
        "does not exist",
        "is not a file",
        "does not exist",
        "speed changes",
        "disabled",
    ]
    assert len(edit.refused) == len(reasons)
    for entry, reason in zip(edit.refused, reasons, strict=True):
        assert reason in entry.refusal
    assert frames(edit.usable[0]) == (3, 27)
    assert edit.usable[0].record == 86400 + 7 * 24


def test_media_that_moved_are_found_by_name_and_never_guessed(listed: ListedMedia) -> None:
    listed.put("deep/a.mov")
    shown = clip("file:///C:/old/a.mov", span(3, 24))
    assert "does not exist" in read(listed, shown).entries[0].refusal
    assert frames(read(listed, shown, media=True).entries[0]) == (3, 27)
    listed.put("other/a.mov")
    assert "2 files match a.mov" in read(listed, shown, media=True).entries[0].refusal


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"{}",
        b"[" * 1_000_000,
        b'{"OTIO_SCHEMA":"Timeline.1","tracks":null}',
        b'{"OTIO_SCHEMA":"Timeline.99"}',
        b'{"OTIO_SCHEMA":"Clip.2"}',
        b"\xff\xfe\x00",
        json.dumps({"OTIO_SCHEMA": "Timeline.1", "tracks": {"OTIO_SCHEMA": "Stack.1", "children": []}}).encode(),
    ],
)
def test_what_is_no_timeline_is_refused_and_ends_nothing(listed: ListedMedia, content: bytes) -> None:
    with pytest.raises(InputError):
        read_bytes(listed, content)


def test_times_that_are_none_are_refused(listed: ListedMedia) -> None:
    path = str(listed.put("a.mov"))
    content = otio.core.serialize_json_to_string(
        otio.schema.Timeline("t", tracks=[otio.schema.Track("V", [clip(path, span(3, 24))])])
    )
    with pytest.raises(InputError):
        read_bytes(listed, content.replace('"value": 24.0', '"value": NaN').encode())


def test_other_kinds_need_their_adapter(listed: ListedMedia) -> None:
    path = listed.folder.parent / "cut.aaf"
    path.write_bytes(b"AAF")
    with pytest.raises(InputError, match="unsupported format"):
        read_list(path, probe=listed.probe)


def test_rates_of_television_are_exact(listed: ListedMedia) -> None:
    path = listed.put("a.mov", rate=Fraction(30000, 1001), frames=200_000, start="01:00:00:00")
    entry = read(listed, clip(str(path), span(108_100, 30, 29.97), span(108_000, 200_000, 29.97))).entries[0]
    assert frames(entry) == (100, 130)
