"""Promises of ranking, merging and giving back tokens, and of matches by flow."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from answerprint.temporal.grid import Grid
from answerprint.temporal.matching import NEVER, flow_match
from answerprint.temporal.merging import Merge, rank, select
from answerprint.temporal.protocols import Correspondence
from temporal.scenes import Rectangle, Scene, raster, still, turned

PLATES: tuple[Rectangle, ...] = ((4, 3, 6, 5), (5, 10, 6, 5))


@st.composite
def merges(draw: st.DrawFn, ratio: float | None = None) -> Merge:
    """Any merge of up to 4 frames of up to 30 tokens, some of them padding."""
    frames, tokens = draw(st.integers(1, 4)), draw(st.integers(1, 30))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 9999)))
    content = torch.rand(tokens, generator=generator) > draw(st.sampled_from([-1.0, 0.3]))
    picture = content.nonzero()[:, 0]
    score = torch.rand(frames, tokens, generator=generator)
    score = torch.where(content & (score > 0.1) & bool(len(picture)), score, NEVER)
    target = torch.zeros(frames, tokens, dtype=torch.long)
    if len(picture):
        target = picture[torch.randint(len(picture), (frames, tokens), generator=generator)]
    order, usable = rank(score)
    return select(target, order, usable, draw(st.floats(0, 1)) if ratio is None else ratio, content)


def values(merge: Merge, groups: int = 2, channels: int = 3) -> tuple[Tensor, Tensor]:
    """Tokens of the keyframe [G, A, C] and of the other frames [G, S, A, C]."""
    frames, tokens = merge.target.shape
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(groups, frames + 1, tokens, channels, generator=generator)
    return x[:, 0], x[:, 1:]


@settings(deadline=None)
@given(merges(ratio=0.0), st.sampled_from(["replace", "average"]))
def test_merging_nothing_and_giving_back_is_the_identity(merge: Merge, unmerge: str) -> None:
    key, source = values(merge)
    assert not merge.merged.any()
    assert torch.equal(merge.merge(key, source, "average" if unmerge == "average" else "replace"), key)
    back = merge.unmerge(key, source[:, merge.kept()])
    assert torch.equal(back[:, :, merge.content], source[:, :, merge.content])


@settings(deadline=None)
@given(merges())
def test_a_merged_token_takes_its_targets_output_and_a_kept_one_its_own(merge: Merge) -> None:
    key, source = values(merge)
    back = merge.unmerge(key, source[:, merge.kept()])
    for s, a in merge.merged.nonzero().tolist():
        assert torch.equal(back[:, s, a], key[:, merge.target[s, a]])
    for s, a in merge.kept().nonzero().tolist():
        assert torch.equal(back[:, s, a], source[:, s, a])


@settings(deadline=None)
@given(merges())
def test_averaging_gives_the_mean_of_a_target_and_all_its_sources(merge: Merge) -> None:
    key, source = values(merge)
    mean = merge.merge(key, source, "average")
    for a in range(key.shape[1]):
        mine = merge.merged & (merge.target == a)
        expected = torch.cat([key[:, a : a + 1], source[:, mine]], 1).mean(1)
        torch.testing.assert_close(mean[:, a], expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(merge.merge(key, source, "replace"), key)


@settings(deadline=None)
@given(merges())
def test_sums_add_up_in_the_order_of_frame_and_index_to_the_last_bit(merge: Merge) -> None:
    """Floating-point sums depend on their order; adding in an order of chance would change pictures from run to run."""
    key, source = values(merge)
    total, count = key.clone(), torch.ones(key.shape[1])
    for s, a in merge.merged.nonzero().tolist():
        total[:, merge.target[s, a]] += source[:, s, a]
        count[merge.target[s, a]] += 1
    assert torch.equal(merge.merge(key, source, "average"), total / count[:, None])


@settings(deadline=None)
@given(merges())
def test_padding_is_never_merged_kept_or_a_target_and_gets_nothing(merge: Merge) -> None:
    key, source = values(merge)
    assert not merge.merged[:, ~merge.content].any()
    assert not merge.kept()[:, ~merge.content].any()
    assert bool(merge.content[merge.target[merge.merged]].all())
    assert not merge.unmerge(key, source[:, merge.kept()])[:, :, ~merge.content].any()


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 40), st.floats(0, 1), st.integers(0, 999))
def test_the_best_pairs_merge_jointly_over_the_chunk_and_never_more_than_r(
    frames: int, tokens: int, ratio: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    # Scores on few levels, so that ties are common.
    score = torch.randint(-1, 4, (frames, tokens), generator=generator) / 3.0
    score = torch.where(score < 0, NEVER, score)
    content = torch.rand(tokens, generator=generator) > 0.3
    score[:, ~content] = NEVER
    order, usable = rank(score)
    merge = select(torch.zeros(frames, tokens, dtype=torch.long), order, usable, ratio, content)
    flat = score.flatten().tolist()
    ranked = sorted((i for i in range(len(flat)) if flat[i] > NEVER), key=lambda i: (-flat[i], i))
    r = int(frames * int(content.sum()) * ratio)
    assert sorted(merge.merged.flatten().nonzero()[:, 0].tolist()) == sorted(ranked[:r])


def test_equal_scores_rank_by_index() -> None:
    """A static shot: every confidence is 1."""
    order, usable = rank(torch.ones(3, 7))
    assert order.tolist() == list(range(21))
    assert usable == 21
    merge = select(torch.zeros(3, 7, dtype=torch.long), order, usable, 0.5, torch.ones(7, dtype=torch.bool))
    assert merge.merged.flatten().tolist() == [True] * 10 + [False] * 11


def test_a_still_frame_matches_itself_with_full_confidence() -> None:
    target, score = flow_match(still(40, 56), raster(5, 7))
    assert target.tolist() == list(range(35))
    assert bool((score == 1).all())


@pytest.mark.parametrize("factor", [1, 2, 8])
def test_targets_are_the_nearest_tokens_to_where_the_flow_points(factor: int) -> None:
    """A pan of 1.6 tokens right and 2.4 up, on fields of `factor` cells a token."""
    scene = Scene(12 * factor, 16 * factor, (turned(1, 0), turned(1, 0, 1.6 * factor, -2.4 * factor)))
    target, score = flow_match(scene.between(1, 0), raster(12, 16))
    rows, columns = target // 16, target % 16
    y, x = torch.arange(192) // 16, torch.arange(192) % 16
    seen = score > NEVER
    assert bool(seen.any())
    assert torch.equal(rows[seen], (y - 2)[seen])
    assert torch.equal(columns[seen], (x + 2)[seen])


@settings(deadline=None, max_examples=30)
@given(st.floats(0.7, 1.4), st.floats(-20, 20), st.floats(-9, 9), st.floats(-9, 9), st.booleans(), st.integers(1, 3))
def test_occluded_and_outside_tokens_never_merge_even_at_a_ratio_of_one(
    zoom: float, degrees: float, right: float, down: float, plate: bool, factor: int
) -> None:
    height, width = 16, 20
    camera = turned(zoom, degrees, right * factor, down * factor)
    plates = tuple((t * factor, left * factor, h * factor, w * factor) for t, left, h, w in PLATES) if plate else ()
    scene = Scene(height * factor, width * factor, (turned(1, 0), camera), plates)
    motion = scene.between(0, 1)
    target, score = flow_match(motion, raster(height, width))
    order, usable = rank(score[None])
    merge = select(target[None], order, usable, 1.0, torch.ones(height * width, dtype=torch.bool))
    whole = motion.valid.unfold(0, factor, factor).unfold(1, factor, factor).amin((-1, -2)).reshape(-1)
    assert not merge.merged[0][whole == 0].any()
    assert bool((merge.target >= 0).all())
    assert bool((merge.target < height * width).all())


@settings(deadline=None, max_examples=30)
@given(st.floats(3, 10), st.floats(3, 12), st.integers(0, 2), st.floats(-3, 3), st.floats(-3, 3))
def test_padding_is_never_matched_by_flow(rows: float, columns: float, extra: int, right: float, down: float) -> None:
    """Even where an estimator says that it is seen, and a flow leads there."""
    grid = Grid(int(rows) + 1 + extra, int(columns) + 1 + extra, rows, columns)
    flow = torch.stack([torch.full((40, 48), right * 4), torch.full((40, 48), down * 4)])
    target, score = flow_match(still(40, 48), grid)
    assert bool((score[grid.padding()] == NEVER).all())
    moving = still(40, 48)
    target, score = flow_match(type(moving)(flow, moving.valid, moving.confidence), grid)
    assert bool((score[grid.padding()] == NEVER).all())
    assert not grid.padding()[target[score > NEVER]].any()


def test_a_match_is_scored_by_its_mean_confidence() -> None:
    motion = still(4, 6)
    confidence = torch.arange(24).view(4, 6) / 24
    _, score = flow_match(type(motion)(motion.flow, motion.valid, confidence), raster(2, 3))
    expected = confidence.unfold(0, 2, 2).unfold(1, 2, 2).mean((-1, -2)).reshape(-1)
    torch.testing.assert_close(score, expected)


def test_a_flow_that_points_between_tokens_merges_only_where_that_is_allowed() -> None:
    motion = Correspondence(torch.full((2, 8, 8), 0.3), torch.ones(8, 8), torch.ones(8, 8))
    grid = raster(8, 8)
    assert int((flow_match(motion, grid)[1] > NEVER).sum()) == 64
    assert int((flow_match(motion, grid, 0.31)[1] > NEVER).sum()) == 64
    assert int((flow_match(motion, grid, 0.2)[1] > NEVER).sum()) == 0
