"""Presets are options by name, each of them valid, and what a family starts with is one of theirs."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from answerprint.backends.catalogue import families
from answerprint.temporal.options import PAPER, MethodOptions, parse_option
from answerprint.temporal.presets import OWN, PRESET, PRESETS, PUBLISHED


def filled(texts: Mapping[str, str]) -> MethodOptions:
    """The method's own defaults, changed by `texts`."""
    method = MethodOptions()
    for name, text in texts.items():
        method = parse_option(method, name, text)
    return method


def test_the_preset_paper_is_the_published_runs() -> None:
    assert filled(PRESETS["paper"]) == PAPER


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_said_and_is_explained(name: str) -> None:
    filled(PRESETS[name])
    assert PRESET.parse(name) == name
    assert name in PRESET.help


def test_steady_follows_the_keyframe_more_than_detail_does() -> None:
    steady, detail = filled(PRESETS["steady"]), filled(PRESETS["detail"])
    assert steady.warp_strength > detail.warp_strength
    assert steady.warp_tolerance > detail.warp_tolerance > 0
    assert steady.warp_stage[1] > detail.warp_stage[1]


@pytest.mark.parametrize("family", ["diffbir", "ldm_sr", "marigold", "sd_one_step", "sd_x4"])
def test_families_that_draw_detail_start_as_the_papers_tables_favour(family: str) -> None:
    """Its Tables 2 and 4: warping early, hybrid matches, replacement; what tiny-x4 was tuned to stays with tiny-x4."""
    method = filled(dict(families()[family].method))
    assert (method.warp_source, method.warp_stage, method.warp_tolerance) == ("key", (0.0, 0.1), 0.0)
    assert (method.match_down, method.match_up, method.unmerge, method.spatial) == ("flow", "cosine", "replace", True)
    assert (method.merge_ratio, method.merge_ratio_end, method.noise) == (0.9, 0.0, "chunk")
    assert dict(PUBLISHED).items() <= dict(families()[family].method).items()


def test_the_first_preset_changes_nothing() -> None:
    assert (PRESET.default, dict(PRESETS[OWN])) == (OWN, {})
