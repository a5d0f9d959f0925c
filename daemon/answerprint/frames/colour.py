"""Colour tags by FFmpeg's names, and the one rule for tags that are missing."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = [
    "CINEON",
    "HD_HEIGHT",
    "INTEROP_SPACES",
    "MATRICES",
    "MATRIX_WEIGHTS",
    "PRIMARIES",
    "RANGES",
    "TRANSFERS",
    "UNKNOWN",
    "UNTAGGED",
    "WORKING_SPACES",
    "ColourTags",
    "resolve_colour",
    "space_named",
]

UNKNOWN = "unknown"
CINEON = "cineon"
"""The transfer of scanned film, as in DPX and Cineon: log of its density. H.273 has no code for it."""

# Code points of ITU-T H.273, which every container shares, by FFmpeg's names.
PRIMARIES: dict[int, str] = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "ebu3213",
}
TRANSFERS: dict[int, str] = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
MATRICES: dict[int, str] = {
    0: "gbr",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
    12: "chroma-derived-nc",
    14: "ictcp",
}
RANGES: dict[int, str] = {1: "tv", 2: "pc"}

# Display spaces by ASWF's Color Interop Forum, by primaries and transfer; it has no names for others.
INTEROP_SPACES: dict[tuple[str, str], str] = {
    ("bt709", "bt709"): "g24_rec709_display",
    ("bt709", "iec61966-2-1"): "srgb_rec709_display",
    ("bt2020", "smpte2084"): "pq_rec2020_display",
    ("bt2020", "arib-std-b67"): "hlg_rec2020_display",
}

# (Kr, Kb) of the matrices that are a linear mix of R'G'B': ITU-T H.273, table 4.
MATRIX_WEIGHTS: dict[str, tuple[float, float]] = {
    "bt709": (0.2126, 0.0722),
    "fcc": (0.30, 0.11),
    "bt470bg": (0.299, 0.114),
    "smpte170m": (0.299, 0.114),
    "smpte240m": (0.212, 0.087),
    "bt2020nc": (0.2627, 0.0593),
}

# A picture without tags counts as HD (bt709) from this height on, below it as SD (smpte170m).
HD_HEIGHT = 720


@dataclass(frozen=True, slots=True)
class ColourTags:
    """What the file says about its colour, by FFmpeg's names; `unknown` if it does not say."""

    primaries: str = UNKNOWN
    transfer: str = UNKNOWN
    matrix: str = UNKNOWN
    range: str = UNKNOWN


UNTAGGED = ColourTags()


def resolve_colour(tags: ColourTags, height: int) -> ColourTags:
    """Return the tags with the matrix and the range that the conversion to and from YUV needs.

    If the file does not say, the matrix is that of BT.2020 with its primaries, else it depends on the height
    (`HD_HEIGHT`); the range is `tv`. No other place decides this.
    Matrix `gbr` means that the source is R'G'B'; it cannot be used for YUV and counts as missing.
    Primaries and transfer are never guessed: nothing here needs them.
    """
    matrix = tags.matrix
    if matrix in (UNKNOWN, "gbr"):
        matrix = "bt709" if height >= HD_HEIGHT else "smpte170m"
        matrix = "bt2020nc" if tags.primaries == "bt2020" else matrix
    return replace(tags, matrix=matrix, range="tv" if tags.range == UNKNOWN else tags.range)


# What editors' names of colour spaces and gammas contain, in lower case without anything but letters and digits, and
# the working space that it means; the first that fits counts.
WORKING_SPACES = (
    *("display", "linear", "pq", "hlg", "log"),
    *("logc3", "logc4", "slog3", "vlog", "acescct", "log3g10", "bmdfilm5", "davinci"),
)
"""The names of all working spaces, for front ends."""

_SPACE_NAMES = {
    "logc4": "logc4",
    "logc": "logc3",
    "slog3": "slog3",
    "vlog": "vlog",
    "acescct": "acescct",
    "intermediate": "davinci",
    "log3g10": "log3g10",
    "filmgen5": "bmdfilm5",
    "cineon": "log",
    "st2084": "pq",
    "hlg": "hlg",
    "acescg": "linear",
    "linear": "linear",
}


def space_named(text: str) -> str:
    """Return the working space of an editor's colour space or gamma, such as slog3 for S-Gamut3.Cine/S-Log3.

    "" for one that says nothing of linear light, log or HDR: editors call everything Rec.709 that nobody looked at.
    """
    plain = "".join(filter(str.isalnum, text.lower()))
    return next((name for part, name in _SPACE_NAMES.items() if part in plain), "")
