"""Colour by example: what a host does is found from samples, and a picture that is not the frame is refused."""

from __future__ import annotations

import json
from fractions import Fraction

import cv2
import numpy as np
import pytest

from answerprint.ofx.colour_fit import CODE, ColourExamples, fit_colour
from answerprint.ofx.colour_transform import ColourTransform
from answerprint.ofx.comparison import NotTheFrameError, match_frame, pick_scalers
from answerprint.ofx.curves import CURVES, Values
from answerprint.ofx.layout import ClipLayout, layouts
from ofx.pictures import CONVERSIONS, OTHERS, as_host, narrow, scene, whole

WHOLE = ClipLayout("fit", 0, 0, 192, 108)
SCENE = scene()
PICTURES = {later: whole(scene(at=later)) for later in (-1, 1)} | {0: whole(SCENE)}


def fitted(source: Values, host: Values) -> ColourTransform:
    fit = match_frame(as_host(host), {0: whole(source)}, WHOLE)
    assert fit.residual <= 2 * CODE
    return ColourTransform.from_json(json.loads(json.dumps(fit.transform.to_json())))


def worst(transform: ColourTransform, source: Values, host: Values, share: float = 1.0) -> float:
    """The largest difference in codes, relative above white, of that share of unclipped values."""
    made = transform(whole(source)).astype(np.float64)
    valid = (host > max(transform.low, -1e9)) & (host < min(transform.high, 1e9))
    wrong = (np.abs(made - host) / np.maximum(1, np.abs(host)))[valid]
    return float(np.quantile(wrong, share)) / CODE


@pytest.mark.parametrize("name", CONVERSIONS)
def test_a_known_conversion_is_found_within_two_codes(name: str) -> None:
    host = CONVERSIONS[name](SCENE)
    assert worst(fitted(SCENE, host), SCENE, host) <= 2


@pytest.mark.parametrize("name", CONVERSIONS)
def test_it_is_found_from_few_colours_for_all(name: str) -> None:
    pale = narrow(SCENE)
    transform = fitted(pale, CONVERSIONS[name](pale))
    assert worst(transform, pale, CONVERSIONS[name](pale)) <= 2
    if name != "log to 709":  # clips most of the other colours
        assert worst(transform, SCENE, CONVERSIONS[name](SCENE)) <= 2


@pytest.mark.parametrize("name", OTHERS)
def test_a_conversion_that_nobody_knows_is_found_within_two_codes(name: str) -> None:
    host = OTHERS[name](SCENE)
    assert worst(fitted(SCENE, host), SCENE, host, 0.95) <= 2


def test_no_conversion_is_exactly_none() -> None:
    assert fitted(SCENE, SCENE).is_identity


def test_a_host_that_clips_is_clipped_alike() -> None:
    host = np.clip(CURVES["srgb"].from_light(2.5 * CURVES["gamma 2.4"].to_light(SCENE)), 0, 1)
    transform = fitted(SCENE, host)
    assert transform.high == 1
    assert float(np.abs(transform(whole(SCENE)) - host).max()) <= 2 * CODE


def test_a_few_wrong_samples_change_nothing() -> None:
    host = CONVERSIONS["sRGB"](SCENE)
    host[20:30, 40:60] = 0.9  # a logo
    clean = np.delete(np.arange(108), np.arange(20, 30))
    transform = fitted(SCENE, host)
    assert worst(transform, SCENE[clean], host[clean]) <= 2


def reason(host: Values) -> str:
    with pytest.raises(NotTheFrameError) as caught:
        match_frame(as_host(host), PICTURES, WHOLE)
    return str(caught.value)


def test_the_frame_itself_is_taken_beside_others() -> None:
    match_frame(as_host(CONVERSIONS["ACEScct"](SCENE)), PICTURES, WHOLE)


def test_a_graded_picture_is_refused() -> None:
    said = reason(CONVERSIONS["sRGB"](SCENE) * np.array([1.08, 1.0, 0.92]))
    assert "it is graded" in said and "Put Answerprint before" in said


