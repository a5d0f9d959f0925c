"""The rows of "Measure and reach", each a function from the lab to rows: figure, where, measured, wanted, reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import isnan

import numpy as np

from answerprint.api.request import DEFAULT_MODELS
from answerprint.backends.latent import HookedNetworks
from answerprint.frames.frame import Picture
from answerprint.metrics.degradations import Degradation, degrade_clip, resize
from answerprint.metrics.own import DEFAULT_MODEL
from answerprint.metrics.rivals.base import DamagedClip, RestorationMethod
from answerprint.metrics.rivals.filters import Filtered
from answerprint.metrics.rivals.plain import Plain
from backends import report_warping
from backends.footage import drawn_pan
from backends.silent import Silent
from picture.figures import flicker, largest_level
from picture.footage import CLIPS, DAMAGES, Clip, truth_of
from picture.lab import RIVAL, SCALE, Figures, Lab
from tables import Row

__all__ = ["COMPARED", "ROWS", "compared_rows", "mean_row"]

Measure = Callable[[Lab], Iterator[Row]]

_STREET, _ANIMATION, _GLASS = CLIPS[0], CLIPS[1], CLIPS[3]
_STILL_FRAMES = 8
_DIFFUSION = "tiny-x4"
"""The embedded model that has self-attention."""


def compared_rows(lab: Lab) -> Iterator[Row]:
    """Every clip and damage: PSNR / P / E_warp x1e-3 / detail of each way."""
    for damage in DAMAGES:
        for clip in CLIPS:
            found = lab.compare(clip, damage)
            where = f"{clip.name}{' (held out)' if clip.held_out else ''}, {damage}"
            yield Row((where, *(_cell(found[name]) for name in COMPARED)), True)


COMPARED = ("truth", "bicubic", "default", "x4plus")
"""Columns of `compared_rows`."""


def _cell(f: Figures) -> str:
    return f"{f.psnr:.2f} / {f.p:.3f} / {1e3 * f.e_warp:.2f} / {f.detail:.2f}"


def mean_row(name: str, values: Mapping[str, float], wanted: str, *bars: Callable[[list[float]], bool]) -> Row:
    """A row of one value for each clip, and their mean; reached where every bar is. A nan reaches none."""
    numbers = list(values.values())
    each = ", ".join(f"{clip} {value:.2f}" for clip, value in values.items())
    reached = not any(map(isnan, numbers)) and all(bar(numbers) for bar in bars)
    return Row((name, each, f"{np.mean(numbers):.2f}", wanted), reached)


def _mean(numbers: list[float]) -> float:
    return float(np.mean(numbers))


def _at_most(bar: float) -> Callable[[list[float]], bool]:
    return lambda numbers: _mean(numbers) <= bar


def _over(lab: Lab, damage: str, value: Callable[[Mapping[str, Figures]], float]) -> dict[str, float]:
    return {clip.name: value(lab.compare(clip, damage)) for clip in CLIPS}


def perceptual(lab: Lab) -> Iterator[Row]:
    """P of the default over that of bicubic."""
    strong = _over(lab, "strong", lambda f: f["default"].p / f["bicubic"].p)
    yield mean_row("P, default / bicubic, strong", strong, "<= .60 on every clip", lambda v: max(v) <= 0.60)
    mild = _over(lab, "mild", lambda f: f["default"].p / f["bicubic"].p)
    wanted = "<= .60 on average, < .85 on every clip"
    yield mean_row("P, default / bicubic, mild", mild, wanted, lambda v: _mean(v) <= 0.60, lambda v: max(v) < 0.85)


def against_rival(lab: Lab) -> Iterator[Row]:
    """P of the default over that of the rival."""
    both: list[float] = []
    for damage in DAMAGES:
        values = _over(lab, damage, lambda f: f["default"].p / f["x4plus"].p)
        both += values.values()
        yield mean_row(f"P, default / x4plus per frame, {damage}", values, "(the mean of both counts)")
    yield mean_row("P, default / x4plus per frame", {"all": _mean(both)}, "<= 1.05", lambda v: v[0] <= 1.05)


def warping(lab: Lab) -> Iterator[Row]:
    """E_warp over the rival's."""
    for damage, most in (("strong", 0.50), ("mild", 0.60)):
        values = _over(lab, damage, lambda f: f["default"].e_warp / f["x4plus"].e_warp)
        wanted = f"<= {most:.2f} on average"
        yield mean_row(f"E_warp, default / x4plus per frame, {damage}", values, wanted, _at_most(most))
        truths = _over(lab, damage, lambda f: f["truth"].e_warp / f["x4plus"].e_warp)
        yield mean_row(f"E_warp, truth / x4plus per frame, {damage}", truths, "(what motion leaves)")


