"""The ratios by which the method is judged, from the figures of a comparison's rows."""

from __future__ import annotations

import math
from collections.abc import Mapping

from answerprint.metrics.report import Figure

__all__ = ["verdict"]

Rows = Mapping[str, Mapping[str, Figure]]


def verdict(rows: Rows) -> dict[str, float]:
    """Ratios and differences that the rows at hand allow, by a sentence that says what each is.

    Excess E_warp is E_warp less the truth's own, which no restoration should undercut.
    """
    out: dict[str, float] = {}

    def value(row: str, key: str) -> float | None:
        found = rows.get(row, {}).get(key)
        return float(found) if isinstance(found, int | float) and not math.isnan(found) else None

    def excess(row: str) -> float | None:
        own, floor = value(row, "e_warp"), value("truth", "e_warp")
        return None if own is None or floor is None else own - floor

    def ratio(name: str, a: float | None, b: float | None) -> None:
        if a is not None and b is not None and b != 0:
            out[name] = a / b

    def difference(name: str, a: float | None, b: float | None) -> None:
        if a is not None and b is not None:
            out[name] = a - b

    ratio("excess E_warp, consistent / per-frame shared noise", excess("consistent"), excess("per-frame-shared-noise"))
    ratio("E_warp, consistent / truth", value("consistent", "e_warp"), value("truth", "e_warp"))
    ratio("E_warp, consistent / per-frame", value("consistent", "e_warp"), value("per-frame", "e_warp"))
    ratio("excess E_warp, consistent / without merging", excess("consistent"), excess("no-merge"))
    ratio("excess E_warp, consistent / without warping", excess("consistent"), excess("no-warp"))
    ratio("E_inter, consistent / per-frame", value("consistent", "e_inter"), value("per-frame", "e_inter"))
    ratio("P, consistent / per-frame", value("consistent", "st_lpips"), value("per-frame", "st_lpips"))
    ratio("P, consistent / bicubic", value("consistent", "st_lpips"), value("bicubic", "st_lpips"))
    difference("PSNR dB, consistent - per-frame", value("consistent", "psnr"), value("per-frame", "psnr"))
    ratio(
        "detail energy, consistent / per-frame shared noise",
        value("consistent", "detail_ratio"),
        value("per-frame-shared-noise", "detail_ratio"),
    )
    difference(
        "high-band correlation, consistent - per-frame",
        value("consistent", "high_band_correlation"),
        value("per-frame", "high_band_correlation"),
    )
    difference("PSNR dB, consistent - bicubic", value("consistent", "psnr"), value("bicubic", "psnr"))
    difference("SSIM-Y, consistent - bicubic", value("consistent", "ssim_y"), value("bicubic", "ssim_y"))
    ratio("detail energy, consistent / truth", value("consistent", "detail_ratio"), 1.0)
    ratio(
        "seconds, consistent / per-frame",
        value("consistent", "seconds_per_frame"),
        value("per-frame", "seconds_per_frame"),
    )
    return out
