"""Code values to R'G'B' and back, with the project's own matrix and chroma filters in numpy; reading never clamps.

Every equation is ITU-T H.273 section 8.3 (the non-constant-luminance matrices); E'Y, E'PB, E'PR are y, cb, cr.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from answerprint.errors import MediaError
from answerprint.frames.colour import MATRIX_WEIGHTS, ColourTags
from answerprint.frames.frame import Picture, Plane
from answerprint.frames.planes import channels_last, empty, row_blocks

__all__ = ["from_rgb", "halve_chroma", "to_rgb", "upsample"]


def weights(matrix: str) -> tuple[float, float, float]:
    """Return (Kr, Kg, Kb). Raises MediaError for a matrix that is not a linear mix of R'G'B'."""
    if matrix not in MATRIX_WEIGHTS:
        raise MediaError(
            f"The colour matrix {matrix} is not supported.", "Render the clip with matrix bt709 or bt2020nc first."
        )
    kr, kb = MATRIX_WEIGHTS[matrix]
    return kr, 1.0 - kr - kb, kb


def scales(colour_range: str, bits: int) -> tuple[float, float, float, float]:
    """Return (luma offset, luma scale, chroma offset, chroma scale) in code values of that many bits."""
    if colour_range == "pc":
        top = float(2**bits - 1)
        return 0.0, top, float(2 ** (bits - 1)), top
    step = float(2 ** (bits - 8))
    return 16 * step, 219 * step, 128 * step, 224 * step


def from_video_codes(picture: Picture, bits: int) -> Picture:
    """Return R'G'B' whose codes of black and white are those of video. picture: its codes over the highest of them.

    Floats have no codes: of 32 bits, the picture is returned as it is.
    """
    if bits > 16:
        return picture
    offset, scale, _, _ = scales("tv", bits)
    return (picture * np.float32(2**bits - 1) - np.float32(offset)) * np.float32(1 / scale)


def to_rgb(
    planes: Sequence[NDArray[np.generic]], factors: tuple[int, int], colour: ColourTags, bits: int, *, centred: bool
) -> Picture:
    """Return R'G'B' float32 [H, W, 3] from code values of any integer type: luma [H, W], Cb and Cr.

    factors, centred: how chroma is subsampled, as in `upsample`.
    """
    height, width = planes[0].shape
    tall = [_taller(plane, factors[0])[:height] for plane in planes[1:3]]
    rgb = empty((3, height, width), np.float32)
    for rows in row_blocks(height, width):
        cb, cr = (_wider(plane[rows], factors[1], centred)[:, :width] for plane in tall)
        _mix(planes[0][rows], (cb, cr), colour, bits, rgb[:, rows])
    return channels_last(rgb)


def _mix(
    luma: NDArray[np.generic], chroma: tuple[Plane, Plane], colour: ColourTags, bits: int, rgb: NDArray[np.float32]
) -> None:
    """Write R', G' and B' [3, h, w] of codes at full size; chroma is overwritten."""
    kr, kg, kb = weights(colour.matrix)
    y_offset, y_scale, c_offset, c_scale = scales(colour.range, bits)
    y = luma.astype(np.float32)
    y -= np.float32(y_offset)
    y *= np.float32(1 / y_scale)
    cb, cr = chroma
    for c in (cb, cr):
        c -= np.float32(c_offset)
        c *= np.float32(1 / c_scale)
    for plane, ratio, c in ((rgb[0], 2 * (1 - kr), cr), (rgb[2], 2 * (1 - kb), cb)):
        np.multiply(c, np.float32(ratio), out=plane)
        plane += y
    cb *= np.float32(2 * kb * (1 - kb) / kg)
    cr *= np.float32(2 * kr * (1 - kr) / kg)
    np.subtract(y, cb, out=rgb[1])
    rgb[1] -= cr


def from_rgb(picture: Picture, colour: ColourTags, bits: int) -> tuple[Plane, Plane, Plane]:
    """Return (Y, Cb, Cr) as float32 code values [H, W], neither rounded nor clipped."""
    kr, kg, kb = weights(colour.matrix)
    y_offset, y_scale, c_offset, c_scale = scales(colour.range, bits)
    r, g, b = (picture[..., channel] for channel in range(3))
    y = np.float32(kr) * r
    part = np.float32(kg) * g
    y += part
    y += np.multiply(b, np.float32(kb), out=part)
    cb, cr = b - y, r - y
    for c, share in ((cb, kb), (cr, kr)):
        c *= np.float32(c_scale / (2 * (1 - share)))
        c += np.float32(c_offset)
    y *= np.float32(y_scale)
    y += np.float32(y_offset)
    return y, cb, cr


def upsample(plane: NDArray[np.generic], shape: tuple[int, int], factors: tuple[int, int], centred: bool) -> Plane:
    """Return a chroma plane at the size of luma, float32 [H, W], by linear interpolation.

    factors: (vertical, horizontal) subsampling. Vertically, chroma is sited in the middle of its luma rows;
    horizontally on the first of its luma columns (MPEG-2 and later), or in their middle if centred (JPEG, MPEG-1).
    """
    height, width = shape
    return _wider(_taller(plane, factors[0])[:height], factors[1], centred)[:, :width]


