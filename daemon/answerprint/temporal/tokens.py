"""Token merging in the network: the hook of every self-attention layer while a chunk is denoised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from answerprint.temporal.annealing import merge_ratio
from answerprint.temporal.grid import Grid, flow_on, mean_on, token_grid
from answerprint.temporal.matching import NEVER, WHOLE, flow_match, radius, search_window
from answerprint.temporal.merging import Merge, rank, select
from answerprint.temporal.options import Match, MethodOptions, stage_steps
from answerprint.temporal.protocols import AttentionOps, Correspondence, TokenLayer, Window
from answerprint.temporal.stopwatch import Stopwatch

__all__ = ["TokenMerger"]


@dataclass(slots=True)
class _Ranked:
    """Ranked matches of one chunk on one token grid, for any merge ratio."""

    target: Tensor
    order: Tensor
    usable: int
    step: int
    ratio: float = -1.0
    """Ratio of the cached `merge`."""
    merge: Merge | None = None

    def at(self, ratio: float, grid: Grid) -> Merge:
        """The pairs that merge at `ratio`; cached, because many layers and steps use the same."""
        if self.merge is None or ratio != self.ratio:
            content = ~grid.padding().to(self.target.device)
            self.merge, self.ratio = select(self.target, self.order, self.usable, ratio, content), ratio
        return self.merge


@dataclass(slots=True)
class TokenMerger:
    """Merges a chunk's tokens into its keyframe's before attention, and unmerges the results.

    Matches by flow are computed once per chunk and shared by all layers of one scale; matches by similarity are
    recomputed every `refresh` steps and shared by layers of one scale and block kind. Both are shared by the two halves
    of a guided batch.
    """

    options: MethodOptions
    steps: int
    frames: int
    key: int
    to_key: Sequence[Correspondence | None]
    """For each frame its motion into the keyframe; None for the keyframe itself, or if there is no flow."""
    content: tuple[float, float]
    watch: Stopwatch
    active: bool = False
    ratio: float = 0.0
    step: int = 0
    window: Window = field(default_factory=lambda: Window(0, 0, 0, 0))
    _found: dict[tuple[Window, int, str], _Ranked] = field(default_factory=dict)

    def begin(self, step: int, window: Window) -> None:
        """Set the step and the window of the latent for the following network call."""
        self.step, self.window = step, window
        # Within the stage frames attend to the keyframe even at a ratio of 0, as they do at ratios just above.
        self.active = self.options.merge and step in stage_steps(self.options.merge_stage, self.steps)
        self.ratio = merge_ratio(self.options, step, self.steps)

    def __call__(self, layer: TokenLayer, tokens: Tensor, ops: AttentionOps) -> Tensor | None:
        """Attention output [G F, A, C]; None if this layer does not merge at this step."""
        how: Match = {
            "down": self.options.match_down,
            "mid": self.options.match_mid,
            "up": self.options.match_up,
        }[layer.block]
        if self.frames < 2 or not self.active or how == "none" or layer.scale > self.options.merge_max_scale:
            return None
        groups = len(tokens) // self.frames
        grid = token_grid(self.window, self.content, layer.scale)
        x = tokens.view(groups, self.frames, *tokens.shape[1:])
        others = [k for k in range(self.frames) if k != self.key]
        with self.watch.stage("matching"):
            merge = self._ranked(how, layer, grid, x[0], others).at(self.ratio, grid)
        out = _attend(x[:, self.key], x[:, others], merge, ops, self.options)
        result = torch.empty_like(x)
        result[:, self.key], result[:, others] = out
        return result.view_as(tokens)

    def _ranked(self, how: Match, layer: TokenLayer, grid: Grid, x: Tensor, others: list[int]) -> _Ranked:
        """Matches for this layer: cached ones while valid, else computed from the tokens x [F, A, C]."""
        place = (self.window, layer.scale, "flow" if how == "flow" else layer.block)
        found = self._found.get(place)
        if found is not None and (how == "flow" or self.step - found.step < self.options.refresh):
            return found
        if how == "flow":
            pairs = [self._flow_pair(k, grid, x.device) for k in others]
            target, score = (torch.stack(part) for part in zip(*pairs, strict=True))
        else:
            target, score = self._search(x, others, grid)
            seen = torch.stack([self._seen(k, grid) for k in others]).to(x.device)
            score = torch.where(seen, score, NEVER)
        order, usable = rank(score)
        ranked = _Ranked(target, order, usable, self.step)
        self._found[place] = ranked
        return ranked

    def _flow_pair(self, k: int, grid: Grid, device: torch.device) -> tuple[Tensor, Tensor]:
        motion = self.to_key[k]
        if motion is None:
            raise ValueError(f"matching by flow needs the motion of frame {k} into the keyframe")
        target, score = flow_match(motion, grid, self.options.merge_alignment)
        return target.to(device), score.to(device)

    def _search(self, x: Tensor, others: list[int], grid: Grid) -> tuple[Tensor, Tensor]:
        options = self.options
        r = radius(grid, options.spatial_radius) if options.spatial else None
        source, key = x[others].float(), x[self.key].float()
        centre = None
        if options.centre == "flow":
            centre = torch.stack([self._centre(k, grid) for k in others]).to(x.device)
        return search_window(source, key, grid, options.window, r, centre)

    def _seen(self, k: int, grid: Grid) -> Tensor:
        """[A] bool: tokens of frame k that are visible in the keyframe; all of them without motion."""
        motion = self.to_key[k]
        if motion is None:
            return torch.ones(grid.size, dtype=torch.bool)
        return mean_on(motion.valid, grid).reshape(-1) > WHOLE

    def _centre(self, k: int, grid: Grid) -> Tensor:
        """[A, 2] row and column that the flow points to from each token of frame k."""
        motion = self.to_key[k]
        if motion is None:
            raise ValueError(f"a search centred on the flow needs the motion of frame {k} into the keyframe")
        flow = flow_on(motion.flow, grid)
        y, x = torch.meshgrid(torch.arange(grid.height), torch.arange(grid.width), indexing="ij")
        return torch.stack([y + flow[1].cpu(), x + flow[0].cpu()], -1).reshape(-1, 2)


def _attend(
    key: Tensor, source: Tensor, merge: Merge, ops: AttentionOps, options: MethodOptions
) -> tuple[Tensor, Tensor]:
    """Attention outputs of the keyframe [G, A, C] and the other frames [G, S, A, C]; padding gets 0."""
    kept = merge.kept()
    counts = [int(n) for n in kept.sum(1)]
    merged_key = merge.merge(key, source, options.unmerge)
    padded = not bool(merge.content.all())
    tokens = merged_key[:, merge.content] if padded else merged_key
    keys = tokens.shape[1]
    # One projection for all tokens; attention then runs on slices of it.
    q, k, v = ops.project(torch.cat([tokens, source[:, kept]], 1))
    if options.attention == "joint":
        heads = ops.attend(q, k, v)
    else:
        parts = [ops.attend(q[:, :, :keys], k[:, :, :keys], v[:, :, :keys])]
        start = keys
        for count in counts:
            if count == 0:
                continue
            own = slice(start, start + count)
            with_key = (torch.cat([t[:, :, own], t[:, :, :keys]], 2) for t in (k, v))
            parts.append(ops.attend(q[:, :, own], *with_key))
            start += count
        heads = torch.cat(parts, 2)
    out = ops.output(heads)
    key_out = out[:, :keys]
    if padded:
        whole = torch.zeros_like(key)
        whole[:, merge.content] = key_out
        key_out = whole
    return key_out, merge.unmerge(key_out, out[:, keys:])
