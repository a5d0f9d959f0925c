"""Whether a host's picture is a frame of the file, and what is wrong with it if it is not; in words for its user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from answerprint.frames.frame import Picture
from answerprint.ofx.colour_fit import CODE, ColourExamples, ColourFit, errors_of, fit_colour, residual_of
from answerprint.ofx.colour_transform import ColourTransform
from answerprint.ofx.curves import Values
from answerprint.ofx.layout import SCALERS, ClipLayout, lattice, rendered_in, sampled, unexplained

__all__ = ["HostPicture", "NotTheFrameError", "limit_of", "match_frame", "pick_layout", "pick_scalers"]

_PUT_FIRST = "Put Answerprint before all other corrections of the clip."
_SCALERS_TRIED = 3
_SHIFTS = 4
"""px that a moved picture is looked for in, each way."""
_ZOOMS = (0.5, 0.67, 0.75, 0.8, 0.9, 0.95, 1.05, 1.1, 1.2, 1.25, 1.33, 1.5, 2.0)


class NotTheFrameError(ValueError):
    """The picture is not the frame; the message is a sentence that says why, and one with the remedy."""


@dataclass(frozen=True, slots=True, eq=False)
class HostPicture:
    """Samples of a host's picture [rows, columns, 3], the top row first, and its width and height in px."""

    samples: Values
    size: tuple[int, int]

    @property
    def xs(self) -> NDArray[np.intp]:
        """The columns of the samples, px."""
        return lattice(self.size[0], self.samples.shape[1])

    @property
    def ys(self) -> NDArray[np.intp]:
        """The rows of the samples, px from the top."""
        return (self.size[1] - 1 - lattice(self.size[1], self.samples.shape[0]))[::-1]

    def of(self, picture: Values, layout: ClipLayout) -> Values:
        """What the samples would be if the host showed this picture as it is, roughly."""
        return sampled(picture, layout, self.xs, self.ys)


def limit_of(layout: ClipLayout, size: tuple[int, int]) -> float:
    """The largest residual of the same frame: a host scales with a filter of its own."""
    return 2 * CODE if layout.exact(size) else 4 * CODE


def pick_layout(host: HostPicture, picture: Values, candidates: list[ClipLayout]) -> tuple[ClipLayout, float]:
    """The layout that explains the samples best, and what it leaves unexplained; the usual one if it is as good."""
    scores = [unexplained(host.of(picture, each), host.samples) for each in candidates]
    best = min(scores)
    first = next(k for k, score in enumerate(scores) if score <= best + 0.002 + 0.05 * best)
    return candidates[first], scores[first]


def pick_scalers(host: HostPicture, picture: Picture, layout: ClipLayout) -> list[ClipLayout]:
    """The layout with the scalers that the host is likeliest to have used, the best first; as it is if exact."""
    if layout.exact((picture.shape[1], picture.shape[0])):
        return [layout]
    candidates = [replace(layout, scaler=each) for each in SCALERS]
    scores = [_left_over(_at_samples(host, rendered_in(picture, each), each)[0], host.samples) for each in candidates]
    return [candidates[k] for k in sorted(range(len(scores)), key=scores.__getitem__)[:_SCALERS_TRIED]]


def _left_over(source: Values, host: Values) -> float:
    """What no polynomial of the third degree makes of the source's colours, whatever the host does to them."""
    inside = np.isfinite(source).all(-1)
    red, green, blue = source[inside].T
    powers = [(i, j, k) for i in range(4) for j in range(4 - i) for k in range(4 - i - j)]
    terms = np.stack([red**i * green**j * blue**k for i, j, k in powers], 1)
    found, *_ = np.linalg.lstsq(terms, host[inside], rcond=None)
    return float(np.abs(terms @ found - host[inside]).mean())


def match_frame(
    host: HostPicture, pictures: Mapping[int, Picture], layout: ClipLayout, known: ColourTransform | None = None
) -> ColourFit:
    """The transform from a frame to the host's picture. Raises NotTheFrameError if it is not the same picture.

    pictures: the frame at 0, and other frames of the file by how much later they are. known: only try this one.
    """
    height, width = pictures[0].shape[:2]
    exact, limit = layout.exact((width, height)), limit_of(layout, (width, height))
    shown = {later: _at_samples(host, rendered_in(picture, layout), layout) for later, picture in pictures.items()}
    rendered, contrast = shown.pop(0)
    inside = np.isfinite(contrast)
    if int(inside.sum()) < 64:
        raise NotTheFrameError("The clip covers too little of the picture to be compared.")
    examples = ColourExamples(rendered[inside], host.samples[inside], contrast[inside])
    fit = fit_colour(examples, limit) if known is None else ColourFit(known, residual_of(known, examples))
    errors = np.abs(errors_of(fit.transform, examples)).mean(-1)
    _check_neighbours(fit, examples, {later: other[inside] for later, (other, _) in shown.items()}, errors)
    in_detail = float(np.quantile(errors / (3 * CODE + (0.25 if exact else 0.75) * examples.contrast), 0.9))
    if known is not None and (fit.residual > limit or in_detail > 1):
        raise NotTheFrameError("The colours are others.")
    if fit.transform.table is not None and _tints_grey(fit, examples):
        raise NotTheFrameError(f"The picture is graded before this node: grey has a tint. {_PUT_FIRST}")
    if fit.residual > limit or in_detail > 1:
        raise NotTheFrameError(
            _moved(host, np.asarray(pictures[0], np.float64), layout, fit) or _why_not(fit, host, rendered, inside)
        )
    return fit


