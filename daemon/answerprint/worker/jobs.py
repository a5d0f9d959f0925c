"""What the device worker does for a request: from probing the source to the verified deliverable."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from answerprint import __version__
from answerprint.backends.base import Backend
from answerprint.backends.catalogue import ModelEntry, find
from answerprint.backends.load import load
from answerprint.errors import InputError, JobFailedError
from answerprint.flow.registry import get_estimator
from answerprint.flow.source import FlowSource
from answerprint.frames import ClipInfo, Frame, FrameRange, OutputSpec, default_codec, events, parse_range
from answerprint.frames.channel import ChildChannel
from answerprint.frames.request import PreviewRequest, RestoreRequest
from answerprint.media import check_output, open_reader, open_writer, probe
from answerprint.models.manifest import read_manifest
from answerprint.store import atomic
from answerprint.temporal.sampler import Tiles
from answerprint.temporal.stopwatch import Stopwatch

from .choices import Choices, resolve
from .device_choice import choose_device, peak_memory_bytes, stopwatch
from .flow_cache import open_flow_cache
from .previews import before_after
from .restore import Progress, Settings, decoded, restore_clip

__all__ = ["preview", "restore"]


@dataclass(slots=True)
class _Eta:
    """Progress of a job in frames, with the time it will still take; a running chunk counts by its steps."""

    channel: ChildChannel
    total: int
    started: float = field(default_factory=time.monotonic)

    def __call__(self, progress: Progress) -> None:
        """Report, and end the job if the parent no longer wants it."""
        self.channel.check()
        share = progress.frames + progress.chunk_frames * progress.step / progress.steps
        rate = (time.monotonic() - self.started) / share if share else None
        self.channel.emit(
            events.progress(
                "denoise",
                progress.frames,
                self.total,
                seconds_per_frame=rate,
                eta_seconds=None if rate is None else rate * (self.total - share),
                chunk=progress.chunk,
                step=progress.step,
                steps=progress.steps,
            )
        )


@dataclass(slots=True)
class _Job:
    """A request that was found possible."""

    request: RestoreRequest
    info: ClipInfo
    frames: FrameRange
    entry: ModelEntry
    choices: Choices
    size: tuple[int, int]
    watch: Stopwatch

    def settings(self, backend: Backend) -> Settings:
        """What the pipeline is told."""
        tile = backend.info.tile_cells
        return Settings(
            self.choices.method,
            seed=self.request.seed,
            strength=self.request.strength,
            size=self.size,
            tiles=Tiles(tile, overlap=max(8, tile // 8), multiple=backend.info.multiple_of),
        )


def restore(request: RestoreRequest, channel: ChildChannel) -> None:
    """Restore a clip into its deliverable; nothing stands under its name unless all of it is right."""
    began = time.monotonic()
    channel.emit(events.stage("probe", f"Reading {Path(request.input).name}"))
    job = _understand(request)
    codec = request.codec or default_codec(request.output)
    check_output(Path(request.output), codec, job.info, request.overwrite, job.frames)
    device = choose_device(request.device)
    channel.check()
    channel.emit(events.stage("load", f"Loading {request.model}"))
    job.watch = stopwatch(device)
    backend = load(job.entry, device)
    backend.configure(steps=job.choices.steps, sampler=job.choices.sampler, options=dict(job.choices.model_options))
    cache = open_flow_cache()
    flow = FlowSource(get_estimator("dis"), cache)
    spec = OutputSpec.for_clip(
        job.info, job.frames, codec, size=job.size, provenance=_provenance(job), overwrite=request.overwrite
    )
    channel.emit(_started(job, codec, str(device)))
    with cache.lease(), open_writer(Path(request.output), spec) as writer:
        with open_reader(job.info, job.frames) as reader:
            source = decoded(reader, job.watch, channel.check)
            report = _Eta(channel, len(job.frames))
            for chunk in restore_clip(
                source, backend, flow, job.settings(backend), watch=job.watch, on_progress=report
            ):
                with job.watch.stage("write"):
                    for frame in chunk:
                        channel.check()
                        writer.write(frame.picture, frame.alpha)
        channel.emit(events.stage("mux", "Finishing the file"))
    channel.emit(events.stage("verify", "Checking the result"))
    _verify(job, codec, spec)
    channel.emit(
        events.done(
            request.output,
            len(job.frames),
            time.monotonic() - began,
            flow_cache={"hits": flow.hits, "misses": flow.misses},
            peak_memory_bytes=peak_memory_bytes(device),
            stages=job.watch.seconds,
        )
    )


def preview(request: PreviewRequest, channel: ChildChannel) -> None:
    """Restore a few frames and write each beside its source, as PNG files in the request's output folder."""
    began = time.monotonic()
    channel.emit(events.stage("probe", f"Reading {Path(request.restore.input).name}"))
    job = _understand(request.restore)
    if request.frame not in job.frames:
        raise InputError(
            f"Frame {request.frame} is not in the clip.",
            f"Frames run from {job.frames.start} to {job.frames.stop - 1}.",
        )
    first = max(job.frames.start, request.frame - request.count // 2)
    job.frames = FrameRange(first, min(job.frames.stop, first + request.count))
    folder = Path(request.restore.output)
    device = choose_device(request.restore.device)
    channel.emit(events.stage("load", f"Loading {request.restore.model}"))
    job.watch = stopwatch(device)
    backend = load(job.entry, device)
    backend.configure(steps=job.choices.steps, sampler=job.choices.sampler, options=dict(job.choices.model_options))
    cache = open_flow_cache()
    flow = FlowSource(get_estimator("dis"), cache)
    channel.emit(_started(job, "png", str(device)))
    files: list[str] = []
    with cache.lease(), open_reader(job.info, job.frames) as reader:
        sources: dict[int, Frame] = {}

        def keep(frames: Iterator[Frame]) -> Iterator[Frame]:
            for frame in frames:
                sources[frame.index] = frame
                yield frame

        report = _Eta(channel, len(job.frames))
        source = keep(decoded(reader, job.watch, channel.check))
        for chunk in restore_clip(source, backend, flow, job.settings(backend), watch=job.watch, on_progress=report):
            for frame in chunk:
                file = folder / f"{job.info.path.stem}-{frame.index:06d}.png"
                data = before_after(sources.pop(frame.index).picture, frame.picture)
                _write(file, data, request.restore.overwrite)
                files.append(str(file))
    channel.emit(
        events.done(
            str(folder), len(files), time.monotonic() - began,
            flow_cache={"hits": flow.hits, "misses": flow.misses},
            peak_memory_bytes=peak_memory_bytes(device), stages=job.watch.seconds, files=files,
        )
    )  # fmt: skip


def _understand(request: RestoreRequest) -> _Job:
    """Probe the source and complete the request; raises InputError for whatever cannot be done."""
    entry = find(request.model)
    choices = resolve(request, entry.info)
    info = probe(request.input)
    frames = info.checked(None) if request.range is None else parse_range(request.range, info)
    return _Job(request, info, frames, entry, choices, _size(request, info, entry), Stopwatch())


def _size(request: RestoreRequest, info: ClipInfo, entry: ModelEntry) -> tuple[int, int]:
    """Width and height of the output; raises InputError for one that the model cannot make."""
    native = entry.info.scale
    if request.size is not None:
        width, height = request.size
    else:
        factor = request.factor or Fraction(native)
        width, height = round(info.width * factor), round(info.height * factor)
    most = entry.info.largest_scale or native
    if width > info.width * most or height > info.height * most or width < 1 or height < 1:
        raise InputError(
            f"{entry.name} cannot make {width}x{height} of {info.width}x{info.height}.",
            f"Choose at most {info.width * most}x{info.height * most} ({most} times).",
        )
    return width, height


def _provenance(job: _Job) -> Mapping[str, str]:
    """What was done, for the deliverable's metadata: enough to do it again."""
    manifest = read_manifest(job.entry.folder) if job.entry.folder is not None else None
    weights = {} if manifest is None else {f.name: f.sha256 for f in manifest.files}
    hashes = [h for name, h in sorted(weights.items()) if name.endswith(".safetensors")]
    return {
        "answerprint_version": __version__,
        "answerprint_model": f"{job.entry.name} {job.entry.version}".strip(),
        "answerprint_weights_sha256": " ".join(hashes),
        "answerprint_seed": str(job.request.seed),
        "answerprint_steps": f"{job.choices.steps} {job.choices.sampler}",
        "answerprint_method": repr(job.choices.method),
        "answerprint_source": job.info.path.name,
        "answerprint_range": str(job.frames),
        "answerprint_made_by": "generative restoration: detail may be invented",
    }


def _started(job: _Job, codec: str, device: str) -> dict[str, object]:
    """The event that says what will be done."""
    info = job.info
    cells = (info.width * job.entry.info.scale // job.entry.info.latent_factor) * (
        info.height * job.entry.info.scale // job.entry.info.latent_factor
    )
    return events.started(
        {
            "path": str(info.path), "width": info.width, "height": info.height, "rate": str(info.rate),
            "frames": info.frames, "range": (job.frames.start, job.frames.stop),
        },
        {"path": job.request.output, "width": job.size[0], "height": job.size[1], "codec": codec},
        model=job.entry.name,
        device=device,
        estimate={"memory_bytes": cells * job.choices.method.chunk * job.entry.info.bytes_per_cell},
    )  # fmt: skip


def _verify(job: _Job, codec: str, spec: OutputSpec) -> None:
    """Read the deliverable back: as many frames, of the size and rate, as were asked for."""
    found = probe(job.request.output, spec.rate)
    problems = []
    if found.frames < len(job.frames):
        problems.append(f"{found.frames} of {len(job.frames)} frames")
    if (found.width, found.height) != job.size:
        problems.append(f"{found.width}x{found.height} in place of {job.size[0]}x{job.size[1]}")
    if found.kind == "file" and found.rate != spec.rate:
        problems.append(f"{found.rate} frames a second in place of {spec.rate}")
    if problems:
        raise JobFailedError(
            f"The {codec} file does not read back as written: {'; '.join(problems)}.", "Try another --codec."
        )


def _write(file: Path, data: bytes, overwrite: bool) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(file, data, overwrite=overwrite)
    except FileExistsError as error:
        raise InputError(f"{file} exists.", "Choose another folder, or --overwrite.") from error
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}.", "Choose another folder.") from error
