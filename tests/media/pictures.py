"""Pictures as other programs write them: EXR by OpenEXR, DPX packed by hand after SMPTE ST 268."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from answerprint.frames import Picture, Plane
from answerprint.media import open_reader, probe

Codes = NDArray[np.uint16]


def only_frame(path: Path) -> tuple[Picture, Plane | None]:
    """The picture and the alpha of a clip of one frame."""
    with open_reader(probe(path)) as reader:
        frame = next(reader)
    return frame.picture, frame.alpha


def exr_timecode(hours: int, minutes: int, seconds: int, frame: int, drop: bool = False) -> Any:  # noqa: ANN401
    return OpenEXR.TimeCode(hours, minutes, seconds, frame, drop, *[False] * 5, *[0] * 8)


def write_exr(path: Path, channels: dict[str, NDArray[Any]], **header: object) -> Path:
    """A scan-line file; by default of ZIP. header: attributes by name."""
    given = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}
    with OpenEXR.File(given, channels) as file:
        file.write(str(path))
    return path


def read_exr(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Attributes and channels of a file's first part."""
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return dict(file.header()), {name: np.array(channel.pixels) for name, channel in file.channels().items()}


def write_dpx(
    path: Path,
    codes: Codes,
    bits: int,
    *,
    order: str = ">",
    timecode: int = 0xFFFFFFFF,
    rate: float | None = None,
    film_rate: float | None = None,
    transfer: int = 0,
    aspect: tuple[int, int] | None = None,
    orientation: int = 0,
) -> Path:
    """A picture of codes [H, W, 3] or [H, W, 4]; of 10 and 12 bits filled to 32 and 16, method A."""
    height, width, channels = codes.shape
    head = bytearray(b"\xff" * 2048)
    head[0:4] = b"SDPX" if order == ">" else b"XPDS"
    body = _packed(codes, bits, order)
    struct.pack_into(order + "I8sII", head, 4, 2048, b"V2.0", 2048 + len(body), 1)
    head[160:660] = bytes(500)
    struct.pack_into(order + "HHII", head, 768, orientation, 1, width, height)
    struct.pack_into(order + "I", head, 780, 0)
    head[800:804] = bytes((50 if channels == 3 else 51, transfer, transfer, bits))
    struct.pack_into(order + "HH", head, 804, int(bits in (10, 12)), 0)
    struct.pack_into(order + "III", head, 808, 2048, 0, 0)
    for place, value in zip((1628, 1632), aspect or (), strict=False):
        struct.pack_into(order + "I", head, place, value)
    struct.pack_into(order + "I", head, 1920, timecode)
    for place, number in ((1940, rate), (1724, film_rate)):
        if number is not None:
            struct.pack_into(order + "f", head, place, number)
    path.write_bytes(bytes(head) + body)
    return path


def _packed(codes: Codes, bits: int, order: str) -> bytes:
    if bits == 8:
        return codes.astype("u1").tobytes()
    if bits == 10:
        words = codes.astype(np.uint32)
        return (words[..., 0] << 22 | words[..., 1] << 12 | words[..., 2] << 2).astype(order + "u4").tobytes()
    return (codes << (16 - bits)).astype(order + "u2").tobytes()


def read_dpx(path: Path) -> tuple[dict[str, Any], Codes]:
    """Fields of the header and codes of a big-endian picture, 10 bits filled by method A, 12 bits packed."""
    data = path.read_bytes()
    assert data.startswith(b"SDPX")
    (begins,) = struct.unpack_from(">I", data, 4)
    width, height = struct.unpack_from(">II", data, 772)
    descriptor, transfer, colorimetric, bits = data[800:804]
    (packing,) = struct.unpack_from(">H", data, 804)
    channels = {50: 3, 51: 4}[descriptor]
    body = data[begins:]
    if bits == 10:
        assert packing == 1
        words = np.frombuffer(body, ">u4")[: width * height * channels // 3]
        codes = np.stack([words >> shift & 1023 for shift in (22, 12, 2)], -1).reshape(-1)
    elif bits == 12:
        assert packing == 0
        codes = _unpacked(body, height, width * channels, bits)
    else:
        codes = np.frombuffer(body, "u1" if bits == 8 else ">u2")[: width * height * channels]
    fields = {
        "bits": bits,
        "transfer": transfer,
        "colorimetric": colorimetric,
        "timecode": struct.unpack_from(">I", data, 1920)[0],
        "rate": struct.unpack_from(">f", data, 1940)[0],
        "film_rate": struct.unpack_from(">f", data, 1724)[0],
        "aspect": struct.unpack_from(">II", data, 1628),
        "device": data[1556:1588].split(b"\0")[0].decode("latin-1"),
    }
    return fields, codes.reshape(height, width, channels).astype(np.uint16)


def _unpacked(body: bytes, lines: int, samples: int, bits: int) -> Codes:
    """Codes that follow each other without gaps, from the lowest bit of each word on; a line begins a new word."""
    words = -(-samples * bits // 32)
    rows = np.frombuffer(body, ">u4")[: lines * words].reshape(lines, words).astype("<u4")
    stream = np.unpackbits(rows.view(np.uint8), axis=1, bitorder="little")[:, : samples * bits]
    digits = stream.reshape(lines * samples, bits).astype(np.uint16)
    found: Codes = (digits << np.arange(bits, dtype=np.uint16)).sum(axis=1).astype(np.uint16)
    return found
