"""An EDL becomes frames of files, or says of each event why it does not."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from answerprint.errors import InputError
from answerprint.resolve.edit_lists import EditList, ListEntry, masters, read_list
from resolve.edit_lists.listed_media import ListedMedia

NTSC = Fraction(30000, 1001)


@pytest.fixture
def listed(tmp_path: Path) -> ListedMedia:
    return ListedMedia(tmp_path / "media")


def read(listed: ListedMedia, text: str | bytes, rate: Fraction | int | None = 24) -> EditList:
    path = listed.folder.parent / "cut.edl"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_list(path, probe=listed.probe, media=listed.folder, rate=None if rate is None else Fraction(rate))


def frames(entry: ListEntry) -> tuple[int, int]:
    assert not entry.refusal, entry.refusal
    assert entry.source is not None
    return entry.source.first, entry.source.stop


CUT = """TITLE: Reel 1
FCM: NON-DROP FRAME

001  A001     V     C        10:00:01:00 10:00:02:12 01:00:00:00 01:00:01:12
* FROM CLIP NAME: scene one.mov
002  AX       AA    C        00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00
003  A002     B     C        00:00:10:00 00:00:11:00 01:00:01:12 01:00:02:12
"""


def test_events_become_frames_of_their_files(listed: ListedMedia) -> None:
    one = listed.put("scene one.mov", start="10:00:00:00")
    listed.put("deeper/A002.mov")
    edit = read(listed, CUT)
    first, second = edit.entries
    assert (edit.name, edit.rate, edit.drop, edit.left_out) == ("Reel 1", Fraction(24), False, 1)
    assert frames(first) == (24, 60)
    assert (first.path, first.record, first.duration, first.event) == (one, 86400, 36, "001")
    assert frames(second) == (240, 264)


def test_rate_is_asked_for_where_nothing_says_it(listed: ListedMedia) -> None:
    with pytest.raises(InputError, match="does not contain the timeline's frame rate"):
        read(listed, CUT, None)
    with pytest.raises(InputError) as caught:
        read(listed, CUT.replace("NON-DROP", "DROP"), None)
    assert "29.97" in caught.value.remedy
    listed.put("A002.mov", rate=25)
    assert read(listed, CUT.replace("TITLE", "FRAME RATE: 25\nTITLE"), None).rate == 25


@pytest.mark.parametrize(
    ("header", "label", "media", "expected"),
    [
        ("FCM: DROP FRAME", "00:01:00:02", "00:00:00;00", 1800),
        ("FCM: DROP FRAME", "00:01:00:02", "00:00:00:00", 1802),
        ("", "00:01:00;02", "00:00:00;00", 1800),
        ("FCM: NON-DROP FRAME", "00:10:00:00", "00:00:00;00", 17982),
        ("FCM: NON-DROP FRAME", "00:00:10:00", "23:59:50:00", 600),
    ],
)
def test_source_labels_count_as_the_media_do(
    listed: ListedMedia, header: str, label: str, media: str, expected: int
) -> None:
    listed.put("A001.mov", rate=NTSC, frames=100_000, start=media)
    after = f"{label[:-2]}{int(label[-2:]) + 10:02}"
    edit = read(listed, f"{header}\n001 A001 V C {label} {after} 01:00:00:00 01:00:00:10\n", NTSC)
    assert frames(edit.entries[0]) == (expected, expected + 10)
    assert edit.drop == (header == "FCM: DROP FRAME")


def test_drop_frame_labels_for_other_media_are_refused(listed: ListedMedia) -> None:
    listed.put("A001.mov", rate=NTSC, start="00:00:00:00")
    edit = read(listed, "001 A001 V C 00:00:01;00 00:00:02;00 01:00:00;00 01:00:01;00\n", NTSC)
    assert "drop-frame" in edit.entries[0].refusal


OVER_MIDNIGHT = """001 A001 V C 23:59:59:00 00:00:01:00 23:59:58:00 00:00:00:00
002 A001 V C 00:00:00:10 00:00:01:10 23:59:59:10 00:00:00:10
003 A001 V C 00:00:02:00 00:00:03:00 00:00:01:00 00:00:02:00
"""


@pytest.mark.parametrize("rate", [Fraction(25), NTSC], ids=["25", "drop-frame"])
def test_source_and_record_go_on_over_midnight(listed: ListedMedia, rate: Fraction) -> None:
    drop, second = rate == NTSC, round(rate)
    listed.put("A001.mov", rate=rate, frames=1000, start="23:59:59;00" if drop else "23:59:59:00")
    edit = read(listed, ("FCM: DROP FRAME\n" if drop else "") + OVER_MIDNIGHT, rate)
    assert [frames(each) for each in edit.entries] == [
        (0, 2 * second),
        (second + 10, 2 * second + 10),
        (3 * second, 4 * second),
    ]
    begins = edit.entries[0].record
    assert [each.record - begins for each in edit.entries] == [0, second + 10, 3 * second]


@pytest.mark.parametrize("numbers", ["100 124 0 24", "0012+04 0013+12 0001+00 0002+08"])
def test_a_list_in_frame_numbers_is_refused_for_that(listed: ListedMedia, numbers: str) -> None:
    listed.put("A001.mov")
    with pytest.raises(InputError, match=r"Line 2 counts in frames or feet, not in timecode\..*with timecode"):
        read(listed, f"TITLE: cut\n001 A001 V C {numbers}\n")
    mixed = read(listed, f"001 A001 V C 00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00\n002 A001 V C {numbers}\n")
    assert [bool(each.refusal) for each in mixed.entries] == [False, True]
    assert "frames or feet" in mixed.entries[1].refusal


DISSOLVE = """001  A001  V  C        00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00
* FROM CLIP NAME: a.mov
002  A001  V  C        00:00:02:00 00:00:02:00 01:00:01:00 01:00:01:00
002  B001  V  D    012 00:00:05:00 00:00:07:00 01:00:01:00 01:00:03:00
* FROM CLIP NAME: a.mov
* TO CLIP NAME: b.mov
"""


def test_both_sides_of_a_dissolve_are_there(listed: ListedMedia) -> None:
    listed.put("a.mov")
    listed.put("b.mov")
    body, outgoing, incoming = read(listed, DISSOLVE).entries
    assert frames(body) == (24, 48)
    assert (frames(outgoing), outgoing.side, outgoing.record, outgoing.duration) == ((48, 60), "from", 86424, 12)
    assert (frames(incoming), incoming.side, incoming.record, incoming.duration) == ((120, 168), "to", 86424, 48)
    pieces = masters([body, outgoing, incoming], handles=6)
    assert [(each.first, each.stop) for each in pieces] == [(18, 66), (114, 174)]


def test_dissolve_of_one_line_goes_on_from_the_event_before(listed: ListedMedia) -> None:
    listed.put("a.mov")
    listed.put("b.mov")
    lines = DISSOLVE.splitlines(keepends=True)
    _, outgoing, incoming = read(listed, "".join([*lines[:2], *lines[3:]])).entries
    assert frames(outgoing) == (48, 60)
    assert frames(incoming) == (120, 168)


@pytest.mark.parametrize(("channel", "name"), [("D    012", "TO"), ("D 012", "FROM"), ("W001 012", "TO")])
def test_fade_from_black_has_one_picture(listed: ListedMedia, channel: str, name: str) -> None:
    listed.put("b.mov")
    edit = read(
        listed,
        "001 BL V C 00:00:00:00 00:00:00:00 01:00:00:00 01:00:00:00\n"
        f"001 B7 V {channel} 00:00:05:00 00:00:07:00 01:00:00:00 01:00:02:00\n* {name} CLIP NAME: b.mov\n",
    )
    (picture,) = edit.entries
    assert frames(picture) == (120, 168)


@pytest.mark.parametrize(
    ("rate", "source", "m2", "expected", "speed"),
    [
        (24, ("00:00:01:00", "00:00:03:00"), "048.0", (24, 72), Fraction(2)),
        (24, ("00:00:01:00", "00:00:01:12"), "012.0", (24, 36), Fraction(1, 2)),
        (24, ("00:00:01:00", "00:00:02:00"), "048.0", (24, 72), Fraction(2)),
        (24, ("00:00:01:00", "00:00:01:01"), "000.0", (24, 25), Fraction(0)),
        (24, ("00:00:02:00", "00:00:01:00"), "-024.0", (24, 49), Fraction(-1)),
        (24, ("00:00:01:00", "00:00:02:00"), "-024.0", (24, 48), Fraction(-1)),
        (Fraction(24000, 1001), ("00:00:01:00", "00:00:03:00"), "048.0", (24, 72), Fraction(2)),
        (Fraction(24000, 1001), ("00:00:01:00", "00:00:03:00"), "047.9", (24, 72), Fraction(2)),
    ],
)
def test_retimes_are_restored_unretimed(
    listed: ListedMedia, rate: Fraction, source: tuple[str, str], m2: str, expected: tuple[int, int], speed: Fraction
) -> None:
    listed.put("A001.mov", rate=rate)
    text = f"001 A001 V C {source[0]} {source[1]} 01:00:00:00 01:00:01:00\nM2   A001   {m2}   {source[0]}\n"
    entry = read(listed, text, rate).entries[0]
    assert frames(entry) == expected
    assert entry.source is not None
    assert entry.source.speed == speed


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("001 A001 V C 00:00:01:00 00:00:02:00 01:00:00:00", "Line 1 is not a valid EDL event"),
        ("001 A001 V C 00:00:01:00 00:00:01:61 01:00:00:00 01:00:01:00", "does not exist at 24"),
        ("001 A001 V C 00:00:02:00 00:00:01:00 01:00:00:00 01:00:01:00", "is before source in"),
        ("001 A001 V C 00:00:01:00 00:00:02:00 01:00:02:00 01:00:01:00", "is before record in"),
        ("001 A001 V C 00:00:01:00 00:00:03:00 01:00:00:00 01:00:01:00", "no M2 line"),
        ("001 A001 V C 00:00:01:00 00:00:03:00 01:00:00:00 01:00:01:00\nM2 A001 030.0 00:00:01:00", "M2 gives"),
        ("001 A001 V C 00:00:01:00 00:00:03:00 01:00:00:00 01:00:01:00\nM2 A001 fast", "is not valid"),
        ("001 A001 V C 00:00:41:00 00:00:42:00 01:00:00:00 01:00:01:00", "which has 1000"),
        ("001 A001 V K B 00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00", "Key events"),
        ("001 A001 V D 00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00", "transition in line 1 has no length"),
        ("001 BL V C 00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00", "black"),
        ("001 AX V C 00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00", "names no file"),
        ("001 A001 V C 00:00:01:00 00:00:01:00 01:00:00:00 01:00:00:00", "length is 0"),
        ("001 A9 V C 00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00", "no file A9"),
        ("001 TWO V C 00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00", "2 files match TWO"),
        ("001 SLOW V C 00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00", "has 25"),
    ],
)
def test_each_bad_event_says_what_is_wrong_and_the_others_go_on(listed: ListedMedia, line: str, reason: str) -> None:
    listed.put("A001.mov")
    listed.put("one/two.mov")
    listed.put("two/TWO.mxf")
    listed.put("slow.mov", rate=25)
    bad, good = read(listed, f"{line}\n002 A001 V C 00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00\n").entries
    assert reason in bad.refusal
    assert frames(good) == (24, 48)


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01\x02", b"hello\n", b"\xff\xd8\xff\xe0", "TITLE: x\n".encode("utf-16")]
)
def test_what_is_no_list_is_refused(listed: ListedMedia, content: bytes) -> None:
    with pytest.raises(InputError):
        read(listed, content)


def test_list_that_is_too_large_is_not_read(listed: ListedMedia) -> None:
    path = listed.folder.parent / "cut.edl"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    with pytest.raises(InputError, match="too large"):
        read_list(path, probe=listed.probe, rate=Fraction(24))


@pytest.mark.parametrize(
    ("encoding", "end"),
    [("utf-8", "\n"), ("utf-8-sig", "\r\n"), ("utf-16", "\n"), ("cp1252", "\r\n"), ("cp1252", "\r")],
)
def test_other_encodings_and_line_ends_are_read(listed: ListedMedia, encoding: str, end: str) -> None:
    listed.put("Übung.mov")
    text = "001 AX V C 00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00\n* FROM CLIP NAME: Übung.mov\n"
    assert frames(read(listed, text.replace("\n", end).encode(encoding)).entries[0]) == (24, 48)


@pytest.mark.parametrize(
    "name", ["plate", "plate.[1001-1100].exr", "plate.%04d.exr", "plate.1001.exr", "PLATE.####.EXR"]
)
def test_sequences_are_found_by_any_of_their_names(listed: ListedMedia, name: str) -> None:
    path = listed.put("shots/plate.%04d.exr", first_number=1001, frames=100)
    text = f"001 AX V C 00:00:41:17 00:00:42:17 01:00:00:00 01:00:01:00\n* FROM CLIP NAME: {name}\n"
    entry = read(listed, text).entries[0]
    assert frames(entry) == (0, 24)
    assert entry.path == path


ELSEWHERE = """TITLE: Reel 1
001  AX       V     C        00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00
* SOURCE FILE: {path}
"""


def test_with_a_folder_of_media_no_path_of_a_list_leads_out_of_it(listed: ListedMedia, tmp_path: Path) -> None:
    """A list is another's text: it must not make the program open what its user did not name."""
    other = ListedMedia(tmp_path / "elsewhere")
    secret = other.put("secret.mov")
    for path in (str(secret), "../elsewhere/secret.mov", f"file://{secret}"):
        (entry,) = read(listed, ELSEWHERE.format(path=path)).entries
        assert entry.path != secret, path
        assert entry.missing
    (entry,) = read(listed, ELSEWHERE.format(path=secret)).entries
    assert "is outside of" in entry.refusal
    assert "Without --media" in entry.remedy
    inside = listed.put("secret.mov")
    (entry,) = read(listed, ELSEWHERE.format(path=secret)).entries
    assert entry.path == inside
    followed = read_list(tmp_path / "cut.edl", probe=other.probe, media=None, rate=Fraction(24))
    assert followed.entries[0].path == secret


def test_only_for_want_of_its_medium_is_an_event_missing(listed: ListedMedia) -> None:
    listed.put("there.mov")
    text = """TITLE: Reel 1
001  BL       V     C        00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00
002  there    V     C        00:00:01:00 00:00:02:00 01:00:01:00 01:00:02:00
003  gone     V     C        00:00:01:00 00:00:02:00 01:00:02:00 01:00:03:00
"""
    assert [each.missing for each in read(listed, text).entries] == [False, False, True]
