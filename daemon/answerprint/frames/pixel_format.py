"""FFmpeg's names of pixel formats, read without FFmpeg."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["full_chroma", "planar_yuv"]

_PLANAR = re.compile(r"yuvj?(?P<alpha>a?)(?P<sampling>\d{3})p(?P<bits>\d*)(?:le|be)?")
_SEMIPLANAR = re.compile(r"p(?P<sampling>[024])(?P<bits>1[026])(?:le|be)?")
_SAMPLING = {"0": "420", "2": "422", "4": "444"}

# Names that do not tell their sampling or their depth.
_OTHERS: Mapping[str, str] = MappingProxyType(
    {
        "nv12": "yuv420p",
        "nv21": "yuv420p",
        "nv16": "yuv422p",
        "nv20le": "yuv422p10le",
        "nv24": "yuv444p",
        "nv42": "yuv444p",
        "uyvy422": "yuv422p",
        "yuyv422": "yuv422p",
        "yvyu422": "yuv422p",
        "uyyvyy411": "yuv411p",
        "y210le": "yuv422p10le",
        "y212le": "yuv422p12le",
        "y216le": "yuv422p16le",
        "v30xle": "yuv444p10le",
        "xv30le": "yuv444p10le",
        "xv36le": "yuv444p12le",
        "xv48le": "yuv444p16le",
        "vuyx": "yuv444p",
        "vuya": "yuva444p",
        "ayuv": "yuva444p",
        "ayuv64le": "yuva444p16le",
    }
)


def full_chroma(name: str) -> str:
    """Return the planar format with as many samples of chroma as of luma; other formats as they are.

    A turned picture needs it: its samples of chroma lie where no format with fewer of them has any.
    """
    match = _PLANAR.fullmatch(planar_yuv(name))
    return name if match is None else f"yuv{match['alpha']}444p{match['bits'] and match['bits'] + 'le'}"


def planar_yuv(name: str) -> str:
    """Return the planar format with the same samples, "" if the format is not Y'CbCr.

    Formats in planes of their own, interleaved, or packed hold the same codes. Whether these are of full range, as in
    `yuvj420p`, is not part of the result.
    """
    if match := _PLANAR.fullmatch(name):
        bits = match["bits"] if match["bits"] not in ("", "8") else ""
        return f"yuv{match['alpha']}{match['sampling']}p{f'{bits}le' if bits else ''}"
    if match := _SEMIPLANAR.fullmatch(name):
        return f"yuv{_SAMPLING[match['sampling']]}p{match['bits']}le"
    return _OTHERS.get(name, "")
