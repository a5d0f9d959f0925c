"""The fits of a key: where a clip lies in a host's picture, how frames are counted, and what colours become."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Self

import numpy as np

from answerprint.frames.frame import Frame
from answerprint.ofx.colour_transform import ColourTransform
from answerprint.ofx.comparison import HostPicture, NotTheFrameError, match_frame, pick_layout, pick_scalers
from answerprint.ofx.frame_cache import FrameCache
from answerprint.ofx.layout import ClipLayout, layouts
from answerprint.ofx.protocol import MAX_FITS

__all__ = ["KnownFit", "KnownFits", "match_host"]

_NEIGHBOURS = (-2, -1, 1, 2)

SourceFrames = Callable[[Iterable[int]], Mapping[int, Frame]]


@dataclass(frozen=True, slots=True, eq=False)
class KnownFit:
    """origin: the host's number of the source's first frame. exact: the clip is shown pixel by pixel."""

    transform: ColourTransform
    layout: ClipLayout
    origin: int
    residual: float
    exact: bool

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "transform": self.transform.to_json(), "layout": self.layout.to_json(), "origin": self.origin,
            "residual": self.residual, "exact": self.exact,
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_json`'s form. Raises KeyError, TypeError, ValueError."""
        return cls(
            ColourTransform.from_json(data["transform"]), ClipLayout.from_json(data["layout"]), int(data["origin"]),
            float(data["residual"]), bool(data["exact"]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class KnownFits:
    """At most MAX_FITS of them; `place` is the one in use. stamp: of the source; shown: whose frames are in the cache.

    dropped: the place whose frames are of another fit, and go.
    """

    stamp: str
    shown: str
    fits: tuple[KnownFit, ...] = ()
    place: int = 0
    dropped: int | None = field(default=None, compare=False)

    @property
    def current(self) -> KnownFit | None:
        """The fit in use."""
        return self.fits[self.place] if self.fits else None

    @classmethod
    def read(cls, cache: FrameCache, key: str, stamp: str, shown: str) -> Self:
        """What is kept of a key, without what another source or other restored frames left there."""
        kept = cache.fits(key)
        empty = cls(stamp, shown)
        try:
            fits = tuple(map(KnownFit.from_json, kept["fits"]))[:MAX_FITS]
            found = cls(str(kept["stamp"]), str(kept["shown"]), fits, int(kept["place"]))
            valid = found.stamp == stamp and 0 <= found.place < max(1, len(fits))
        except (KeyError, TypeError, ValueError):
            found, valid = empty, False
        if not valid:
            cache.drop_frames(key)
            empty.write(cache, key)
            return empty
        if found.shown != shown:
            cache.drop_frames(key)
            found = replace(found, shown=shown)
            found.write(cache, key)
        return found

    def write(self, cache: FrameCache, key: str) -> None:
        """Keep them."""
        if self.dropped is not None:
            cache.drop_frames(key, self.dropped)
        cache.write_fits(
            key,
            {
                "stamp": self.stamp,
                "shown": self.shown,
                "place": self.place,
                "fits": [fit.to_json() for fit in self.fits],
            },
        )

    def using(self, place: int) -> Self:
        """With another one in use."""
        return replace(self, place=place, dropped=None)

    def adding(self, fit: KnownFit) -> Self:
        """With a new one in use; if there are too many, in place of the one after the last used."""
        if len(self.fits) < MAX_FITS:
            return replace(self, fits=(*self.fits, fit), place=len(self.fits), dropped=None)
        place = (self.place + 1) % MAX_FITS
        fits = (*self.fits[:place], fit, *self.fits[place + 1 :])
        return replace(self, fits=fits, place=place, dropped=place)


def match_host(
    known: KnownFits,
    host: HostPicture,
    frame: int,
    origins: Sequence[int],
    frames: SourceFrames,
    size: tuple[int, int],
    aspect: Fraction,
) -> tuple[KnownFits, str]:
    """The fits with the one in use that explains a host's picture, and "" or the sentence that says why none does.

    frame: as the host counts. origins: how it may count, the likeliest first. frames: gives those that are there, by
    their index in the source. size, aspect: of the clip, and of its pixels.
    """
    for place in sorted(range(len(known.fits)), key=lambda each: each != known.place):
        fit = known.fits[place]
        near = _around(frames, frame - fit.origin)
        try:
            if near:
                match_frame(host, near, fit.layout, fit.transform)
                return known.using(place), ""
        except NotTheFrameError:
            continue
    best: tuple[float, ClipLayout, int] | None = None
    for origin in origins:
        found = frames([frame - origin]).get(frame - origin)
        if found is None:
            continue
        layout, left = pick_layout(host, found.picture.astype(np.float64), layouts(size, aspect, host.size))
        if best is None or left < 0.7 * best[0] - 1e-4:
            best = left, layout, origin
    if best is None:
        return known, f"Frame {frame} is not in the file. Check the frame offset of this node."
    _, layout, origin = best
    near, reason = _around(frames, frame - origin), ""
    for scaled in pick_scalers(host, near[0], layout):
        try:
            fitted = match_frame(host, near, scaled)
        except NotTheFrameError as error:
            reason = reason or str(error)
        else:
            fit = KnownFit(fitted.transform, scaled, origin, fitted.residual, scaled.exact(size))
            return known.adding(fit), ""
    return known, reason


def _around(frames: SourceFrames, index: int) -> dict[int, Any]:
    """The picture at an index at 0, and those around it by how much later they are; empty if it is not there."""
    found = frames([index, *(index + step for step in _NEIGHBOURS)])
    if index not in found:
        return {}
    return {at - index: frame.picture for at, frame in found.items()}
