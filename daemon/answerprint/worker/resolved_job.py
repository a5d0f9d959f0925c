"""A validated request with everything that follows from it before a model is loaded. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from answerprint import __version__
from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import PreviewRequest, RestoreRequest
from answerprint.backends.catalogue import ModelEntry, at_hand
from answerprint.backends.depth import DepthLook
from answerprint.backends.precision import working_bytes
from answerprint.errors import InputError
from answerprint.frames import (
    ClipInfo,
    DamagePolicy,
    FrameRange,
    OutputSpec,
    codec_named,
)
from answerprint.frames.cadence import clip_range, stored_range
from answerprint.frames.clip import is_rgb
from answerprint.frames.codec_choice import codec_for_source
from answerprint.frames.losses import losses
from answerprint.ipc import events
from answerprint.ipc.messages import Message
from answerprint.media import OnRead, find_fields, no_progress, probe
from answerprint.media.audio import check_sound
from answerprint.media.boundary import MAX_PIXELS, MAX_SIDE
from answerprint.media.probe import sized_at
from answerprint.media.provenance import MADE_BY_KEY
from answerprint.media.spacing import check_spacing, spacing_notices
from answerprint.pipeline.choices import Choices, resolve
from answerprint.pipeline.working_space import DISPLAY, WorkingSpace, choose_space
from answerprint.weights.manifest import read_manifest
from answerprint.worker.field_note import field_note
from answerprint.worker.fingerprint import fingerprint_of
from answerprint.worker.requests import JobChannel

__all__ = [
    "JOB_KEY",
    "ResolvedJob",
    "few_frames",
    "read_source",
    "resolve_job",
]

JOB_KEY = "answerprint_job"
"""Metadata key of a deliverable: the id of the job that wrote it."""

_SEGMENT_SHARE = 0.9
"""Size of a lossless segment, relative to its raw samples: measured 0.51 (animation) to 0.94 (grain, float32)."""

_FLOAT_SHARE = 1.35
"""The same of float32, whose lower bits are noise to the encoder: measured 1.06 to 1.30 (noise alone)."""

_CODED_BITS = 12
"""Sources of up to so many bits are stored in the 16-bit codes of a segment, exactly; of more, as float32."""


@dataclass(frozen=True, slots=True)
class ResolvedJob:
    """A job, ready to run. size: width and height of the output, px. codec: of the deliverable, empty for a preview."""

    request: RestoreRequest
    info: ClipInfo
    frames: FrameRange
    entry: ModelEntry
    choices: Choices
    size: tuple[int, int]
    codec: str = ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that determines the picture: only chunks with the same fingerprint fit together."""
        return fingerprint_of(self)

    def source_files(self, frames: FrameRange) -> tuple[Path, ...]:
        """The files that hold these frames of the clip: pictures of a sequence, or the one file."""
        stored = stored_range(self.info, frames)
        return self.info.files[stored.start : stored.stop] or (self.info.path,)

    @property
    def weights(self) -> dict[str, str]:
        """SHA-256 of each weights file of the model, by file name."""
        if self.entry.folder is None:
            return {}
        files = read_manifest(self.entry.folder).files
        return {file.name: file.sha256 for file in files if file.name.endswith(".safetensors")}

    @property
    def is_source(self) -> bool:
        """Whether the result is the source, at its own size or resized: the model has no share in it."""
        return self.request.strength == 0

    @property
    def working_space(self) -> WorkingSpace:
        """In which the source is restored. A source that is returned as it is, is not converted."""
        if self.is_source and self.size == (self.info.width, self.info.height):
            return DISPLAY
        return self.source_space

    @property
    def source_space(self) -> WorkingSpace:
        """Through which a display shows the source."""
        return choose_space(self.request.working_space, self.info, self.request.clip)

    @property
    def result_space(self) -> WorkingSpace:
        """Through which a display shows the result."""
        return DISPLAY if self.entry.info.gives == "depth" else self.source_space

    @property
    def returned_space(self) -> WorkingSpace:
        """From which the result is returned; depth is no picture of the source."""
        return DISPLAY if self.entry.info.gives == "depth" else self.working_space

    @property
    def float_segments(self) -> bool:
        """Whether finished pictures are stored as float32, because 16-bit codes with headroom would round them."""
        return self.info.bit_depth > _CODED_BITS

    @property
    def latent_size(self) -> tuple[int, int]:
        """Width and height of a frame's latent in the model's last pass, in cells, without padding."""
        family = self.entry.info.at(self.choices.model_options)
        worked = family.working_size(self.info.width, self.info.height, self.choices.model_options)
        again = family.scale ** (family.passes((self.info.width, self.info.height), self.size) - 1)
        width, height = (side * again * family.scale // family.latent_factor for side in worked)
        return width, height

    def estimate(self, device: str = "") -> dict[str, int]:
        """Estimated bytes of the job: memory on `device`, scratch space, and the deliverable."""
        family, method = self.entry.info, self.choices.method
        cells = self.latent_size[0] * self.latent_size[1]
        at_once = min(cells, family.tile_cells**2) if family.tile_cells else cells
        pixels = self.size[0] * self.size[1]
        frame_bytes = pixels * (4 if self.info.has_alpha else 3) * (4 if self.float_segments else 2)
        share = _FLOAT_SHARE if self.float_segments else _SEGMENT_SHARE
        carry_bytes = cells * family.latent_channels * 2 * self.choices.steps if method.consistency else 0
        bits = codec_named(self.codec).bits_per_pixel if self.codec else 0  # a preview delivers no file
        return {
            "memory_bytes": at_once * method.chunk * working_bytes(family, self.choices.model_options, device)
            + family.held_bytes(cells, method.chunk),
            "scratch_bytes": int(frame_bytes * share) * len(self.frames) + 2 * carry_bytes,
            "output_bytes": int(pixels * bits / 8) * len(self.frames),
        }

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user is warned of before the first frame: assumptions, and what the result will lack."""
        info, clip = self.info, self.request.clip
        said = [each for each in [field_note(self.info, self.request.clip)] if each]
        if info.rate_is_assumed and info.frames > 1:
            said.append(
                f"{info.path.name} does not say its frame rate: {info.rate} is assumed. Give --rate to change it."
            )
        if info.header_timecode and not info.start_timecode:
            said.append(
                f"The timecode {info.header_timecode} of {info.path.name} does not exist at {info.rate} frames per "
                "second, so the result has none. Give --rate or --timecode."
            )
        if any(clip.handles) and len(self.frames) < len(replace(clip, handles=(0, 0)).frames(info)) + sum(clip.handles):
            said.append(
                f"The source has no more frames: the result is {self.frames}, with shorter handles than asked for."
            )
        if info.levels == "tv" and is_rgb(info.pixel_format) and self.codec and not codec_named(self.codec).is_yuv:
            said.append("Video levels of the source become full ones: black and white are the lowest and highest code.")
        lost = (
            losses(info, codec_named(self.codec), Path(self.request.output).suffix)
            if self.codec and self.entry.info.gives == "picture"
            else ()
        )
        return (*said, *info.notices, *lost)

    def warn(self, channel: JobChannel) -> None:
        """Send the notices as warnings, with what is lost of the sound. Raises what `try_sound` raises."""
        for notice in (*self.notices, *self.try_sound()):
            channel.emit(events.warning(notice))

    def try_sound(self) -> list[str]:
        """Try whether the deliverable can have the sound; return what of it is lost. Raises MediaError, OutputError."""
        return check_sound(self.spec(), Path(self.request.output)) if self.codec else []

    def input_facts(self) -> events.InputFacts:
        """The source, as described in events."""
        info = self.info
        return {
            "path": str(info.path), "width": info.width, "height": info.height, "rate": str(info.rate),
            "frames": info.frames, "range": (self.frames.start, self.frames.stop),
        }  # fmt: skip

    def output_facts(self, codec: str = "") -> events.OutputFacts:
        """The result, as described in events."""
        width, height = self.size
        return {"path": self.request.output, "width": width, "height": height, "codec": codec or self.codec}

    def started(self, device: str, codec: str = "") -> Message:
        """The `started` event."""
        return events.started(
            self.input_facts(),
            self.output_facts(codec),
            model="" if self.is_source else self.entry.name,
            device=device,
            estimate=self.estimate(device),
            working_space="" if self.working_space.curve is None else self.working_space.name,
        )

    def spec(self, *, job: str = "", overwrite: bool | None = None) -> OutputSpec:
        """What to write: the deliverable's format and metadata. Depth is grey unless a colour map is chosen."""
        family = self.entry.info
        look = DepthLook.of(family.fill_options(self.choices.model_options)) if family.gives == "depth" else None
        provenance = self._provenance() | ({JOB_KEY: job} if job else {})
        spec = OutputSpec.for_clip(
            self.info, self.frames, self.codec, size=self.size, provenance=provenance,
            overwrite=self.request.overwrite if overwrite is None else overwrite,
            grey=look is not None and look.colour_map == "none",
        )  # fmt: skip
        if self.is_source or family.hidden:  # its values do not change
            return spec
        deeper = codec_named(self.codec).follows_deeper(spec.source_format)
        full = spec.source_format.startswith("yuvj")  # which no deeper format says
        colour = replace(spec.colour, range="pc") if full else spec.colour
        return replace(spec, source_format=deeper, colour=colour) if deeper else spec

    def _provenance(self) -> dict[str, str]:
        """Settings of the job, for the deliverable's metadata: enough to repeat it."""
        about = {
            "answerprint_version": __version__,
            "answerprint_source": self.info.path.name,
            "answerprint_range": str(self.frames),
        }
        if self.is_source:
            return {**about, MADE_BY_KEY: self.made_by}
        return about | {
            "answerprint_model": f"{self.entry.name} {self.entry.version}".strip(),
            "answerprint_weights_sha256": " ".join(sha for _, sha in sorted(self.weights.items())),
            "answerprint_seed": str(self.request.seed),
            "answerprint_steps": f"{self.choices.steps} {self.choices.sampler}",
            "answerprint_method": repr(self.choices.method),
            MADE_BY_KEY: self.made_by,
        }

    @property
    def made_by(self) -> str:
        """What those who see the result should know of it."""
        if not self.is_source:
            return "generative restoration: detail may be invented"
        resized = "resized" if self.size != (self.info.width, self.info.height) else "as it is"
        return f"the source, {resized}: no model ran"


def resolve_job(request: RestoreRequest, *, preview: bool = False, on_read: OnRead = no_progress) -> ResolvedJob:
    """Probe the source and complete the request. Raises InputError if it cannot be done.

    on_read: called with the number of frames found so far while the source is read; may raise.
    """
    entry = at_hand(request.model)  # its weights count in the fingerprint
    choices = resolve(request, entry.info)
    if entry.info.gives == "depth" and request.strength != 1:
        raise InputError(f"{entry.name} produces depth; --strength does not apply.", "Leave --strength out.")
    info = replace(read_source(request.clip, on_read), damaged=DamagePolicy(request.damaged))
    frames = request.clip.frames(info)
    check_spacing(info, frames)
    info = replace(sized_at(info, frames.start), notices=(*info.notices, *spacing_notices(info, frames)))
    if request.parts and info.stored is not None and info.stored.frames != info.frames:
        raise InputError(
            "Only parts with the frames of the source are joined.", "Leave --deinterlace or --telecine out."
        )
    codec, why = ("", "") if preview else codec_for_source(Path(request.output), request.codec, info)
    info = replace(info, notices=(*info.notices, why)) if why else info
    if codec and not codec_named(codec).keeps_windows:
        info = _without_overscan(info, codec)
    size = _size(request, info, entry, choices)
    if codec:
        codec_named(codec).check_fits(*size)
    return ResolvedJob(request, info, frames, entry, _enlarged(choices, info, entry, size), size, codec)


def _without_overscan(info: ClipInfo, codec: str) -> ClipInfo:
    if info.display_window is None:
        return info
    cropped = info.without_overscan()
    notice = (
        f"The overscan of the source is left out: {info.width}x{info.height} become {cropped.width}x{cropped.height}, "
        f"because {codec} cannot hold it. Write EXR to keep it."
    )
    return replace(cropped, notices=(*info.notices, notice))


def read_source(clip: ClipRef, on_read: OnRead = no_progress) -> ClipInfo:
    """The clip as it is to be read: probed, looked at for fields unless its user knows them, and interpreted."""
    info = probe(clip.media, on_read=on_read)
    return clip.interpret(info if clip.fields is not None and not clip.telecine else find_fields(info))


def few_frames(resolved: ResolvedJob, request: PreviewRequest) -> ResolvedJob:
    """The job for the frames around the requested one. Raises InputError if that is not in the clip."""
    asked = clip_range(resolved.info, FrameRange(request.frame, request.frame + 1))
    if asked.start not in resolved.frames or not len(asked):
        frames = stored_range(resolved.info, resolved.frames)
        raise InputError(
            f"Frame {request.frame} is not in the clip.", f"Frames run from {frames.start} to {frames.stop - 1}."
        )
    first = max(resolved.frames.start, asked.start - request.count // 2)
    return replace(resolved, frames=FrameRange(first, min(resolved.frames.stop, first + request.count)))


def _size(request: RestoreRequest, info: ClipInfo, entry: ModelEntry, choices: Choices) -> tuple[int, int]:
    """Width and height of the output. Raises InputError for a size that the model cannot produce."""
    native = entry.info.scale_for(request.task, choices.model_options)
    if request.size is not None:
        width, height = request.size
    else:
        factor = request.factor or Fraction(native)
        width, height = round(info.width * factor), round(info.height * factor)
    most = entry.info.largest_scale or entry.info.scale
    if width > info.width * most or height > info.height * most or width < 1 or height < 1:
        raise InputError(
            f"{entry.name} cannot produce {width}x{height} from {info.width}x{info.height}.",
            f"Choose at most {info.width * most}x{info.height * most} ({most} times).",
        )
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise InputError(
            f"{entry.name} would produce {width}x{height} from {info.width}x{info.height}: too large to write.",
            f"Choose a smaller --scale: at most {MAX_SIDE} pixels per side and {MAX_PIXELS} in total.",
        )
    return width, height


def _enlarged(choices: Choices, info: ClipInfo, entry: ModelEntry, size: tuple[int, int]) -> Choices:
    """The choices with the smallest sufficient scale, for models that offer several."""
    option, given = entry.info.scale_option, choices.model_options
    if not option or int(given.get(option, "0")):
        return choices
    needed = max(-(-size[0] // info.width), -(-size[1] // info.height))
    return replace(choices, model_options={**given, option: str(min(max(1, needed), entry.info.scale))})