def detail(lab: Lab) -> Iterator[Row]:
    """Detail over the rival's."""
    for damage in DAMAGES:
        values = _over(lab, damage, lambda f: f["default"].detail / f["x4plus"].detail)
        yield mean_row(
            f"detail, default / x4plus per frame, {damage}", values, ">= .85 on average", lambda v: _mean(v) >= 0.85
        )


def fidelity(lab: Lab) -> Iterator[Row]:
    """PSNR beside the rival's."""
    both: list[float] = []
    for damage in DAMAGES:
        values = _over(lab, damage, lambda f: f["default"].psnr - f["x4plus"].psnr)
        both += values.values()
        yield mean_row(f"PSNR, default - x4plus per frame, dB, {damage}", values, "(the mean of both counts)")
    yield mean_row("PSNR, default - x4plus per frame, dB", {"all": _mean(both)}, ">= +.2", lambda v: v[0] >= 0.2)


def keyframes(lab: Lab) -> Iterator[Row]:
    """The beat from chunk to chunk."""
    for damage in DAMAGES:
        values = _over(lab, damage, lambda f: f["default"].key_detail)
        yield mean_row(
            f"keyframe's detail / its neighbours', {damage}",
            values,
            ".95 .. 1.05 on average",
            lambda v: 0.95 <= _mean(v) <= 1.05,
        )


def grain(lab: Lab) -> Iterator[Row]:
    """Film grain, which must not switch consistency off."""
    values = {}
    for clip in (_STREET, _GLASS)[: lab.extent.clips_of_noise]:
        truth = truth_of(clip, lab.extent.frames, lab.extent.largest)
        found, _ = lab.measure(
            truth, Degradation.parse("area,noise=10"), clip.first,
            {"alone": lab.own("per-frame"), "default": lab.own()},
        )  # fmt: skip
        values[clip.name] = found["default"].e_warp / found["alone"].e_warp
    yield mean_row("film grain sigma 10: E_warp, consistent / per frame", values, "<= .60", lambda v: _mean(v) <= 0.60)


def noise(lab: Lab) -> Iterator[Row]:
    """The paper's second task: sigma 50 at the source's own size, beside non-local means as strong as suits it."""
    gain, steady = {}, {}
    for clip in (_STREET, _GLASS)[: lab.extent.clips_of_noise]:
        truth = truth_of(clip, lab.extent.noise_frames, lab.extent.noise_largest, 1)
        found, _ = lab.measure(
            truth, Degradation.parse("noise=50"), clip.first,
            {"input": Plain("bicubic"), "nlmeans": Filtered("nlmeans", "nlmeans"), "default": lab.own()}, 1, "denoise",
        )  # fmt: skip
        gain[clip.name] = found["default"].psnr - found["nlmeans"].psnr
        steady[clip.name] = found["default"].e_warp / found["input"].e_warp
        cells = ", ".join(f"{name} {f.psnr:.2f}" for name, f in found.items() if name != "truth")
        yield Row((f"noise sigma 50, PSNR, {clip.name}", cells, f"P {found['default'].p:.3f}", "(for the next)"), True)
    yield mean_row("noise sigma 50, x1: PSNR over nlmeans, dB", gain, ">= +.5", lambda v: _mean(v) >= 0.5)
    yield mean_row("noise sigma 50, x1: E_warp / input's", steady, "<= .30", lambda v: _mean(v) <= 0.30)


