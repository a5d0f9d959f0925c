"""What time, cameras and codecs do to footage: how a low-quality clip is made from a good one.

All take and return pictures [H, W, 3], float32 RGB in [0, 1], and draw chance from an explicit generator or seed, so
the same seed gives the same damage. Order of use, as the field does it (RealBasicVSR): blur, resize, noise, JPEG, video
codec.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from answerprint.errors import InputError
from answerprint.frames.frame import Picture
from answerprint.metrics.codec import video_compression

__all__ = ["Degradation", "blur", "degrade_clip", "jpeg", "noise", "resize"]


_INTERPOLATION = {
    "area": cv2.INTER_AREA,
    "bicubic": cv2.INTER_CUBIC,
    "linear": cv2.INTER_LINEAR,
    "nearest": cv2.INTER_NEAREST,
}


def blur(picture: Picture, sigma_px: float) -> Picture:
    """Gaussian blur of standard deviation `sigma_px` pixels; 0 leaves the picture as it is."""
    if sigma_px <= 0:
        return picture
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT_101), np.float32)


def resize(picture: Picture, width: int, height: int, method: str = "bicubic") -> Picture:
    """Resample to `width` x `height`; a smaller size is low-pass filtered first (bicubic over a prefiltered picture).

    `method` is one of area, bicubic, linear, nearest. OpenCV's bicubic does not widen its kernel when it shrinks, so
    the picture is blurred beforehand by half the ratio: without it the result aliases as no real camera does.
    """
    h, w = picture.shape[:2]
    if (w, h) == (width, height):
        return picture
    if method in ("bicubic", "linear") and (width < w or height < h):
        ratio_x, ratio_y = w / width, h / height
        sigma_x, sigma_y = (0.32 * max(r * r - 1.0, 0.0) ** 0.5 for r in (ratio_x, ratio_y))
        if sigma_x > 0.1 or sigma_y > 0.1:
            picture = np.asarray(
                cv2.GaussianBlur(
                    picture, (0, 0), max(sigma_x, 1e-3), sigmaY=max(sigma_y, 1e-3), borderType=cv2.BORDER_REFLECT_101
                ),
                np.float32,
            )
    out = cv2.resize(picture, (width, height), interpolation=_INTERPOLATION[method])
    return np.clip(np.asarray(out, np.float32), 0.0, 1.0)


def noise(picture: Picture, sigma: float | NDArray[np.float64], rng: np.random.Generator) -> Picture:
    """Add white Gaussian noise of standard deviation `sigma`, on the 0..255 scale, and clip to [0, 1].

    `sigma` is one number, or one for each channel [3].
    """
    if np.all(np.asarray(sigma) <= 0):
        return picture
    grain = rng.standard_normal(picture.shape, dtype=np.float32) * np.asarray(np.asarray(sigma) / 255.0, np.float32)
    return np.asarray(np.clip(picture + grain, 0.0, 1.0), np.float32)


def jpeg(picture: Picture, quality: int) -> Picture:
    """Code and decode as a JPEG file of `quality` 1..100 with 4:2:0 chroma."""
    encoded = np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)
    ok, data = cv2.imencode(".jpg", encoded[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    if not ok:
        raise ValueError(f"JPEG coding failed at quality {quality}")
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1]).astype(np.float32) / np.float32(255.0)


@dataclass(frozen=True, slots=True)
class Degradation:
    """One recipe of damage; a field left at its default does nothing. `str` gives a text that `parse` reads back."""

    blur_px: float = 0.0
    """Gaussian blur before shrinking, in pixels of the good picture."""
    resize: str = "bicubic"
    """How the picture is shrunk: area, bicubic, linear or nearest."""
    noise: tuple[float, float] = (0.0, 0.0)
    """Range of the standard deviation on 0..255, drawn for each frame and channel; equal ends are a fixed deviation."""
    jpeg_quality: int | None = None
    """1..100."""
    video_crf: int | None = None
    """H.264 constant rate factor, 0..51."""

    @classmethod
    def parse(cls, text: str) -> Degradation:
        """Recipe of a text such as "bicubic,noise=2", "blur=1.6,noise=10,jpeg=70", "noise=50..100,video=32".

        Words in any order, each once; the damage is always done in the field's order. Raises InputError, naming the
        valid words, on anything else.
        """
        values: dict[str, str] = {}
        for word in (part.strip() for part in text.split(",")):
            name, equals, value = (part.strip() for part in word.partition("="))
            known = name in _INTERPOLATION if not equals else name in _RANGES
            if not known:
                raise InputError(f"Unknown degradation {word!r} in {text!r}.", f"Valid: {_USAGE}.")
            key = name if equals else "resize"
            if key in values:
                raise InputError(f"The degradation {text!r} sets {key} twice.", "Name it once.")
            values[key] = value if equals else name
        low, high = _interval(values.get("noise", "0"))
        return cls(
            blur_px=_number("blur", values["blur"]) if "blur" in values else 0.0,
            resize=values.get("resize", "bicubic"),
            noise=(low, high),
            jpeg_quality=int(_number("jpeg", values["jpeg"], whole=True)) if "jpeg" in values else None,
            video_crf=int(_number("video", values["video"], whole=True)) if "video" in values else None,
        )

    def __str__(self) -> str:
        low, high = self.noise
        words = [self.resize]
        words += [f"blur={self.blur_px!r}"] if self.blur_px else []
        words += [f"noise={low!r}" if low == high else f"noise={low!r}..{high!r}"] if high else []
        words += [f"jpeg={self.jpeg_quality}"] if self.jpeg_quality is not None else []
        words += [f"video={self.video_crf}"] if self.video_crf is not None else []
        return ",".join(words)


_RANGES = {"blur": (0.0, 20.0), "noise": (0.0, 255.0), "jpeg": (1.0, 100.0), "video": (0.0, 51.0)}
_USAGE = (
    f"{', '.join(sorted(_INTERPOLATION))}, blur=SIGMA, noise=SIGMA or noise=LOW..HIGH, jpeg=QUALITY, video=CRF, "
    "with commas between"
)


def degrade_clip(
    clip: Sequence[Picture] | NDArray[np.float32],
    scale: int,
    degradation: Degradation,
    seed: int,
    first_frame: int = 0,
) -> list[Picture]:
    """Low-quality clip [H / scale, W / scale, 3] of a good one: blur, shrink, noise, JPEG, video codec, in that order.

    Noise is new in each frame, drawn from (seed, first_frame + index): a cut-out of the clip gets the same noise.
    Raises ValueError where `scale` does not divide the size: cut the truth to a multiple of it first, as it must have
    the size of the result to be compared.
    """
    out: list[Picture] = []
    for index, picture in enumerate(clip):
        h, w = picture.shape[:2]
        if scale < 1 or h % scale or w % scale:
            raise ValueError(f"a {w}x{h} picture cannot be shrunk {scale} times; cut it to a multiple first")
        rng = np.random.default_rng([seed, first_frame + index])
        low = resize(
            blur(np.asarray(picture, np.float32), degradation.blur_px), w // scale, h // scale, degradation.resize
        )
        if degradation.noise[1] > 0:
            low = noise(low, rng.uniform(*degradation.noise, size=3), rng)
        if degradation.jpeg_quality is not None:
            low = jpeg(low, degradation.jpeg_quality)
        out.append(low)
    return out if degradation.video_crf is None or not out else video_compression(out, degradation.video_crf)


def _number(word: str, text: str, whole: bool = False) -> float:
    low, high = _RANGES[word]
    try:
        value = float(int(text) if whole else float(text))
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise InputError(f"{word}={text} is not {kind} from {low:g} to {high:g}.", f"Valid: {_USAGE}.")
    return value


def _interval(text: str) -> tuple[float, float]:
    low, dots, high = text.partition("..")
    ends = _number("noise", low), _number("noise", high if dots else low)
    if ends[0] > ends[1]:
        raise InputError(f"noise={text} runs downwards.", "Put the smaller number first.")
    return ends
