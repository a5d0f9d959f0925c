"""Find what a host does to colours by example: pixels of the file, and the same pixels as the host shows them.

In this order, and the first that fits is taken:

1. nothing, exactly;
2. a known curve to light, a matrix that keeps grey grey, and another known curve; near a matrix between two known
   gamuts, that matrix, so that colours which no example shows come out right too;
3. the same with smooth corrections of both curves, found with the matrix by the method of Levenberg and Marquardt;
4. a smooth 3-D table on top of these, which must also predict examples that it was not made from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from answerprint.ofx.colour_table import fit_table
from answerprint.ofx.colour_transform import ColourTransform, FittedCurve
from answerprint.ofx.curve_refinement import refine_curves
from answerprint.ofx.curves import CURVES, Values, gamut_matrices

__all__ = ["CODE", "ColourExamples", "ColourFit", "errors_of", "fit_colour", "residual_of"]

CODE = 1 / 1023
"""The unit of residuals: a code of 10 bits."""

_RANKED = 700
"""Examples by which candidates are ranked."""
_REFINED = 3000
_KEPT = 4
_STARTS = ("gamma 2.4", "linear", "log", "logc3", "logc4", "slog3", "pq", "hlg")
"""Curves of the source that are tried with corrections; the others are near one of these."""
_CLIPPED_SHARE = 0.002
_MOST = 60000.0
"""Half floats end at 65504."""


@dataclass(frozen=True, slots=True, eq=False)
class ColourExamples:
    """source, host: pixels [N, 3]. contrast [N]: how much the source differs around each, by which the two may differ:
    hosts interpolate chroma and scale in their own ways.
    """

    source: Values
    host: Values
    contrast: Values

    def flattest(self, most: int) -> ColourExamples:
        """At most so many of the half with the least contrast, spread evenly over the picture."""
        scattered = np.argsort(np.arange(len(self.contrast)) * 0.6180339887498949 % 1)  # so that ties lie everywhere
        by_contrast = scattered[np.argsort(self.contrast[scattered], kind="stable")]
        order = np.sort(by_contrast[: max(len(self.contrast) // 2, 64)])
        return self.chosen(order[:: max(1, -(-len(order) // most))])

    def chosen(self, which: NDArray[np.intp]) -> ColourExamples:
        """Some of them."""
        return ColourExamples(self.source[which], self.host[which], self.contrast[which])


@dataclass(frozen=True, slots=True, eq=False)
class ColourFit:
    """residual: 95 of 100 channels of the flatter half of the examples differ by at most that; 1 is white."""

    transform: ColourTransform
    residual: float


def errors_of(transform: ColourTransform, examples: ColourExamples) -> Values:
    """Differences [N, 3] from the host, relative above white; 0 where both are clipped."""
    made = np.clip(transform.values(examples.source), transform.low, transform.high)
    return np.asarray((examples.host - made) / np.maximum(1, np.abs(examples.host)))


def residual_of(transform: ColourTransform, examples: ColourExamples) -> float:
    """The residual of a transform on the flatter half of these examples."""
    errors = np.abs(errors_of(transform, examples.flattest(_REFINED)))
    return float(np.quantile(errors, 0.95)) if errors.size else 0.0


def fit_colour(examples: ColourExamples, limit: float) -> ColourFit:
    """The simplest transform whose residual is within the limit, or else the best one found."""
    examples = examples.chosen(
        np.flatnonzero(np.isfinite(examples.source).all(1) & (np.abs(examples.host) < _MOST).all(1))
    )
    same = ColourFit(ColourTransform(), residual_of(ColourTransform(), examples))
    if same.residual <= 0.4 * CODE:
        return same
    low, high = _clipping(examples)
    flat = examples.flattest(_REFINED)
    valid = (flat.host > low) & (flat.host < high)
    known = [ColourFit(each, residual_of(each, examples)) for each in _known_curves(flat, valid, low, high)]
    best = min([*known, same], key=lambda fit: fit.residual)
    if same.residual <= 1.2 * CODE and best.residual > same.residual / 2:
        return same
    if best.residual <= limit / 2:
        return _with_known_gamut(best, examples, flat, valid)
    best = _with_free_curves(best, examples, flat, valid, low, high)
    if best.residual <= limit:
        return best
    table = fit_table(best.transform, flat.source, flat.host, valid, limit)
    if table is None:
        return best
    made = replace(best.transform, table=table)
    return min([best, ColourFit(made, residual_of(made, examples))], key=lambda fit: fit.residual)


def _with_free_curves(
    best: ColourFit, examples: ColourExamples, flat: ColourExamples, valid: NDArray[np.bool_], low: float, high: float
) -> ColourFit:
    """The best fit of smooth curves, begun at different curves of the source; or the fit that is given, if better."""
    every = max(1, len(flat.source) // _RANKED)
    few, few_valid = flat.chosen(np.arange(0, len(flat.source), every)), valid[::every]
    tried = []
    for name in _STARTS:
        start = ColourTransform(FittedCurve(name), FittedCurve("display"), np.eye(3), None, low, high)
        made = refine_curves(start, few.source, few.host, few_valid, most_steps=10)
        if made is not None:
            tried.append((float(np.quantile(np.abs(errors_of(made, few)), 0.9)), name, made))
    tried.sort(key=lambda each: each[0])
    for _, name, made in tried[:2]:
        start = replace(made, source_curve=FittedCurve(name), host_curve=FittedCurve("display"))
        refined = refine_curves(start, flat.source, flat.host, valid)
        for each in (made, refined):
            if each is not None and (residual := residual_of(each, examples)) < best.residual:
                best = ColourFit(_bounded(each, examples), residual)
    return best


def _bounded(transform: ColourTransform, examples: ColourExamples) -> ColourTransform:
    """Clipped a little beyond what was seen: nobody knows how a found curve goes on."""
    low, high = float(examples.host.min()), float(examples.host.max())
    margin = 0.1 * (high - low)
    return replace(transform, low=max(transform.low, low - margin), high=min(transform.high, high + margin))


def _clipping(examples: ColourExamples) -> tuple[float, float]:
    """The lowest and the highest value of the host, if it clips there: many examples of different sources have it."""
    limits = []
    for sign in (-1, 1):
        signed = sign * examples.host
        edge = signed.max()
        at_edge = signed >= edge - 1e-4
        sources = examples.source[at_edge]
        enough = len(sources) >= max(8, _CLIPPED_SHARE * signed.size)
        varied = enough and float(np.ptp(np.quantile(sources, (0.05, 0.95)))) > 4 * CODE
        limits.append(sign * float(edge) if varied else sign * np.inf)
    return limits[0], limits[1]


def _known_curves(examples: ColourExamples, valid: NDArray[np.bool_], low: float, high: float) -> list[ColourTransform]:
    """The best pairs of known curves, the best first, each with its matrix."""
    step = max(1, len(examples.source) // _RANKED)
    few, few_valid = examples.chosen(np.arange(0, len(examples.source), step)), valid[::step]
    sources = {name: curve.to_light(few.source) for name, curve in CURVES.items()}
    hosts = {name: (curve.to_light(few.host), _steepness(name, few.host)) for name, curve in CURVES.items()}
    ranked = []
    for target, (light, steepness) in hosts.items():
        weights = np.where(few_valid, 1 / (steepness * np.maximum(1, np.abs(few.host))), 0)
        for source, given in sources.items():
            matrix = _solve_matrix(given, light, weights)
            if matrix is None:
                continue
            made = CURVES[target].from_light(given @ matrix.T)
            wrong = np.abs(made - few.host) / np.maximum(1, np.abs(few.host))
            ranked.append((float(np.minimum(wrong, 0.1)[few_valid].mean()), source, target, matrix))
    ranked.sort(key=lambda each: each[0])
    return [
        _sharpened(ColourTransform(FittedCurve(source), FittedCurve(target), matrix, None, low, high), examples, valid)
        for _, source, target, matrix in ranked[:_KEPT]
    ]


def _steepness(name: str, host: Values) -> Values:
    """Light per value of the host."""
    curve, step = CURVES[name], 1e-4
    steepness = (curve.to_light(host + step) - curve.to_light(host - step)) / (2 * step)
    return np.maximum(steepness, max(1e-9, 0.01 * float(np.median(steepness))))


def _solve_matrix(given: Values, wanted: Values, weights: Values) -> Values | None:
    """The matrix [3, 3] with rows of one sum that takes light [N, 3] to light, by least squares.

    What the examples leave open, such as colours that do not occur, is left as near to grey's gain as they allow.
    """
    parts = np.stack([given[:, 0] - given[:, 2], given[:, 1] - given[:, 2], given[:, 2]], 1)
    normal, right = np.zeros((7, 7)), np.zeros(7)
    for row in range(3):
        places = [2 * row, 2 * row + 1, 6]
        weighted = parts * weights[:, row : row + 1]
        normal[np.ix_(places, places)] += weighted.T @ weighted
        right[places] += weighted.T @ (wanted[:, row] * weights[:, row])
    size = float(np.trace(normal))
    if not np.isfinite(size) or size <= 0:
        return None
    for entry, own in ((0, True), (1, False), (2, False), (3, True), (4, False), (5, False)):
        prior = np.zeros(7)
        prior[entry] = 1
        prior[6] = -1 if own else 0
        normal += 1e-9 * size * np.outer(prior, prior)
    try:
        found = np.linalg.solve(normal, right)
    except np.linalg.LinAlgError:
        return None
    gain = found[6]
    return np.stack([np.array([*pair, gain - pair.sum()]) for pair in found[:6].reshape(3, 2)])


def _sharpened(start: ColourTransform, examples: ColourExamples, valid: NDArray[np.bool_]) -> ColourTransform:
    """The matrix from all examples, those that differ most counting least."""
    if start.source_curve is None or start.host_curve is None:
        return start
    made, name = start, start.host_curve.name
    given, wanted = start.source_curve.to_light(examples.source), start.host_curve.to_light(examples.host)
    usual = np.where(valid, 1 / (_steepness(name, examples.host) * np.maximum(1, np.abs(examples.host))), 0)
    for _ in range(3):
        wrong = errors_of(made, examples) / (2 * CODE)
        matrix = _solve_matrix(given, wanted, usual / (1 + wrong * wrong))
        if matrix is None:
            break
        made = replace(made, matrix=matrix)
    return made


def _with_known_gamut(
    fit: ColourFit, examples: ColourExamples, flat: ColourExamples, valid: NDArray[np.bool_]
) -> ColourFit:
    """The fit with the matrix between two known gamuts that does as well, if one does."""
    transform = fit.transform
    if transform.matrix is None:
        return fit
    gain = transform.matrix.sum(1).mean()
    gains = [gain, 1.0] if abs(gain - 1) < 0.01 else [gain]
    few = flat.chosen(np.arange(0, len(flat.source), max(1, len(flat.source) // _RANKED)))
    tried = []
    for matrix in gamut_matrices().values():
        for each in gains:
            made = replace(transform, matrix=each * matrix)
            tried.append((float(np.abs(errors_of(made, few)).mean()), made))
    for _, made in sorted(tried, key=lambda each: each[0])[:2]:
        residual = residual_of(made, examples)
        if residual <= max(1.15 * fit.residual, 0.4 * CODE):
            return ColourFit(made, residual)
    return fit
