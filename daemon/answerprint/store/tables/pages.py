"""Read a damaged journal page by page: SQLite itself gives up a whole table for one bad page.

Follows the published file format (https://www.sqlite.org/fileformat2.html), but only what a journal uses: UTF-8, no
reserved bytes, no auto-vacuum. Pages that belong to a tree come first, then orphaned pages that are not free. Damaged
data never raises.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

__all__ = ["Cell", "Pages", "read_pages"]

_PAGE_BYTES = 4096
"""The default, unless the header has another."""
_SIZES = frozenset(1 << power for power in range(9, 16))
_WAL_MAGIC = 0x377F0682  # the last bit: checksums are of big-endian words
_WAL_HEADER, _FRAME_HEADER, _FILE_HEADER = 32, 24, 100
_TABLE_LEAF, _TABLE_INNER, _INDEX_LEAF, _INDEX_INNER = 13, 5, 10, 2
_LONGEST_HEADER = 100
_LARGEST_RECORD = 64 << 20
_WIDTHS = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)

CellValue = int | float | str | bytes | None
Cell = tuple[int, tuple[CellValue, ...]]
"""A row: its rowid (0 for tables without one), and its columns."""


class Pages:
    """The pages of a journal by number, counted from 1, with the changes of the log.

    doubtful: pages of the log with a wrong checksum; most of their content is still right.
    """

    def __init__(self, size: int, pages: Mapping[int, bytes], doubtful: Sequence[bytes] = ()) -> None:
        self._size = size
        self._pages = pages
        self._doubtful = doubtful

    def rows(self) -> Iterator[Cell]:
        """All readable rows of tables with a rowid; pages that belong to a tree come first."""
        return self._cells(_TABLE_LEAF)

    def entries(self, holding: bytes) -> Iterator[Cell]:
        """Rows of tables without a rowid, and entries of indexes, from pages that contain these bytes."""
        return self._cells(_INDEX_LEAF, _INDEX_INNER, holding=holding)

    def strays(self, start: re.Pattern[bytes]) -> Iterator[Cell]:
        """Rows in inconsistent pages, found by the start of their first non-null column.

        The page no longer tells where they are. Deleted rows may be among them, so use these last.
        """
        free = self._free()
        for page in self._doubtful:
            yield from self._carved(page, start)
        for number, page in self._pages.items():
            if number not in free and not self._adds_up(number):
                yield from self._carved(page, start)

    def _carved(self, page: bytes, start: re.Pattern[bytes]) -> Iterator[Cell]:
        for match in start.finditer(page):
            for place in range(match.start() - 2, max(-1, match.start() - _LONGEST_HEADER), -1):
                # The header of a record contains its own length.
                if page[place] == match.start() - place:
                    yield from self._before(page, place)

    def _before(self, page: bytes, record: int) -> Iterator[Cell]:
        """The row whose record starts here, by the two varints before it."""
        for place in range(record - 2, max(-1, record - 14), -1):
            try:
                length, after = _varint(page, place)
                _, begin = _varint(page, after)
                if begin == record and length == _record_length(page, record):
                    yield self._cell(page, _TABLE_LEAF, place)
                    return
            except (ValueError, IndexError, struct.error):
                continue

    def _adds_up(self, number: int) -> bool:
        """Whether a leaf of a table accounts for all of its bytes, as SQLite's own check requires."""
        page, start = self._pages[number], _FILE_HEADER if number == 1 else 0
        if page[start] != _TABLE_LEAF:
            return page[start] in (_TABLE_INNER, _INDEX_INNER, _INDEX_LEAF)
        count, places = _int(page, start + 3, 2), self._places(page, start)
        begin = _int(page, start + 5, 2)
        try:
            used = sum(self._cell_bytes(page, place) for place in places)
        except (ValueError, IndexError):
            return False
        block, seen = _int(page, start + 1, 2), set[int]()
        while block and block not in seen:
            seen.add(block)
            used += _int(page, block + 2, 2)
            block = _int(page, block, 2)
        return len(places) == count and used + page[start + 7] + begin == self._size

    def _cell_bytes(self, page: bytes, place: int) -> int:
        length, after = _varint(page, place)
        _, after = _varint(page, after)
        local, more = self._local(length, table=True)
        return max(4, after - place + local + (4 if more else 0))

    def _cells(self, *kinds: int, holding: bytes = b"") -> Iterator[Cell]:
        free, children = self._free(), self._children()
        wanted = [number for number in self._pages if number not in free and self._kind(number) in kinds]
        for number in sorted(wanted, key=lambda number: (number not in children, number)):
            if holding in self._pages[number]:
                yield from self._page_cells(number)

    def _kind(self, number: int) -> int:
        start = _FILE_HEADER if number == 1 else 0
        return self._pages[number][start]

    def _children(self) -> set[int]:
        """Every page that is a child of an inner page."""
        found: set[int] = set()
        for number in self._pages:
            if self._kind(number) not in (_TABLE_INNER, _INDEX_INNER):
                continue
            page, start = self._pages[number], _FILE_HEADER if number == 1 else 0
            found.add(_int(page, start + 8, 4))
            found.update(_int(page, place, 4) for place in self._places(page, start))
        return found

    def _free(self) -> set[int]:
        found: set[int] = set()
        trunk = _int(self._pages.get(1, b""), 32, 4)
        while trunk in self._pages and trunk not in found and trunk != 1:
            page = self._pages[trunk]
            # A page that looks like one of a table is not free: the list of free pages is damaged.
            count = _int(page, 4, 4)
            if page[0] != 0 or count > self._size // 4 - 2:
                break
            found.add(trunk)
            found.update(_int(page, 8 + 4 * index, 4) for index in range(count))
            trunk = _int(page, 0, 4)
        return found

    def _places(self, page: bytes, start: int) -> list[int]:
        inner = page[start] in (_TABLE_INNER, _INDEX_INNER)
        first = start + (12 if inner else 8)
        count = min(_int(page, start + 3, 2), (self._size - first) // 2)
        places = (_int(page, first + 2 * index, 2) for index in range(count))
        return [place for place in places if first <= place < self._size]

    def _page_cells(self, number: int) -> Iterator[Cell]:
        page, start = self._pages[number], _FILE_HEADER if number == 1 else 0
        kind = page[start]
        for place in self._places(page, start):
            try:
                yield self._cell(page, kind, place)
            except (ValueError, IndexError, struct.error):
                continue  # the other cells of the page may be good

    def _cell(self, page: bytes, kind: int, place: int) -> Cell:
        if kind == _INDEX_INNER:
            place += 4
        length, place = _varint(page, place)
        rowid = 0
        if kind == _TABLE_LEAF:
            rowid, place = _varint(page, place)
        if length > _LARGEST_RECORD:
            raise ValueError
        return rowid, _record(self._payload(page, place, length, table=kind == _TABLE_LEAF))

    def _local(self, length: int, *, table: bool) -> tuple[int, bool]:
        """How many bytes of a record are in its own page, and whether there are more."""
        most = self._size - 35 if table else (self._size - 12) * 64 // 255 - 23
        if length <= most:
            return length, False
        least = (self._size - 12) * 32 // 255 - 23
        local = least + (length - least) % (self._size - 4)
        return (local if local <= most else least), True

    def _payload(self, page: bytes, place: int, length: int, *, table: bool) -> bytes:
        local, more = self._local(length, table=table)
        if not more:
            return _part(page, place, length)
        usable = self._size
        data = bytearray(_part(page, place, local))
        following, seen = _int(page, place + local, 4), set[int]()
        while len(data) < length:
            if following in seen or following not in self._pages:
                raise ValueError
            seen.add(following)
            rest = self._pages[following]
            data += rest[4 : 4 + min(usable - 4, length - len(data))]
            following = _int(rest, 0, 4)
        return bytes(data)


def read_pages(path: Path) -> Pages:
    """The pages of a journal and its log; both may be missing. Raises OSError."""
    file = path.read_bytes() if path.is_file() else b""
    log = path.with_name(path.name + "-wal")
    written = log.read_bytes() if log.is_file() else b""
    size = next((size for size in (_int(file, 16, 2), _int(written, 8, 4)) if size in _SIZES), _PAGE_BYTES)
    pages = {
        number + 1: file[number * size : (number + 1) * size].ljust(size, b"\0")
        for number in range((len(file) + size - 1) // size)
    }
    logged, doubtful = _logged(written, size)
    pages.update(logged)
    return Pages(size, pages, doubtful)


def _logged(log: bytes, size: int) -> tuple[dict[int, bytes], list[bytes]]:
    """The latest intact page of each number up to the last commit, and damaged pages of this log.

    SQLite stops at the first bad frame. But each checksum continues the one of the frame before, which is stored too,
    so every frame can be checked by itself, and frames after a bad one are not lost.
    """
    words, salts = _log_kind(log, size)
    step = _FRAME_HEADER + size
    before = log[24:32]
    found: dict[int, bytes] = {}
    waiting: dict[int, bytes] = {}
    doubtful: list[bytes] = []
    for place in range(_WAL_HEADER, len(log), step):
        header, page = log[place : place + _FRAME_HEADER], log[place + _FRAME_HEADER : place + step]
        if len(page) == size and _checksum(before, header[:8] + page, words) == header[16:24]:
            # Frames of an earlier cycle of the log are intact too, but have another salt.
            if header[8:16] == salts:
                waiting[_int(header, 0, 4)] = page
                if _int(header, 4, 4):  # a commit
                    found |= waiting
                    waiting = {}
            elif header[8:12] == salts[:4] or header[12:16] == salts[4:]:
                doubtful.append(page)
        elif header[8:12] == salts[:4] or header[12:16] == salts[4:]:
            doubtful.append(page.ljust(size, b"\0"))
        before = header[16:24]
    return found, doubtful


def _log_kind(log: bytes, size: int) -> tuple[str, bytes]:
    """Byte order and salt of a log, by majority of its first frames: the header may be damaged."""
    step = _FRAME_HEADER + size
    salts = [log[16:24], *(log[place + 8 : place + 16] for place in range(_WAL_HEADER, min(len(log), 3 * step), step))]
    words = ">" if _int(log, 0, 4) == _WAL_MAGIC | 1 else "<"
    return words, max(salts, key=salts.count)


def _checksum(before: bytes, data: bytes, words: str) -> bytes:
    first, second = struct.unpack(">2I", before) if len(before) == 8 else (0, 0)
    numbers = struct.unpack(f"{words}{len(data) // 4}I", data)
    for even, odd in zip(numbers[::2], numbers[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return struct.pack(">2I", first, second)


def _record(data: bytes) -> tuple[CellValue, ...]:
    """The columns of a record. Raises ValueError and IndexError if it is invalid."""
    length, place = _varint(data, 0)
    if not 0 < length <= len(data):
        raise ValueError
    kinds: list[int] = []
    while place < length:
        kind, place = _varint(data, place)
        kinds.append(kind)
    values: list[CellValue] = []
    place = length
    for kind in kinds:
        width = (kind - 12) // 2 if kind >= 12 else _WIDTHS[kind]
        values.append(_value(kind, _part(data, place, width)))
        place += width
    return tuple(values)


def _record_length(data: bytes, start: int) -> int:
    """The length in bytes of the record that starts here, by its header."""
    header, place = _varint(data, start)
    total = header
    while place < start + header:
        kind, place = _varint(data, place)
        total += (kind - 12) // 2 if kind >= 12 else _WIDTHS[kind]
    return total


def _value(kind: int, data: bytes) -> CellValue:
    if kind >= 12:
        return data.decode() if kind % 2 else data
    if kind == 7:
        return float(struct.unpack(">d", data)[0])
    if kind in (8, 9):
        return kind - 8
    return int.from_bytes(data, "big", signed=True) if kind else None


def _varint(data: bytes, place: int) -> tuple[int, int]:
    if (value := data[place]) < 0x80:  # nearly all
        return value, place + 1
    value = 0
    for index in range(9):
        byte = data[place + index]
        if index == 8:
            value = value << 8 | byte
            return value - (1 << 64) if value >> 63 else value, place + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + index + 1
    raise ValueError


def _part(data: bytes, place: int, length: int) -> bytes:
    if length < 0 or place + length > len(data):
        raise ValueError
    return data[place : place + length]


def _int(data: bytes, place: int, width: int) -> int:
    return int.from_bytes(data[place : place + width], "big")