def black(lab: Lab) -> Iterator[Row]:
    """A black clip."""
    width, height = lab.extent.timed
    dark = [np.zeros((height, width, 3), np.float32)] * 3
    made = lab.own().restore(DamagedClip(dark, (width * SCALE, height * SCALE))).pictures
    level, mean = largest_level(made), 255.0 * float(np.mean(made))
    cells = (f"{width}x{height}, mean {mean:.2f}", f"{level:.2f}", "<= .2")
    yield Row(("black clip: brightest value, /255", *cells), level <= 0.2)


def static(lab: Lab) -> Iterator[Row]:
    """A shot in which only the noise moves."""
    (truth, *_) = truth_of(_STREET, 3, lab.extent.largest)
    height, width = truth.shape[:2]
    for damage, recipe in DAMAGES.items():
        low = degrade_clip([truth] * _STILL_FRAMES, SCALE, recipe, 0)
        made = lab.own().restore(DamagedClip(low, (width, height))).pictures
        ratio = flicker(made) / flicker(low)
        cells = (f"flicker {flicker(low):.2f} -> {flicker(made):.2f} levels", f"{ratio:.2f}", "<= .3 of the input's")
        yield Row((f"static shot, {damage}", *cells), ratio <= 0.3)


def speed(lab: Lab) -> Iterator[Row]:
    """Seconds a frame on this machine."""
    low = _source(lab.extent.timed, lab.extent.timed_frames)
    (seconds,) = lab.seconds([lab.own()], low, _enlarged(lab.extent.timed))
    yield Row((f"seconds a frame, {_sizes(lab.extent.timed)}", lab.model, f"{seconds:.2f}", "<= 2"), seconds <= 2)
    draft = DEFAULT_MODELS["draft"] if lab.model == DEFAULT_MODEL else lab.model
    low = _source(lab.extent.timed_large, lab.extent.large_frames)
    seconds = lab.time(lab.own(model=draft), low, _enlarged(lab.extent.timed_large))
    name = f"seconds a frame, {_sizes(lab.extent.timed_large)}"
    yield Row((name, f"{draft}, as quality=draft", f"{seconds:.2f}", "<= 3"), seconds <= 3)


def rule(lab: Lab) -> Iterator[Row]:
    """How the default was chosen: of what is ready after installing, the best P among the steady and quick enough."""
    models = dict.fromkeys((*DEFAULT_MODELS.values(), "realesrgan-x4plus-anime", _DIFFUSION))
    ways = {model: lab.own(model=model) for model in models}
    ways |= {f"{lab.model}, {preset}": lab.own(preset=preset) for preset in ("steady", "detail")}
    found = {}
    for clip in (_STREET, _ANIMATION)[: lab.extent.clips_of_noise]:
        truth = truth_of(clip, lab.extent.noise_frames, lab.extent.noise_largest)
        given: dict[str, RestorationMethod] = {"rival": lab.own("per-frame", RIVAL), **ways}
        found[clip.name], _ = lab.measure(truth, DAMAGES["strong"], clip.first, given)
    for name in ways:
        cells = [
            f"{clip}: P {rows[name].p:.3f}, E_warp / x4plus' {rows[name].e_warp / rows['rival'].e_warp:.2f}, "
            f"{rows[name].seconds or 0:.2f} s"
            for clip, rows in found.items()
        ]
        mean = np.mean([rows[name].p for rows in found.values()])
        yield Row((f"the rule: {name}", "; ".join(cells), f"P {mean:.3f}", "(best P in its limits)"), True)


def cost(lab: Lab) -> Iterator[Row]:
    """What consistency costs, of the default and of tiny-x4."""
    low = _source(lab.extent.timed, lab.extent.timed_frames)
    for model in dict.fromkeys((lab.model, _DIFFUSION)):
        alone, tied = lab.seconds(
            [lab.own("per-frame", model), lab.own("consistent", model)], low, _enlarged(lab.extent.timed)
        )
        ratio = tied / alone
        cells = (f"{alone:.2f} and {tied:.2f} s a frame", f"{ratio:.2f}", "<= 1.05")
        yield Row((f"seconds, consistent / per frame, {model}", *cells), ratio <= 1.05)


