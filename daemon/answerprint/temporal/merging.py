"""Merge tokens into the keyframe's, and unmerge them (paper, Eq. 3, 6; ToMe as used by VidToMe)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from answerprint.temporal.matching import NEVER
from answerprint.temporal.options import Unmerge

__all__ = ["Merge", "rank", "select"]


def rank(score: Tensor) -> tuple[Tensor, int]:
    """All sources [S * A] ordered by score, best first and ties by index, and how many of them may merge."""
    flat = score.reshape(-1)
    order = torch.argsort(flat, descending=True, stable=True)
    return order, int((flat > NEVER).sum())


@dataclass(frozen=True)
class Merge:
    """Which sources of a chunk merge. Sources are the tokens of all frames but the keyframe: S frames of A tokens."""

    target: Tensor
    """[S, A] index of each source's target among the keyframe's A tokens; read only where `merged`."""
    merged: Tensor
    """[S, A] bool."""
    content: Tensor
    """[A] bool: False for padding, which neither merges nor takes part in attention."""

    def merge(self, key: Tensor, source: Tensor, unmerge: Unmerge) -> Tensor:
        """The keyframe's tokens as they enter attention: key [G, A, C], source [G, S, A, C] -> [G, A, C].

        With "replace" they are the keyframe's own; with "average" the mean of target and merged sources.
        """
        if unmerge == "replace":
            return key
        tokens = key.shape[1]
        total, joining = key.clone(), source.flatten(1, 2)
        count = torch.ones(tokens, dtype=key.dtype, device=key.device)
        for place, target in self._rounds:
            total.index_add_(1, target, joining.index_select(1, place))
            count[target] += 1
        return total / count.view(1, tokens, 1)

    def unmerge(self, key: Tensor, kept: Tensor) -> Tensor:
        """Outputs of all sources: `key` [G, A, C] where merged, `kept` [G, K, C] elsewhere -> [G, S, A, C].

        `kept` holds the outputs of content tokens that did not merge, in order of frame and index; padding gets 0.
        """
        groups, _, channels = key.shape
        out = key.new_zeros(groups, *self.target.shape, channels)
        out[:, self.merged] = key[:, self.target[self.merged]]
        out[:, self.kept()] = kept
        return out

    @cached_property
    def _rounds(self) -> list[tuple[Tensor, Tensor]]:
        """Merged sources (of S * A) and their targets, split into rounds in which no two sources share a target.

        Each sum then adds in the order of frame and index; a single `index_add_` on a GPU has no fixed order.
        """
        place = self.merged.flatten().nonzero()[:, 0]
        target = self.target.flatten()[place]
        order = torch.argsort(target, stable=True)
        counts = torch.bincount(target, minlength=self.target.shape[1])
        before = counts.cumsum(0) - counts
        turn = torch.arange(len(order), device=order.device) - before[target[order]]
        sizes = torch.bincount(turn).tolist()
        parts = torch.split(order[torch.argsort(turn, stable=True)], sizes)
        return [(place[part], target[part]) for part in parts]

    def kept(self) -> Tensor:
        """[S, A] bool: content tokens that did not merge."""
        return ~self.merged & self.content


def select(target: Tensor, order: Tensor, usable: int, ratio: float, content: Tensor) -> Merge:
    """The r = int(S A ratio) best pairs of the chunk, jointly over its frames, or all usable ones if fewer.

    A counts content tokens only, without padding.
    """
    pairs = min(int(len(target) * int(content.sum()) * ratio), usable)
    merged = torch.zeros(target.numel(), dtype=torch.bool, device=target.device)
    merged[order[:pairs]] = True
    return Merge(target, merged.view_as(target), content)
