"""Promises of merged attention: who attends to whom, and what each token gets."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from answerprint.temporal.grid import Grid, mean_on, token_grid
from answerprint.temporal.matching import NEVER, WHOLE, flow_match, radius, search_all
from answerprint.temporal.merging import select
from answerprint.temporal.options import Attention, MethodOptions, Unmerge
from answerprint.temporal.protocols import Block, Correspondence, TokenLayer, Window
from answerprint.temporal.stopwatch import Stopwatch
from answerprint.temporal.tokens import TokenMerger
from temporal.models import PLAIN
from temporal.scenes import Scene, turned

FRAMES, KEY, HEADS, CHANNELS = 4, 1, 2, 8
WINDOW = Window(0, 0, 6, 8)
CONTENT = (5.5, 7.0)
"""So the last column of tokens is padding, the last row is not."""
SCENE = Scene(11, 14, tuple(turned(1 + 0.04 * k, 3 * k, 1.5 * k, -k) for k in range(FRAMES)), ((2, 2, 4, 4),) * FRAMES)
TO_KEY: list[Correspondence | None] = [None if k == KEY else SCENE.between(k, KEY) for k in range(FRAMES)]
OPTIONS = replace(PLAIN, merge_ratio=0.5, merge_ratio_end=0.5)


@dataclass(frozen=True, slots=True)
class Attentive:
    """One attention layer with given weights, written out."""

    weights: Tensor
    """[4, C, C]: query, key, value and output."""

    def project(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = ((tokens @ w).view(*tokens.shape[:2], HEADS, -1).transpose(1, 2) for w in self.weights[:3].to(tokens))
        return q, k, v

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) @ v

    def output(self, heads: Tensor) -> Tensor:
        return heads.transpose(1, 2).flatten(2) @ self.weights[3].to(heads)


OPS = Attentive(torch.randn(4, CHANNELS, CHANNELS, generator=torch.Generator().manual_seed(5)))


def layer(block: Block = "down", scale: int = 1) -> TokenLayer:
    """A layer of a block."""
    return TokenLayer("attention", block, scale)


def tokens_of(groups: int = 1, seed: int = 0, count: int = WINDOW.height * WINDOW.width) -> Tensor:
    """Random tokens [G F, A, C], in float64: how sums are rounded differs from processor to processor."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(groups * FRAMES, count, CHANNELS, generator=generator, dtype=torch.float64)


def merger(options: MethodOptions, step: int = 0, steps: int = 4) -> TokenMerger:
    """A merger about to work on a step."""
    made = TokenMerger(options, steps, FRAMES, KEY, TO_KEY, CONTENT, Stopwatch())
    made.begin(step, WINDOW)
    return made


def run(made: TokenMerger, tokens: Tensor, at: TokenLayer | None = None) -> Tensor:
    """Output of a layer that merges."""
    out = made(at or layer(), tokens, OPS)
    assert out is not None
    return out


def reference(tokens: Tensor, scores: Tensor, targets: Tensor, grid: Grid, options: MethodOptions) -> Tensor:
    """The same [F, A, C] by loops over tokens in float64: one query at a time, against the tokens that it may see."""
    x, content = tokens, (~grid.padding()).tolist()
    others = [k for k in range(FRAMES) if k != KEY]
    picture = [a for a in range(grid.size) if content[a]]
    pairs = sorted(
        (-float(scores[s, a]), s, a) for s in range(len(others)) for a in range(grid.size) if scores[s, a] > NEVER
    )
    merged = {(others[s], a): int(targets[s, a]) for _, s, a in pairs[: int(len(others) * len(picture) * 0.5)]}
    entering = {(k, a): x[k, a] for k in range(FRAMES) for a in picture}
    if options.unmerge == "average":
        for a in picture:
            sources = [x[place] for place, target in merged.items() if target == a]
            entering[KEY, a] = torch.stack([x[KEY, a], *sources]).mean(0)
    kept = [place for place in entering if place not in merged]
    out = torch.zeros_like(x)
    for place in kept:
        bounded = [p for p in kept if p[0] in (KEY, place[0])]
        seen = kept if options.attention == "joint" else bounded
        q, _, _ = OPS.project(entering[place].view(1, 1, -1))
        _, k, v = OPS.project(torch.stack([entering[p] for p in seen])[None])
        out[place] = OPS.output(OPS.attend(q, k, v))[0, 0]
    for (frame, a), target in merged.items():
        out[frame, a] = out[KEY, target]
    return out


