"""What the user asks for, as data that travels from the command line to the child; standard library only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Literal

from answerprint.api.clip_ref import ClipRef
from answerprint.errors import InputError
from answerprint.frames.clip import DamagePolicy
from answerprint.frames.frame import FrameRange
from answerprint.ipc.messages import Message
from answerprint.text import one_of

__all__ = ["DEFAULT_MODELS", "FIELD_TYPES", "SETTINGS", "PreviewRequest", "RestoreRequest", "Setting", "default_model"]

MAX_SEED = 2**63 - 1
_SCALE = re.compile(r"\d{1,4}(\.\d{1,6}|/\d{1,6})?")

_ADDED = frozenset({"damaged", "working_space"})
"""Settings that the first programs do not know: only named where they are not at their default."""
AUTO = "auto"
QUALITY = "quality"
DEFAULT_MODELS: Mapping[str, str] = MappingProxyType(
    {"draft": "realesr-animevideov3", "standard": "swift-x4", "best": "realesrgan-x4plus"}
)
"""The model where none is named, by quality. `make report-picture` prints the rule by which they were chosen."""


def default_model(options: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    """The model of a request that names none, and `options` without the quality that chose it. Raises InputError."""
    quality = options.get(QUALITY, "standard")
    if quality not in DEFAULT_MODELS:
        raise InputError(f"Option {QUALITY} does not take {quality!r}.", f"Give {one_of(list(DEFAULT_MODELS))}.")
    return DEFAULT_MODELS[quality], {name: text for name, text in options.items() if name != QUALITY}


SettingGroup = Literal["look", "time", "source", "machine"]
"""Where the command line lists a setting: what the picture looks like, what ties frames together, where it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the type of a field of `RestoreRequest` does not say: enough for every check and every front end.

    The field and this describe a setting once. The protocol, the command line, job files and the form in Resolve are
    built from both.
    """

    help: str
    """For the command line: a clause without its default. The form makes a sentence of it."""
    group: SettingGroup = "look"
    metavar: str | None = None
    minimum: float | None = None
    """Least number, itself included; with `maximum`, or neither."""
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    """What the command line offers. The model decides what it takes."""
    free_text: bool = False
    """A text of up to 16 characters; other texts are names."""
    default: str = ""
    """What stands for None, in words."""
    label: str = ""
    """In the form; "" is not asked there."""

    def check(self, name: str, value: object) -> None:
        """Raise InputError, naming the option, for a number that is out of range or NaN."""
        if not isinstance(value, (int, float)) or self.minimum is None or self.maximum is None:
            return
        if not self.minimum <= value <= self.maximum:
            noun = "a number" if FIELD_TYPES[name].startswith("float") else "a whole number"
            limits = f"from {_number(self.minimum)} to {_number(self.maximum)}"
            raise InputError(f"{_option(name)} cannot be {_number(value)}.", f"Give {noun} {limits}.")


def _about(**about: Any) -> Mapping[str, Setting]:  # noqa: ANN401 - of any field of a Setting
    """The description of a setting, as `dataclasses.field` carries it."""
    return {"setting": Setting(**about)}


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """One restoration: a clip, OUTPUT and the settings of `answerprint restore`.

    model: empty is the default one, of which the option quality names three; it is never empty once this is made.
    output: an absolute path; a sequence is named by its pattern or its folder.
    scale: a positive rational in text such as 2, 1.5 or 3/2. size: width and height in px. None for both: the model's.
    chunk, steps, noise, codec: None is the default.
    parts: files with the source frames that each holds, which are joined in place of restoring; () restores.
    options: further switches of the method or the model, by name, as typed.
    sidecar: also write a JSON file beside the output that says what it was made of and how. framemd5: also write the
    checksum of every picture beside it, as FFmpeg does.
    """

    clip: ClipRef
    output: str
    model: str = field(
        default="",
        metadata=_about(
            metavar="NAME",
            help="model; see `answerprint models list`",
            default=f"{DEFAULT_MODELS['standard']}; {DEFAULT_MODELS['draft']} with --option quality=draft; "
            f"{DEFAULT_MODELS['best']} with --option quality=best",
            label="Model",
        ),
    )
    task: str = field(
        default="sr",
        metadata=_about(
            choices=("sr", "denoise", "face", "depth"),
            help="super-resolution, denoising, face restoration or depth",
            label="Task",
        ),
    )
    scale: str | None = field(
        default=None,
        metadata=_about(
            metavar="S",
            help="enlarge by S, such as 2, 1.5 or 3/2",
            default="the model's own scale",
            free_text=True,
            label="Size",
        ),
    )
    size: tuple[int, int] | None = field(
        default=None,
        metadata=_about(metavar="WxH", help="size of the output in pixels, instead of --scale", label="Size"),
    )
    strength: float = field(
        default=1.0,
        metadata=_about(
            metavar="0..1",
            help="blend of the enlarged source (0) and the restored image (1)",
            minimum=0,
            maximum=1,
            label="Strength",
        ),
    )
    working_space: str = field(
        default=AUTO,
        metadata=_about(
            metavar="NAME",
            help="how the source encodes light: display, linear, log (film), pq, hlg, or a camera's log such as "
            "logc3; the model sees the picture as on a display, and the result is converted back",
            default="auto: by the tags of the source",
            label="Working space",
        ),
    )
    steps: int | None = field(
        default=None,
        metadata=_about(
            metavar="N",
            help="denoising steps; more are finer but slower",
            default="the model's",
            minimum=1,
            maximum=10_000,
            label="Steps",
        ),
    )
    seed: int = field(
        default=0,
        metadata=_about(
            metavar="N",
            help="random seed; the same seed gives the same image",
            minimum=0,
            maximum=MAX_SEED,
            label="Seed",
        ),
    )
    chunk: int | None = field(
        default=None,
        metadata=_about(
            group="time", metavar="N", help="frames restored together", minimum=1, maximum=10_000, label="Chunk"
        ),
    )
    noise: str | None = field(
        default=None, metadata=_about(group="time", help="the noise that restoring starts from", label="Noise")
    )
    consistency: bool = field(
        default=True,
        metadata=_about(group="time", help="restore each frame on its own, as a baseline for comparison"),
    )
    options: Mapping[str, str] = field(
        default_factory=dict,
        metadata=_about(
            group="time",
            metavar="NAME=VALUE",
            help="any other option of the method or the model; repeatable; see --list-options",
        ),
    )
    damaged: str = field(
        default=DamagePolicy.KEEP.value,
        metadata=_about(
            group="source",
            choices=tuple(each.value for each in DamagePolicy),
            help="damaged frames of the source: keep what can be decoded, hold the last good frame instead (also for a "
            "missing end), or fail",
            label="Damaged frames",
        ),
    )
    device: str = field(
        default="auto", metadata=_about(group="machine", metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps")
    )
    codec: str | None = None
    overwrite: bool = False
    sidecar: bool = False
    framemd5: bool = False
    parts: tuple[tuple[str, FrameRange], ...] = ()

    def __post_init__(self) -> None:
        """Check what can be checked without the source; raises InputError naming the setting and what is valid."""
        if not self.model:
            model, options = default_model(self.options)
            object.__setattr__(self, "model", model)
            object.__setattr__(self, "options", options)
        if not self.clip.media or not self.output:
            raise InputError("Input and output must be named.", "Give both paths.")
        if self.scale is not None and self.size is not None:
            raise InputError("--scale and --size exclude each other.", "Give one of them.")
        if self.scale is not None and (not _SCALE.fullmatch(self.scale) or not _positive(self.scale)):
            raise InputError(f"{self.scale!r} is not a scale.", "Give a number above 0, such as 2, 1.5 or 3/2.")
        if self.size is not None and not (len(self.size) == 2 and min(self.size) >= 1):
            raise InputError("The size must be at least 1x1.", "Give --size WIDTHxHEIGHT in pixels.")
        if self.damaged not in list(DamagePolicy):
            raise InputError(f"--damaged cannot be {self.damaged!r}.", f"Give {one_of(list(DamagePolicy))}.")
        for name, setting in SETTINGS.items():
            setting.check(name, getattr(self, name))

    @property
    def factor(self) -> Fraction | None:
        """`scale` as a number."""
        return None if self.scale is None else Fraction(self.scale)

    def changed(self) -> dict[str, Any]:
        """The settings that are not at their default, by name."""
        usual = RestoreRequest(ClipRef("-"), "-")
        values = {name: getattr(self, name) for name in SETTINGS}
        return {name: value for name, value in values.items() if value != getattr(usual, name)}

    def to_json(self) -> Message:
        """Return the settings by name, those of `ClipRef.settings` among them."""
        own = {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if each.name not in ("clip", "parts", "sidecar", "framemd5")
        }
        own |= {"size": None if self.size is None else list(self.size), "options": dict(self.options)}
        for name in _ADDED & own.keys() - self.changed().keys():
            del own[name]  # unknown to the first programs, which may read it
        own |= {name: True for name in ("sidecar", "framemd5") if getattr(self, name)}
        if self.parts:
            own["parts"] = [[path, frames.start, frames.stop] for path, frames in self.parts]
        return {**self.clip.settings(), **own}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RestoreRequest:
        """Read `to_json`'s form. Raises InputError for an unknown, missing or wrongly typed field."""
        unknown = sorted(set(data) - set(FIELD_TYPES))
        if unknown:
            raise InputError(f"A restoration has no setting {unknown[0]!r}.", f"Settings: {', '.join(FIELD_TYPES)}.")
        for name in ("input", "output"):
            if name not in data:
                raise InputError(f"A restoration needs {name!r}.")
        for name, value in data.items():
            if not _fits(value, FIELD_TYPES[name]):
                raise InputError(f"The setting {name} cannot be {value!r}.")
        values = dict(data)
        if values.get("size") is not None:
            values["size"] = tuple(values["size"])
        values["parts"] = _parts(values.get("parts", ()))
        interpret = values.pop("interpret", None)
        return cls(ClipRef.from_settings(values.pop("input"), values.pop("range", None), interpret), **values)