def _taller(plane: NDArray[np.generic], factor: int) -> NDArray[np.generic]:
    """Interpolate rows: [N, M] -> [N * factor, M]."""
    return plane if factor == 1 else _stretch(plane.astype(np.float32), factor, centred=True)


def _wider(plane: NDArray[np.generic], factor: int, centred: bool) -> Plane:
    """Interpolate columns: [N, M] -> [N, M * factor], float32 of its own."""
    values = plane.astype(np.float32)
    return values if factor == 1 else _stretch(values.T, factor, centred).T


def _stretch(plane: Plane, factor: int, centred: bool) -> Plane:
    """Interpolate rows: [N, M] -> [N * factor, M]; edge rows are repeated."""
    if factor == 1:
        return plane
    rows = plane.shape[0]
    padded = np.concatenate([plane[:1], plane, plane[-1:]])
    out = np.empty_like(plane, shape=(rows * factor, *plane.shape[1:]))
    for phase in range(factor):
        place = (phase + 0.5) / factor - 0.5 if centred else phase / factor  # in rows of the input, from its own
        whole = int(np.floor(place))
        part = np.float32(place - whole)
        low = padded[1 + whole : 1 + whole + rows]
        out[phase::factor] = low if part == 0 else low + part * (padded[2 + whole : 2 + whole + rows] - low)
    return out


def halve_chroma(plane: Plane, vertical: bool) -> Plane:
    """Return chroma at half width (and half height), [H, W] -> [ceil(H / 2) or H, ceil(W / 2)]: inverts `upsample`.

    Chroma that `upsample` made, sited as in video, comes back exactly; so a picture that nothing changed keeps its
    chroma, however often it is restored. [1 2 1]/4 and the mean of two rows would blur it each time.
    The filters begin as the shortest symmetric ones that are biorthogonal to linear interpolation: along a row
    [-1 2 6 2 -1]/8, the low-pass of the 5/3 wavelet (Le Gall and Tabatabai 1988); between two rows [-1 3 3 -1]/4. At an
    edge these overshoot by an eighth and by a quarter, so what they give is limited where it is no interpolation.
    """
    if vertical:
        plane = _halve_rows(plane)
    # As lifting, so that the edges that `upsample` repeats come back too: an odd column keeps only what interpolation
    # does not predict, and the even ones take half of that, but stay between themselves and the columns beside them.
    even, odd = np.ascontiguousarray(plane[:, 0::2]), np.ascontiguousarray(plane[:, 1::2])
    count, odds = even.shape[1], odd.shape[1]
    rest = np.zeros((plane.shape[0], count + 1), np.float32)
    inner = rest[:, 1 : odds + 1]
    np.add(even[:, :odds], np.concatenate([even[:, 1:], even[:, -1:]], axis=1)[:, :odds], out=inner)
    inner *= np.float32(-0.5)
    inner += odd
    halved: Plane = rest[:, :-1] + rest[:, 1:]
    halved *= np.float32(0.25)
    halved += even
    beside = np.empty_like(rest)
    beside[:, :1], beside[:, count:] = even[:, :1], even[:, -1:]
    beside[:, 1 : odds + 1] = odd
    left, right = beside[:, :-1], beside[:, 1:]
    limit = np.minimum(left, right)
    np.maximum(halved, np.minimum(limit, even, out=limit), out=halved)
    np.maximum(left, right, out=limit)
    np.minimum(halved, np.maximum(limit, even, out=limit), out=halved)
    return halved


def _halve_rows(plane: Plane) -> Plane:
    """[H, W] -> [ceil(H / 2), W].

    Of interpolated rows, the two above the middle of a sample and the two below it each give the sample itself; their
    mean is [-1 3 3 -1]/4. Where they differ, the middle one of both and of the mean of the inner rows is taken: so no
    side carries an edge to the other.
    """
    below = plane[-1:]
    if plane.shape[0] % 2:
        # The last sample lies below the last row: the two rows that `upsample` would have made of it.
        last, before = plane[-1:], plane[-2:-1] if plane.shape[0] > 1 else plane[-1:]
        below = np.repeat(np.float32(1.5) * last - np.float32(0.5) * before, 2, axis=0)
    rows = np.concatenate([plane[:1], plane, below])
    upper, lower = rows[1:-1:2], rows[2::2]
    above: Plane = rows[0:-2:2] * np.float32(-0.5)
    above += np.float32(1.5) * upper
    under = rows[3::2] * np.float32(-0.5)
    under += np.float32(1.5) * lower
    mean = upper + lower
    mean *= np.float32(0.5)
    high = np.maximum(above, under)
    np.minimum(above, under, out=above)
    np.maximum(above, np.minimum(high, mean, out=high), out=above)
    return above