def test_a_window_is_refused() -> None:
    y, x = np.mgrid[-1:1:108j, -1:1:192j]
    said = reason(SCENE * (1 - 0.3 * np.minimum(1, x * x + y * y))[..., None])
    assert said.startswith("A part of the picture is corrected before this node")


@pytest.mark.parametrize(("across", "down"), [(1, 0), (0, -1), (-3, 2)])
def test_a_moved_picture_is_refused_with_its_distance(across: int, down: int) -> None:
    said = reason(np.roll(CONVERSIONS["sRGB"](SCENE), (down, across), (0, 1)))
    assert f"moved before this node, by {across} and {-down} pixels" in said


def test_a_wrong_crop_is_refused() -> None:
    whole_scene = scene(240, 135)
    zoomed = whole_scene[13:121, 24:216]  # 1.25 times, of the same scene at another size
    with pytest.raises(NotTheFrameError, match=r"zoomed or cropped before this node, by about 1\.25"):
        match_frame(as_host(zoomed), {0: whole(scene(grain=0))}, WHOLE)


@pytest.mark.parametrize(("later", "words"), [(1, "1 frame later"), (-1, "1 frame earlier")])
def test_another_frame_is_refused_by_name(later: int, words: str) -> None:
    assert words in reason(CONVERSIONS["sRGB"](scene(at=later)))


def test_another_picture_is_refused() -> None:
    assert "not a frame of the file" in reason(scene(at=40, seed=3)[::-1, ::-1] ** 2)


def test_a_softened_picture_is_refused() -> None:
    soft = sum(np.roll(SCENE, shift, axis) for shift in (-2, -1, 1, 2) for axis in (0, 1)) / 8
    assert "Put Answerprint before" in reason(np.asarray(soft))


def test_flat_examples_count_first() -> None:
    host = CONVERSIONS["sRGB"](SCENE)
    contrast = np.zeros(host.shape[:2])
    contrast[::3] = 1.0
    host[::3] += 0.05  # as another filter of chroma would, at edges
    examples = ColourExamples(SCENE.reshape(-1, 3), host.reshape(-1, 3), contrast.ravel())
    assert fit_colour(examples, 2 * CODE).residual <= CODE


SCALED = [(4, cv2.INTER_CUBIC, "sharp cubic"), (2, cv2.INTER_LINEAR, "linear"), (0.5, cv2.INTER_AREA, "box")]


@pytest.mark.parametrize(("factor", "method", "scaler"), SCALED)
def test_a_noisy_clip_is_matched_with_whatever_filter_a_host_scales(factor: float, method: int, scaler: str) -> None:
    clip = whole(scene(96, 54, grain=0.04))
    size = (round(96 * factor), round(54 * factor))
    host = as_host(CONVERSIONS["sRGB"](cv2.resize(clip, size, interpolation=method).astype(np.float64)))
    likeliest = pick_scalers(host, clip, layouts((96, 54), Fraction(1), size)[0])
    best = next(each for each in likeliest if each.scaler == scaler)
    assert ClipLayout.from_json(json.loads(json.dumps(best.to_json()))) == best
    assert match_frame(host, {0: clip}, best).residual <= CODE


def test_a_layout_of_before_has_the_usual_scaler() -> None:
    assert ClipLayout.from_json(["fit", 0, 0, 9, 9, 0.0, 0.0, 1.0, 1.0]).scaler == "lanczos"
    with pytest.raises(ValueError, match="layout"):
        ClipLayout.from_json(["fit", 0, 0, 9, 9, 0.0, 0.0, 1.0, 1.0, "none"])


def test_the_placements_of_a_clip() -> None:
    found = {each.kind: each for each in reversed(layouts((720, 576), Fraction(16, 15), (1920, 1080)))}
    assert found["fit"] == ClipLayout("fit", 240, 0, 1440, 1080)
    assert (found["fill"].x, found["fill"].width, found["fill"].height) == (0, 1920, 1080)
    assert found["fill"].top == pytest.approx(0.125)
    assert found["stretch"] == ClipLayout("stretch", 0, 0, 1920, 1080)
    assert (found["centre"].x, found["centre"].y) == (576, 252)
    assert [each.kind for each in layouts((64, 36), Fraction(1), (128, 72))] == ["fit", "centre"]
