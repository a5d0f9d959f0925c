"""What a library exports, and which libraries it needs: ELF, PE and Mach-O of 64 bits, little-endian."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Binary", "read_binary"]


@dataclass(frozen=True, slots=True)
class Binary:
    """exports: names without the underscore that macOS adds. needs: names of libraries."""

    exports: frozenset[str]
    needs: frozenset[str]


def read_binary(data: bytes) -> Binary:
    """Read a library of any system. Raises ValueError if it is of none that is known."""
    if data[:5] == b"\x7fELF\x02":
        return _elf(data)
    if data[:2] == b"MZ":
        return _pe(data)
    if data[:4] == struct.pack("<I", 0xFEEDFACF):
        return _mach(data)
    raise ValueError("not a library of 64 bits")


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode()


def _elf(data: bytes) -> Binary:
    table, size, count = struct.unpack_from("<Q", data, 0x28)[0], *struct.unpack_from("<HH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, table + i * size) for i in range(count)]
    exports, needs = set(), set()
    for _, kind, _, _, offset, length, link, _, _, _ in sections:
        names = sections[link][4] if link < len(sections) else 0
        if kind == 11:  # symbols for the dynamic linker
            for at in range(offset, offset + length, 24):
                name, info, _, section = struct.unpack_from("<IBBH", data, at)
                if section and info >> 4:
                    exports.add(_text(data, names + name))
        if kind == 6:
            for at in range(offset, offset + length, 16):
                tag, value = struct.unpack_from("<QQ", data, at)
                if tag == 1:
                    needs.add(_text(data, names + value))
    return Binary(frozenset(exports), frozenset(needs))


def _pe(data: bytes) -> Binary:
    head = struct.unpack_from("<I", data, 0x3C)[0]
    count, optional = struct.unpack_from("<H", data, head + 6)[0], struct.unpack_from("<H", data, head + 20)[0]
    folders = head + 24 + 112
    sections = [struct.unpack_from("<IIII", data, head + 24 + optional + 40 * i + 8) for i in range(count)]

    def place(address: int) -> int:
        for size, start, stored, offset in sections:
            if start <= address < start + max(size, stored):
                return address - start + offset
        raise ValueError("an address outside of the library")

    exports, needs = set(), set()
    address = struct.unpack_from("<I", data, folders)[0]
    if address:
        number, _, names = struct.unpack_from("<III", data, place(address) + 24)
        for each in struct.unpack_from(f"<{number}I", data, place(names)):
            exports.add(_text(data, place(each)))
    address = struct.unpack_from("<I", data, folders + 8)[0]
    at = place(address) if address else len(data)
    while at < len(data) and (name := struct.unpack_from("<I", data, at + 12)[0]):
        needs.add(_text(data, place(name)).lower())
        at += 20
    return Binary(frozenset(exports), frozenset(needs))


def _commands(data: bytes) -> Iterator[tuple[int, int]]:
    at = 32
    for _ in range(struct.unpack_from("<I", data, 16)[0]):
        kind, size = struct.unpack_from("<II", data, at)
        yield kind, at
        at += size


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of 7 bits a byte, lowest first, and what follows it."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 0x80:
            return value, at


def _words(tree: bytes, at: int = 0, before: str = "") -> Iterator[str]:
    """All words of a tree of exports, in which each branch adds letters."""
    size, at = _number(tree, at)
    if size:
        yield before
    at += size
    branches, at = tree[at], at + 1
    for _ in range(branches):
        letters = _text(tree, at)
        below, at = _number(tree, at + len(letters) + 1)
        yield from _words(tree, below, before + letters)


def _mach(data: bytes) -> Binary:
    exports, needs = set(), set()
    for kind, at in _commands(data):
        if kind in (0x80000022, 0x80000033):  # what the dynamic linker needs to know; the tree of exports alone
            offset, size = struct.unpack_from("<II", data, at + (40 if kind == 0x80000022 else 8))
            if size:
                exports.update(name.removeprefix("_") for name in _words(data[offset : offset + size]))
        if kind in (0x0C, 0x80000018):  # a library, also a weak one
            needs.add(_text(data, at + struct.unpack_from("<I", data, at + 8)[0]))
    return Binary(frozenset(exports), frozenset(needs))
