"""Independent readers of the media matrix: what a file says of itself, without any code of the program.

PyAV's own decoders and ffprobe (where it is installed) for films, OpenImageIO for stills, mediainfo where it is
installed as a second opinion.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import OpenImageIO
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from media.makers import number_in

__all__ = ["read_file", "second_opinion"]

Properties = dict[str, str]
"""What is said of a file, by property; "" where it says nothing."""

_AS_STORED = OpenImageIO.ImageSpec()
_AS_STORED.attribute("oiio:UnassociatedAlpha", 1)
_FFPROBE, _MEDIAINFO = shutil.which("ffprobe"), shutil.which("mediainfo")
_STILLS = {".png", ".tif", ".tiff", ".dpx", ".exr", ".jpg"}
_NAMES = {
    "primaries": {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 8: "film", 9: "bt2020", 11: "smpte431",
                  12: "smpte432"},
    "transfer": {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 8: "linear", 13: "iec61966-2-1",
                 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 18: "arib-std-b67"},
    "matrix": {0: "gbr", 1: "bt709", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc", 10: "bt2020c"},
    "range": {1: "tv", 2: "pc"},
}  # fmt: skip


def read_file(path: Path) -> Properties:
    """All properties of a film, or of the sequence with a pattern."""
    if path.suffix in _STILLS:
        return _read_stills(path)
    found = _read_film(path)
    if _FFPROBE:
        found |= _ffprobe(path)
    return found


def _read_film(path: Path) -> Properties:
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        frames = list(container.decode(video))
        first = frames[0]
        rate = video.guessed_rate or video.average_rate or Fraction(0)
        timecode = _label(*(stream.metadata for stream in container.streams), container.metadata)
        aspect = video.sample_aspect_ratio or Fraction(1)
        turned = first.rotation % 360
        tags = (first.color_primaries, first.color_trc, first.colorspace, first.color_range)
    found = {
        "frames": str(len(frames)),
        "order": " ".join(str(_number(frame)) for frame in frames),
        "size": f"{first.height}x{first.width}" if turned % 180 else f"{first.width}x{first.height}",
        "rate": str(rate),
        "timecode": timecode,
        "aspect": str(1 / aspect if turned % 180 else aspect),
        "fields": ("top" if _top_first(first) else "bottom") if first.interlaced_frame else "",
        "depth": str(max(component.bits for component in first.format.components)),
        "alpha": str(any(component.is_alpha for component in first.format.components)),
        "turned": str(turned),
        "levels": _levels(_grey(first)),
    }
    for name, tag in zip(_NAMES, tags, strict=True):
        found[name] = _NAMES[name].get(int(tag), "")
    if first.format.is_rgb:
        found["matrix"], found["range"] = "gbr", "pc"
    with av.open(str(path)) as container:
        count = len(container.streams.audio)
    found["sound tracks"] = str(count)
    for number in range(count):
        found[f"sound {number + 1}"] = _heard(path, number)
    return found


def _top_first(frame: VideoFrame) -> bool:
    return bool(getattr(frame, "top_field_first", True))


def _grey(frame: VideoFrame) -> NDArray[np.float32]:
    """[H, W] of 0..1, by swscale, which heeds the range of the frame."""
    return np.asarray(frame.to_ndarray(format="gray16le"), np.float32) / np.float32(65535)


def _number(frame: VideoFrame) -> int:
    return _number_of(_grey(frame))


def _number_of(grey: NDArray[np.float32]) -> int:
    return number_in(np.repeat(grey[..., None], 3, -1))


def _levels(grey: NDArray[np.float32]) -> str:
    """The level of the first frame, whose stripes are all alike, in percent."""
    return f"{float(np.median(grey)) * 100:.1f}"


def _label(*tables: Mapping[str, str]) -> str:
    """The first timecode; Matroska writes names in capitals."""
    found = (value for table in tables for key, value in table.items() if key.lower() == "timecode")
    return re.sub(r"0(\d\d)$", r"\1", next(found, ""))  # frames of three digits at rates above 100


def _heard(path: Path, number: int) -> str:
    """Rate, layout and, as far as no codec changed them, the samples of a track."""
    digest, total = hashlib.sha256(), 0
    with av.open(str(path)) as container:
        stream = container.streams.audio[number]
        rate, channels, lossless = stream.rate, stream.codec_context.channels, _is_lossless(stream.codec_context.name)
        for frame in container.decode(stream):
            array = frame.to_ndarray()
            values = array.T if frame.format.name.endswith("p") else array.reshape(-1, channels)
            if values.dtype == np.uint8:
                values = (values.astype(np.int32) - 128) << 24
            elif values.dtype == np.int16:
                values = values.astype(np.int32) << 16
            digest.update(np.ascontiguousarray(values).tobytes())
            total += len(values)
    samples = f"{total} samples {digest.hexdigest()[:8]}" if lossless else "lossy"
    return f"{rate} Hz {channels} channels {samples}"


def _is_lossless(codec: str) -> bool:
    return codec.startswith("pcm") or codec in ("flac", "alac")


def _ffprobe(path: Path) -> Properties:
    said = _ask([str(_FFPROBE), "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path)])
    video = next(each for each in said["streams"] if each["codec_type"] == "video")
    found: Properties = {}
    found["timecode"] = _label(*(each.get("tags", {}) for each in said["streams"]), said["format"].get("tags", {}))
    laced = {"tt": "top", "tb": "top", "bb": "bottom", "bt": "bottom"}
    if order := laced.get(video.get("field_order", "")):
        found["fields"] = order  # not every container says it; then the first frame does
    return found


def second_opinion(path: Path) -> Properties:
    """What mediainfo says of a film; nothing where it is not installed, or for stills."""
    if not _MEDIAINFO or path.suffix in _STILLS:
        return {}
    said = _ask([_MEDIAINFO, "--Output=JSON", str(path)])
    tracks = said["media"]["track"]
    video = next(each for each in tracks if each["@type"] == "Video")
    labels = [each.get("TimeCode_FirstFrame", "") for each in tracks]
    return {"frames": str(video.get("FrameCount", "")), "timecode": next(filter(None, labels), "")}


def _ask(words: list[str]) -> Any:  # noqa: ANN401 - JSON
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout)


def _read_stills(pattern: Path) -> Properties:
    """A sequence, by OpenImageIO: properties of the first picture, numbers of all."""
    files = sorted(each for each in pattern.parent.iterdir() if each.suffix == pattern.suffix)
    numbers: list[int] = []
    levels = ""
    for file in files:
        _, pixels = _open(file)
        grey = pixels[..., :3].mean(-1)
        if file.suffix == ".exr" and pixels.shape[2] == 4:  # its colour is multiplied by alpha
            grey /= np.maximum(pixels[..., 3], 1e-6)
        levels = levels or _levels(grey)
        numbers.append(_number_of(grey))
    spec, _ = _open(files[0])
    rate = spec.getattribute("FramesPerSecond") or spec.getattribute("dpx:FrameRate") or ""
    bits = spec.getattribute("oiio:BitsPerSample") or {"half": 16, "float": 32, "uint16": 16}.get(str(spec.format), 8)
    return {
        "frames": str(len(files)),
        "order": " ".join(map(str, numbers)),
        "size": f"{spec.width}x{spec.height}",
        "rate": str(Fraction(*rate) if isinstance(rate, tuple) else Fraction(rate).limit_denominator(1001))
        if rate
        else "",
        "timecode": _bcd(spec.getattribute("smpte:TimeCode")),
        "aspect": str(Fraction(spec.getattribute("PixelAspectRatio") or 1).limit_denominator(100)),
        "fields": "",
        "depth": str(bits),
        "alpha": str(spec.alpha_channel >= 0),
        "turned": "0",
        "sound tracks": "0",
        "levels": levels,
        **_tags_of_still(spec),
        "matrix": "gbr",
        "range": "pc",
    }


def _open(file: Path) -> tuple[OpenImageIO.ImageSpec, NDArray[np.float32]]:
    """What a picture says of itself, and its pixels, which no alpha multiplies."""
    image = OpenImageIO.ImageInput.open(str(file), _AS_STORED)
    assert image is not None, OpenImageIO.geterror()
    spec, pixels = image.spec(), np.asarray(image.read_image("float"), np.float32)
    image.close()
    return spec, pixels


def _tags_of_still(spec: OpenImageIO.ImageSpec) -> Properties:
    """Primaries and transfer: of PNG by the codes of H.273, of DPX by its header, of EXR by a name."""
    if codes := spec.getattribute("CICP"):
        return {"primaries": _NAMES["primaries"].get(codes[0], ""), "transfer": _NAMES["transfer"].get(codes[1], "")}
    if transfer := spec.getattribute("dpx:Transfer"):
        texts = {"primaries": str(spec.getattribute("dpx:Colorimetric")), "transfer": str(transfer)}
        return {name: "bt709" if "709" in text else "" for name, text in texts.items()}
    place, name = spec.getattribute("chromaticities"), str(spec.getattribute("colorInteropID") or "")
    is_709 = place is not None and np.allclose(place[:6], (0.64, 0.33, 0.3, 0.6, 0.15, 0.06), atol=1e-3)
    kinds = {"g24_rec709": "bt709", "lin": "linear", "srgb": "iec61966-2-1"}
    transfer = next((kind for start, kind in kinds.items() if name.startswith(start)), "")
    return {"primaries": "bt709" if is_709 else "", "transfer": transfer}


def _bcd(words: tuple[int, ...] | None) -> str:
    """The label of a BCD word of SMPTE ST 12; "" for one that is none: FFmpeg leaves rubbish in DPX."""
    if not words:
        return ""
    digits = f"{words[0] & 0x3F7F7F3F:08x}"
    if not digits.isdecimal():
        return ""
    hours, minutes, seconds, frames = (digits[place : place + 2] for place in (0, 2, 4, 6))
    if int(hours) > 23 or int(minutes) > 59 or int(seconds) > 59:
        return ""
    return f"{hours}:{minutes}:{seconds}{';' if words[0] & 0x40 else ':'}{frames}"