@pytest.mark.parametrize("block", ["down", "up"], ids=["flow", "cosine"])
@pytest.mark.parametrize("attention", ["bounded", "joint"])
@pytest.mark.parametrize("unmerge", ["replace", "average"])
def test_every_token_attends_to_just_the_tokens_it_may_see(
    block: Block, attention: Attention, unmerge: Unmerge
) -> None:
    options = replace(OPTIONS, attention=attention, unmerge=unmerge, window=8)
    tokens, grid = tokens_of(), token_grid(WINDOW, CONTENT, 1)
    if block == "down":
        found = [flow_match(motion, grid) for motion in TO_KEY if motion is not None]
        targets, scores = (torch.stack(part) for part in zip(*found, strict=True))
    else:
        others = [k for k in range(FRAMES) if k != KEY]
        targets, scores = search_all(tokens[others], tokens[KEY], grid, radius(grid, 0))
        valid = [motion.valid for motion in TO_KEY if motion is not None]
        scores = torch.where(torch.stack([mean_on(v, grid).reshape(-1) for v in valid]) > WHOLE, scores, NEVER)
    out = run(merger(options), tokens, layer(block))
    expected = reference(tokens, scores, targets, grid, options)
    torch.testing.assert_close(out, expected, atol=1e-10, rtol=1e-10)
    assert not out[:, grid.padding()].any()


@pytest.mark.parametrize("block", ["down", "up"], ids=["flow", "cosine"])
@pytest.mark.parametrize("attention", ["bounded", "joint"])
def test_the_halves_of_a_guided_batch_share_matches_and_stay_apart(block: Block, attention: Attention) -> None:
    options = replace(OPTIONS, attention=attention)
    both = tokens_of(groups=2)
    together = run(merger(options), both, layer(block))
    alone = merger(options)
    for half in range(2):
        part = slice(half * FRAMES, (half + 1) * FRAMES)
        torch.testing.assert_close(run(alone, both[part], layer(block)), together[part], atol=1e-10, rtol=1e-10)


def test_a_static_frame_whose_tokens_all_merge_gets_the_keyframes_output() -> None:
    still = Scene(11, 14, (turned(1, 0),) * FRAMES)
    made = TokenMerger(
        replace(OPTIONS, merge_ratio=1.0),
        1,
        FRAMES,
        KEY,
        [None if k == KEY else still.between(k, KEY) for k in range(FRAMES)],
        CONTENT,
        Stopwatch(),
    )
    made.begin(0, WINDOW)
    out = run(made, tokens_of())
    assert all(torch.equal(out[k], out[KEY]) for k in range(FRAMES))


@pytest.mark.parametrize(
    ("options", "at", "step"),
    [
        (replace(OPTIONS, merge_stage=(0.5, 1.0)), layer(), 1),
        (replace(OPTIONS, merge_stage=(0.0, 0.5)), layer(), 2),
        (replace(OPTIONS, merge=False), layer(), 0),
        (OPTIONS, layer("mid"), 0),
        (OPTIONS, layer("down", 4), 0),
        (replace(OPTIONS, match_up="none"), layer("up"), 0),
    ],
    ids=["before the stage", "after the stage", "off", "no match", "coarse", "block off"],
)
def test_a_layer_that_does_not_merge_is_left_to_the_model(options: MethodOptions, at: TokenLayer, step: int) -> None:
    assert merger(options, step)(at, tokens_of(), OPS) is None


