"""Match each token of a frame to a token of the keyframe (paper, section 3.3).

Targets are indices into the keyframe's tokens. Scores are larger for better matches; a score of `NEVER` marks a pair
that must not merge: occluded, outside the frame or padding. No function forms a full similarity matrix, except
`search_all`, the reference that tests compare the others with.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from answerprint.temporal.grid import Grid, flow_on, mean_on
from answerprint.temporal.protocols import Correspondence

__all__ = ["NEVER", "WHOLE", "flow_match", "radius", "search_all", "search_window"]

NEVER = -1.0
"""Score of a pair that must not merge; every valid score lies in [0, 1]."""

WHOLE = 0.999
"""A token counts as visible in the keyframe if at least this share of its area is."""

_BLOCK = 8
"""Rows and columns of a block of source tokens that share one search region in the keyframe."""

_FAR = math.exp(-1) + 1e-6
"""No token beyond the weight's first step scores more than 1/e; plus a margin for rounding."""

_PAIRS = 2**22
"""Token pairs compared at once when searching the whole frame."""


def radius(grid: Grid, spatial_radius: float) -> float:
    """R of Eq. 7 in squared tokens: as given, or the square of 1/30 of the grid's width, at least 1."""
    return spatial_radius if spatial_radius > 0 else float(max(1, round(grid.content_width) // 30) ** 2)


def flow_match(motion: Correspondence, grid: Grid, alignment: float = 0.5) -> tuple[Tensor, Tensor]:
    """Targets [A] and scores [A] by optical flow: the nearest token to X + f, scored by sigma (Eq. 5, 6).

    A token is matched only if all of it is visible in the keyframe and its target is picture content inside the frame.
    """
    flow = flow_on(motion.flow, grid)
    y = torch.arange(grid.height, dtype=torch.float32, device=flow.device)[:, None] + flow[1]
    x = torch.arange(grid.width, dtype=torch.float32, device=flow.device)[None, :] + flow[0]
    row, column = torch.floor(y + 0.5).long(), torch.floor(x + 0.5).long()
    inside = (row >= 0) & (row < grid.height) & (column >= 0) & (column < grid.width)
    # A target whose content is offset by a fraction of a token would put detail in the wrong place.
    inside &= ((y - row).abs() <= alignment) & ((x - column).abs() <= alignment)
    target = row.clamp(0, grid.height - 1) * grid.width + column.clamp(0, grid.width - 1)
    target, inside = target.reshape(-1), inside.reshape(-1)
    padding = grid.padding().to(flow.device)
    seen = mean_on(motion.valid, grid).reshape(-1) > WHOLE
    score = mean_on(motion.confidence, grid).reshape(-1).clamp(0, 1)
    usable = inside & seen & ~padding & ~padding[target]
    return target, torch.where(usable, score, NEVER)


def search_window(
    source: Tensor, key: Tensor, grid: Grid, reach: int, r: float | None, centre: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Targets [S, A] and scores [S, A] by weighted cosine similarity within `reach` tokens (Eq. 2, 7).

    `source` [S, A, C] are tokens of S frames, `key` [A, C] the keyframe's. s' = (1 + s) / 2 * exp(-floor(d^2 / R)): s
    is mapped to [0, 1] first, because a weight below one would raise a negative similarity. `r` None disables the
    weight. `centre` [S, A, 2] (row, column; float) moves window and weight; by default the token's own position. Ties
    go to the lowest index. A `reach` of 0 searches as far as a better match can be: the same result as `search_all`.
    """
    if reach > 0:
        return _search_near(source, key, grid, reach, r, centre)
    padding = grid.padding().to(key.device)
    # The largest d with d^2 < R, where the weight is 1; a fractional centre may be off by half a token.
    full = None if r is None else math.isqrt(math.ceil(r) - 1) + (centre is not None)
    if full is None or (_BLOCK + 2 * full) ** 2 >= grid.size:
        target = torch.zeros(source.shape[:2], dtype=torch.long, device=key.device)
        score = torch.full(source.shape[:2], NEVER, dtype=source.dtype, device=key.device)
    else:
        target, score = _search_near(source, key, grid, full, r, centre)
    # A token that scores more than any token farther away could has its match; few tokens need the full search.
    _search_rest(source, key, grid, r, centre, ~padding & (score <= _FAR), target, score)
    return target, score


def search_all(
    source: Tensor, key: Tensor, grid: Grid, r: float | None, centre: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The same over all of the keyframe's tokens at once, with the full matrix: the reference for tests."""
    place, padding = _places(grid, key.device), grid.padding().to(key.device)
    c = place.expand(len(source), -1, -1) if centre is None else centre
    s = torch.einsum("sac,bc->sab", F.normalize(source, dim=-1), F.normalize(key, dim=-1))
    d2 = (c[:, :, None, :] - place[None, None]).square().sum(-1)
    score = _weigh(s, d2, r).masked_fill(padding, NEVER)
    best, target = score.max(-1)
    return target, torch.where(padding, NEVER, best)


def _places(grid: Grid, device: torch.device) -> Tensor:
    """[A, 2]: row and column of each token."""
    rows, columns = torch.arange(grid.height, device=device), torch.arange(grid.width, device=device)
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2).float()


def _weigh(s: Tensor, d2: Tensor, r: float | None) -> Tensor:
    """s' of Eq. 7, with s mapped to [0, 1]; works in the memory of `s`."""
    unit = s.add_(1).mul_(0.5).clamp_(0, 1)
    # exp(-tau) underflows beyond tau of about 100; there it is 0, far below any nearby similarity.
    return unit if r is None else unit.mul_(torch.exp(-torch.floor(d2 / r)))


def _search_near(
    source: Tensor, key: Tensor, grid: Grid, reach: int, r: float | None, centre: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Targets and scores within `reach` tokens; 0 searches the centre only."""
    if centre is None:
        return _search_blocks(source, key, grid, reach, r)
    return _search_around(source, key, grid, reach, r, centre)


def _search_rest(
    source: Tensor,
    key: Tensor,
    grid: Grid,
    r: float | None,
    centre: Tensor | None,
    rest: Tensor,
    target: Tensor,
    score: Tensor,
) -> None:
    """Search the whole frame for the tokens in `rest` [S, A], a few at a time; writes into `target` and `score`."""
    unit_key, place, padding = F.normalize(key, dim=-1), _places(grid, key.device), grid.padding().to(key.device)
    for k in range(len(source)):
        c = place if centre is None else centre[k]
        for part in torch.split(rest[k].nonzero()[:, 0], max(1, _PAIRS // grid.size)):
            s = F.normalize(source[k, part], dim=-1) @ unit_key.T
            d2 = (c[part, None, 0] - place[:, 0]).square() + (c[part, None, 1] - place[:, 1]).square()
            score[k, part], target[k, part] = _weigh(s, d2, r).masked_fill_(padding, NEVER).max(-1)


def _search_blocks(source: Tensor, key: Tensor, grid: Grid, reach: int, r: float | None) -> tuple[Tensor, Tensor]:
    """Windowed search around each token's own position, in blocks that share a region of the keyframe.

    One row of blocks at a time: extra memory grows only with the width of the grid.
    """
    frames, _, channels = source.shape
    height, width = grid.height, grid.width
    across, side = -(-width // _BLOCK), _BLOCK + 2 * reach
    # The keyframe with a margin, so that all blocks have one shape; `blank` marks margin and padding.
    margin = (reach, reach + across * _BLOCK - width, reach, reach + -height % _BLOCK)
    unit_key = F.pad(F.normalize(key, dim=-1).view(height, width, channels), (0, 0, *margin))
    padding = grid.padding().to(key.device)
    blank = F.pad(padding.view(height, width), margin, value=True)
    # Offsets between the tokens of a block and those of its region: [block, region].
    inner, outer = torch.arange(_BLOCK, device=key.device) + reach, torch.arange(side, device=key.device)
    dy, dx = inner[:, None, None, None] - outer[:, None], inner[:, None, None] - outer
    d2 = (dy.square() + dx.square()).reshape(_BLOCK**2, side**2).to(source.dtype)
    beyond = torch.maximum(dy.abs(), dx.abs()).reshape(_BLOCK**2, side**2) > reach
    lefts = torch.arange(across, device=key.device)[:, None, None] * _BLOCK - reach
    target = torch.empty(frames, height, width, dtype=torch.long, device=key.device)
    best = torch.empty(frames, height, width, dtype=source.dtype, device=key.device)
    for top in range(0, height, _BLOCK):
        rows = min(_BLOCK, height - top)
        slab = F.normalize(source.view(frames, height, width, channels)[:, top : top + rows], dim=-1)
        slab = F.pad(slab, (0, 0, 0, across * _BLOCK - width, 0, _BLOCK - rows))
        tokens = slab.view(frames, _BLOCK, across, _BLOCK, channels).permute(2, 0, 1, 3, 4)
        region = unit_key[top : top + side].unfold(1, side, _BLOCK).permute(1, 2, 0, 3)
        s = tokens.reshape(across, -1, channels) @ region.reshape(across, channels, -1)
        closed = blank[top : top + side].unfold(1, side, _BLOCK).permute(1, 0, 2).reshape(across, 1, 1, -1) | beyond
        s = _weigh(s.view(across, frames, *d2.shape), d2, r).masked_fill_(closed, NEVER)
        value, index = s.max(-1)
        row, column = index.div(side, rounding_mode="floor") + (top - reach), index % side + lefts
        best[:, top : top + rows] = _unblock(value, width)[:, :rows]
        target[:, top : top + rows] = _unblock(row * width + column, width)[:, :rows]
    score = torch.where(padding, NEVER, best.view(frames, -1))
    return torch.where(score > NEVER, target.view(frames, -1), 0), score


def _unblock(blocks: Tensor, width: int) -> Tensor:
    """A row of blocks [across, frames, block] as rows of tokens [frames, _BLOCK, width]."""
    across, frames, _ = blocks.shape
    rows = blocks.view(across, frames, _BLOCK, _BLOCK).permute(1, 2, 0, 3)
    return rows.reshape(frames, _BLOCK, across * _BLOCK)[..., :width]


def _search_around(
    source: Tensor, key: Tensor, grid: Grid, reach: int, r: float | None, centre: Tensor
) -> tuple[Tensor, Tensor]:
    """Windowed search around `centre`, one frame and one offset at a time: neighbours do not share a window."""
    unit_key, padding = F.normalize(key, dim=-1), grid.padding().to(key.device)
    best = torch.full(source.shape[:2], NEVER, dtype=source.dtype, device=key.device)
    target = torch.zeros(source.shape[:2], dtype=torch.long, device=key.device)
    offsets = [(dy, dx) for dy in range(-reach, reach + 1) for dx in range(-reach, reach + 1)]
    for k in range(len(source)):
        unit_source, origin = F.normalize(source[k], dim=-1), torch.floor(centre[k] + 0.5).long()
        for dy, dx in offsets:
            row, column = origin[:, 0] + dy, origin[:, 1] + dx
            inside = (row >= 0) & (row < grid.height) & (column >= 0) & (column < grid.width)
            index = row.clamp(0, grid.height - 1) * grid.width + column.clamp(0, grid.width - 1)
            d2 = (centre[k, :, 0] - row).square() + (centre[k, :, 1] - column).square()
            score = _weigh((unit_source * unit_key[index]).sum(-1), d2, r).masked_fill_(~inside | padding[index], NEVER)
            better = score > best[k]
            best[k], target[k] = torch.where(better, score, best[k]), torch.where(better, index, target[k])
    return target, torch.where(padding, NEVER, best)