FIELD_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "input": "str",
        "range": "str | None",
        "interpret": "Mapping[str, str]",
        **{each.name: str(each.type) for each in fields(RestoreRequest) if each.name != "clip"},
    }
)
"""The type of every setting of a restoration, which its JSON must fit."""

SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {each.name: each.metadata["setting"] for each in fields(RestoreRequest) if "setting" in each.metadata}
)
"""The fields of a request that are fields of the protocol's message `Settings`, of the same names."""


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """A few frames around one, with the settings of a restoration whose `output` is a folder for the pictures."""

    restore: RestoreRequest
    frame: int
    count: int = 5

    def __post_init__(self) -> None:
        """Raise InputError for a frame or a count that no clip has."""
        if self.frame < 0:
            raise InputError(f"--frame cannot be {self.frame}.", "Give a source frame, counted from 0.")
        if self.count < 1:
            raise InputError(f"--count cannot be {self.count}.", "Give 1 or more.")

    def to_json(self) -> Message:
        """Return the settings' fields with `frame` and `count` beside them."""
        return {**self.restore.to_json(), "frame": self.frame, "count": self.count}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PreviewRequest:
        """Read `to_json`'s form. Raises InputError for an unknown, missing or wrongly typed field."""
        rest = dict(data)
        frame, count = rest.pop("frame", None), rest.pop("count", 5)
        if not (_fits(frame, "int") and _fits(count, "int")):
            raise InputError("A preview needs a whole number as 'frame' and as 'count'.")
        return cls(RestoreRequest.from_json(rest), frame, count)