def _at_samples(host: HostPicture, rectangle: Picture, layout: ClipLayout) -> tuple[Values, Values]:
    """The host's samples of a rendered rectangle [rows, columns, 3], and the contrast around each; NaN outside."""
    xs, ys = host.xs - layout.x, host.ys - layout.y
    across, down = (xs >= 0) & (xs < layout.width), (ys >= 0) & (ys < layout.height)
    values = np.full(host.samples.shape, np.nan)
    contrast = np.full(values.shape[:2], np.nan)
    near = [
        rectangle[np.ix_(np.clip(ys[down] + j, 0, layout.height - 1), np.clip(xs[across] + i, 0, layout.width - 1))]
        for j in (-1, 0, 1)
        for i in (-1, 0, 1)
    ]
    values[np.ix_(down, across)] = near[4]
    contrast[np.ix_(down, across)] = (np.max(near, 0) - np.min(near, 0)).max(-1)
    return values, contrast


def _tints_grey(fit: ColourFit, examples: ColourExamples) -> bool:
    """Whether grey is not grey any more: no conversion of colours does that, a correction does."""
    bright = np.quantile(examples.source.mean(1), np.linspace(0.1, 0.9, 9))
    greys = fit.transform.values(np.repeat(bright[:, None], 3, 1))
    return bool((np.ptp(greys, axis=1) > 6 * CODE * np.maximum(1, np.abs(greys).max(1))).any())


def _check_neighbours(fit: ColourFit, examples: ColourExamples, others: Mapping[int, Values], errors: Values) -> None:
    """Raise NotTheFrameError if another frame fits better where the two differ most."""
    best, found = 0.7, 0
    for later, other in others.items():
        changed = np.abs(other - examples.source).mean(-1)
        most = changed > max(4 * CODE, float(np.quantile(changed, 0.8)))
        if int(most.sum()) < 30:
            continue
        theirs = errors_of(fit.transform, ColourExamples(other[most], examples.host[most], changed[most]))
        share = float(np.median(np.abs(theirs).mean(-1))) / max(float(np.median(errors[most])), 1e-9)
        if share < best:
            best, found = share, later
    if found:
        direction = f"{abs(found)} frame{'s' if abs(found) > 1 else ''} {'later' if found > 0 else 'earlier'}"
        raise NotTheFrameError(
            f"The picture is another frame of the file, {direction}: the clip is retimed before this node. "
            "Restore it in the timeline instead, or undo the retiming."
        )


def _moved(host: HostPicture, picture: Values, layout: ClipLayout, fit: ColourFit) -> str:
    """The sentence for a picture that is moved or zoomed; "" if it is neither."""

    def shown(across: float, down: float, zoom: float) -> Values:
        centre = (host.size[0] - 1) / 2, (host.size[1] - 1) / 2
        xs = np.rint((host.xs - centre[0] - across) / zoom + centre[0]).astype(np.intp)
        ys = np.rint((host.ys - centre[1] - down) / zoom + centre[1]).astype(np.intp)
        return sampled(picture, layout, xs, ys)

    def wrong(across: int, down: int) -> float:
        there = shown(across, down, 1)
        inside = np.isfinite(there).all(-1)
        made = fit.transform.values(there[inside])
        return float(np.minimum(np.abs(made - host.samples[inside]), 0.2).mean())

    zooms = {zoom: unexplained(shown(0, 0, zoom), host.samples) for zoom in (1, *_ZOOMS)}
    zoom = min(zooms, key=lambda each: zooms[each])
    if zooms[zoom] < 0.5 * zooms[1]:
        return (
            f"The picture is zoomed or cropped before this node, by about {zoom:g}. "
            "Reset the clip's sizing, or zoom in a node after this one."
        )
    reach = range(-_SHIFTS, _SHIFTS + 1)
    least, across, down = min((wrong(x, y), x, y) for x in reach for y in reach)
    if least < 0.6 * wrong(0, 0):
        return (
            f"The picture is moved before this node, by {across} and {-down} pixels: stabilised or repositioned. "
            f"{_PUT_FIRST}"
        )
    return ""


def _why_not(
    fit: ColourFit,
    host: HostPicture,
    rendered: Values,
    inside: NDArray[np.bool_],
) -> str:
    """The sentence for a picture that no transform of colours explains."""
    left = unexplained(rendered, host.samples)
    if left > 0.5:
        return "The picture is not a frame of the file. Check the file and the frame offset of this node."
    errors = (host.samples - fit.transform.values(rendered.reshape(-1, 3)).reshape(rendered.shape)).mean(-1)[inside]
    y, x = np.mgrid[-1 : 1 : rendered.shape[0] * 1j, -1 : 1 : rendered.shape[1] * 1j]
    x, y = x[inside], y[inside]
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y, x**3, y**3, (x * x + y * y) ** 2], 1)
    errors = np.clip(errors, *np.quantile(errors, (0.02, 0.98)))
    solved = np.linalg.lstsq(terms, errors, rcond=None)[0]
    by_place = 1 - float(((errors - terms @ solved) ** 2).sum()) / max(
        float(((errors - errors.mean()) ** 2).sum()), 1e-12
    )
    if by_place > 0.35:
        return f"A part of the picture is corrected before this node, as by a window or a vignette. {_PUT_FIRST}"
    return (
        "The picture differs from the file by more than a conversion of colours: it is graded, sharpened or cleaned "
        f"before this node. {_PUT_FIRST}"
    )