def attention(lab: Lab) -> Iterator[Row]:
    """Whether the self-attention of tiny-x4 carries detail: how much of its gain in P goes when it gives nothing."""
    backend = lab.studio.model(_DIFFUSION)
    assert isinstance(backend, HookedNetworks)
    shares = {}
    for clip, truth in _of_diffusion(lab):
        whole, _ = lab.measure(
            truth, DAMAGES["strong"], clip.first, {"bicubic": Plain("bicubic"), "own": lab.own("no-merge", _DIFFUSION)}
        )
        backend.set_hook(Silent())
        try:
            without, _ = lab.measure(truth, DAMAGES["strong"], clip.first, {"own": lab.own("no-merge", _DIFFUSION)})
        finally:
            backend.set_hook(None)
        shares[clip.name] = (without["own"].p - whole["own"].p) / (whole["bicubic"].p - whole["own"].p)
        cells = f"P {whole['bicubic'].p:.4f} bicubic, {whole['own'].p:.4f} whole, {without['own'].p:.4f} without"
        yield Row(
            (f"self-attention of {_DIFFUSION}, {clip.name}", cells, f"{shares[clip.name]:.2f}", "(the next)"), True
        )
    name = f"share of P's gain that goes with the self-attention of {_DIFFUSION}"
    yield mean_row(name, shares, ">= .10 on every clip", lambda v: min(v) >= 0.10)


def merging(lab: Lab) -> Iterator[Row]:
    """What token merging changes on tiny-x4: off, matched by flow, and matched by likeness."""
    for clip, truth in _of_diffusion(lab):
        ways = {
            match: lab.own(model=_DIFFUSION, merge="on", match_down=match, match_mid=match, match_up=match)
            for match in ("flow", "cosine")
        }
        found, _ = lab.measure(
            truth, DAMAGES["strong"], clip.first, {"off": lab.own("no-merge", _DIFFUSION), **ways}
        )  # fmt: skip
        for name in ("off", *ways):
            f = found[name]
            cells = (
                f"PSNR {f.psnr:.2f}, E_warp {1e3 * f.e_warp:.3f} x1e-3, detail {f.detail:.2f}, {f.seconds or 0:.2f} s"
            )
            yield Row((f"token merging of {_DIFFUSION}: {name}, {clip.name}", cells, f"P {f.p:.3f}", "(no bar)"), True)


def _of_diffusion(lab: Lab) -> Iterator[tuple[Clip, list[Picture]]]:
    for clip in (_STREET, _ANIMATION)[: lab.extent.clips_of_noise]:
        yield clip, truth_of(clip, lab.extent.noise_frames, lab.extent.noise_largest)


def families(_: Lab) -> Iterator[Row]:
    """Families with random weights: no bar, as steadiness that costs detail is no success."""
    pan = drawn_pan(report_warping.FRAMES)
    for family in report_warping.FAMILIES:
        found = report_warping.warping(family, pan, own=True)
        yield Row((f"E_warp, consistent / per frame, {family}", "drawn pan", f"{found.ratio:.2f}", "(no bar)"), True)


def _source(size: tuple[int, int], frames: int) -> list[Picture]:
    truth = truth_of(_STREET, max(frames, 3), (640, 360), 1)
    return [resize(picture, *size, "area" if size[0] < 640 else "bicubic") for picture in truth][:frames]


def _enlarged(size: tuple[int, int]) -> tuple[int, int]:
    return size[0] * SCALE, size[1] * SCALE


def _sizes(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]} -> {size[0] * SCALE}x{size[1] * SCALE}"


ROWS: Mapping[str, Measure] = {
    "p": perceptual,
    "rival": against_rival,
    "warp": warping,
    "detail": detail,
    "psnr": fidelity,
    "keyframe": keyframes,
    "grain": grain,
    "noise": noise,
    "black": black,
    "static": static,
    "seconds": speed,
    "ratio": cost,
    "rule": rule,
    "attention": attention,
    "merging": merging,
    "families": families,
}
"""Rows by the name under which they are asked for."""