def _positive(scale: str) -> bool:
    try:
        return Fraction(scale) > 0
    except ZeroDivisionError:
        return False


def _parts(listed: Sequence[Sequence[Any]]) -> tuple[tuple[str, FrameRange], ...]:
    try:
        return tuple((str(path), FrameRange(first, stop)) for path, first, stop in listed)
    except (TypeError, ValueError) as error:
        raise InputError(f"The parts cannot be read ({error}).", "Give each as path, first and stop.") from error


def _fits(value: object, form: str) -> bool:
    """Whether a JSON value can be a field of that type; a whole number serves as a float, a bool never as a number."""
    if value is None:
        return form.endswith("| None")
    kind = form.removesuffix(" | None")
    if kind == "Mapping[str, str]":
        return isinstance(value, dict) and all(isinstance(text, str) for pair in value.items() for text in pair)
    if kind.startswith("tuple[tuple"):
        return isinstance(value, (list, tuple))
    if kind == "tuple[int, int]":
        return isinstance(value, (list, tuple)) and len(value) == 2 and all(_fits(side, "int") for side in value)
    if kind == "bool" or isinstance(value, bool):
        return kind == "bool" and isinstance(value, bool)
    return isinstance(value, {"str": (str,), "int": (int,), "float": (float, int)}[kind])
