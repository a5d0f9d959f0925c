"""HDR metadata for x265, which writes them into the stream of H.265 (SEI of ITU-T H.265, D.2.28 and D.2.35)."""

from __future__ import annotations

from answerprint.frames.clip_metadata import HdrMetadata

__all__ = ["x265_hdr"]


def x265_hdr(hdr: HdrMetadata) -> list[str]:
    """Return x265's parameters; it takes a mastering display only as a whole."""
    parameters = []
    if hdr.chromaticities and hdr.luminance:
        red, green, blue, white = (
            "({},{})".format(*(round(value * 50_000) for value in point)) for point in hdr.chromaticities
        )
        least, most = (round(value * 10_000) for value in hdr.luminance)
        parameters.append(f"master-display=G{green}B{blue}R{red}WP{white}L({most},{least})")
    if hdr.light_level:
        parameters.append("max-cll={},{}".format(*hdr.light_level))
    return parameters