@pytest.mark.parametrize("attention", ["bounded", "joint"])
@pytest.mark.parametrize("r", [0.0, 0.9])
def test_frames_still_attend_to_the_keyframe_when_the_ratio_has_fallen_to_nothing(
    attention: Attention, r: float
) -> None:
    options = replace(OPTIONS, attention=attention, merge_ratio=r, merge_ratio_end=0.0)
    tokens, grid = tokens_of(), token_grid(WINDOW, CONTENT, 1)
    none = torch.full((FRAMES - 1, grid.size), NEVER)
    expected = reference(tokens, none, torch.zeros_like(none), grid, options)
    torch.testing.assert_close(run(merger(options, 3), tokens), expected, atol=1e-10, rtol=1e-10)


def test_a_chunk_of_one_frame_is_left_to_the_model() -> None:
    made = TokenMerger(OPTIONS, 4, 1, 0, [None], CONTENT, Stopwatch())
    made.begin(0, WINDOW)
    assert made(layer(), tokens_of()[:1], OPS) is None


def test_similarity_is_found_anew_only_every_so_many_steps_and_for_each_block_and_scale() -> None:
    options = replace(OPTIONS, match_down="cosine", match_mid="cosine", refresh=2)
    made = merger(options)
    first = run(made, tokens_of(seed=0), layer("up"))
    searched = made.watch.seconds["matching"]
    assert searched > 0

    def anew(step: int, seed: int, at: TokenLayer) -> bool:
        """Whether a layer's matches are those that its own tokens give."""
        count = -(-WINDOW.height // at.scale) * -(-WINDOW.width // at.scale)
        tokens = tokens_of(seed=seed, count=count)
        made.begin(step, WINDOW)
        return torch.equal(run(made, tokens, at), run(merger(options), tokens, at))

    assert torch.equal(run(merger(options), tokens_of(seed=0), layer("up")), first)
    assert not anew(0, 1, layer("up"))
    assert not anew(1, 2, layer("up"))
    assert anew(1, 3, layer("down"))
    assert anew(1, 4, layer("up", 2))
    assert anew(2, 5, layer("up"))


def test_each_window_of_a_tiled_latent_has_its_own_matches() -> None:
    made = merger(OPTIONS)
    tokens = tokens_of(count=12)
    made.begin(0, Window(0, 0, 4, 3))
    first = run(made, tokens)
    made.begin(0, Window(0, 3, 4, 3))
    second = run(made, tokens)
    made.begin(0, Window(0, 0, 4, 3))
    assert torch.equal(run(made, tokens), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("options", [OPTIONS, replace(OPTIONS, match_down="cosine", centre="flow")])
def test_matching_by_a_flow_that_is_not_there_is_refused(options: MethodOptions) -> None:
    made = TokenMerger(options, 4, FRAMES, KEY, [None] * FRAMES, CONTENT, Stopwatch())
    made.begin(0, WINDOW)
    with pytest.raises(ValueError, match="needs the motion"):
        made(layer(), tokens_of(), OPS)


def test_a_token_that_the_keyframe_does_not_show_merges_by_similarity_no_more_than_by_flow() -> None:
    made = merger(replace(PLAIN, match_up="cosine", merge_ratio=1.0, merge_ratio_end=1.0, window=0))
    grid = token_grid(WINDOW, CONTENT, 1)
    x = tokens_of().view(FRAMES, -1, CHANNELS)
    others = [k for k in range(FRAMES) if k != KEY]
    ranked = made._ranked("cosine", layer("up"), grid, x, others)
    merged = select(ranked.target, ranked.order, ranked.usable, 1.0, ~grid.padding()).merged
    hidden = 0
    for row, k in enumerate(others):
        motion = TO_KEY[k]
        assert motion is not None
        unseen = mean_on(motion.valid, grid).reshape(-1) == 0
        hidden += int((unseen & ~grid.padding()).sum())
        assert not (merged[row] & unseen).any()
    assert hidden > 0
