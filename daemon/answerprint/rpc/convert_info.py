"""Models and the daemon itself, between the protocol and the program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import cast

from answerprint.api.types import DaemonInfo, Disk, PullStep, WarmModel
from answerprint.backends.catalogue import ModelEntry
from answerprint.backends.info import BackendInfo
from answerprint.errors import ModelError
from answerprint.ipc.messages import Message
from answerprint.option import Option, OptionKind, OptionValue
from answerprint.rpc.limits import ServerLimits
from answerprint.rpc.v1 import models_pb2, system_pb2
from answerprint.rpc.values import carried_text, count
from answerprint.weights.published_models import known_models

__all__ = [
    "ModelForm",
    "info_from",
    "info_to",
    "model_from",
    "model_to",
    "option_from",
    "option_to",
    "pull_from",
    "pull_to",
    "warm_from",
    "warm_to",
]


@dataclass(frozen=True, slots=True)
class ModelForm:
    """One model as a front end shows it. fault: why it cannot be used although its files are there."""

    name: str
    version: str
    family: str
    summary: str
    licence: str
    tasks: tuple[str, ...]
    scale: int
    largest_scale: int
    default_steps: int
    samplers: tuple[str, ...]
    options: tuple[Option, ...]
    ready: bool
    fault: str
    state: str = ""
    size: int = 0
    licence_title: str = ""
    licence_url: str = ""
    licence_text: str = ""
    unhashed_files: tuple[str, ...] = ()
    gives: str = "picture"
    """picture, or depth, of which there is no strength."""
    task_scales: Mapping[str, int] = field(default_factory=dict)
    """Tasks that enlarge by another number than `scale` where no size is asked for."""
    most_steps: int = 0
    """Most steps that can be asked for; 0 is no limit."""


def option_to(option: Option) -> models_pb2.Option:
    """One setting, described."""
    return models_pb2.Option(
        name=option.name,
        kind=option.kind,
        default_value=option.default_text,
        help=option.help,
        minimum=option.minimum,
        maximum=option.maximum,
        choices=option.choices,
        unit=option.unit,
        group=option.group,
        format=option.format,
    )


def option_from(message: models_pb2.Option) -> Option:
    """The option that a daemon describes; one of a kind that is not known here is a line of text."""
    words = message.help or message.name
    try:
        return Option(
            name=message.name,
            kind=cast(OptionKind, message.kind),
            default=_default_of(message),
            help=words,
            group="basic" if message.group == "basic" else "advanced",
            minimum=message.minimum if message.HasField("minimum") else None,
            maximum=message.maximum if message.HasField("maximum") else None,
            choices=tuple(message.choices),
            unit=message.unit,
            format="span" if message.format == "span" else "",
        )
    except ValueError:
        return Option(name=message.name, kind="text", default=message.default_value, help=words)


def _default_of(message: models_pb2.Option) -> OptionValue:
    """The default of a description, of its kind. Raises ValueError where it is not."""
    given = message.default_value
    if message.format == "span":
        begin, _, end = given.partition("-")
        return float(begin), float(end)
    if message.kind == "bool":
        return given == "on"
    if message.kind == "int":
        return int(given)
    return float(given) if message.kind == "float" else given


def model_to(entry: ModelEntry) -> models_pb2.Model:
    """One model, on disk or not; of a family that this version does not have, what is known without it."""
    message = models_pb2.Model(
        name=carried_text(entry.name),
        version=carried_text(entry.version),
        family=carried_text(entry.family),
        summary=carried_text(entry.summary),
        licence=carried_text(entry.licence),
        scale=count(entry.scale),
        ready=entry.ready,
        fault=carried_text(entry.fault),
        state=entry.state,
        size=count(entry.size),
    )
    known = known_models().get(entry.name)
    if known is not None:
        terms = known.licence
        message.licence_terms.CopyFrom(models_pb2.Licence(title=terms.title, url=terms.url, text=terms.text))
        message.unhashed_files.extend(known.unhashed)
    try:
        info: BackendInfo = entry.info
    except ModelError as error:
        message.ready = False
        message.fault = message.fault or error.message
        return message
    message.tasks.extend(info.tasks)
    message.largest_scale = info.largest_scale or info.scale
    message.default_steps = info.default_steps
    message.gives = info.gives
    message.task_scales.update(dict(info.task_scales))
    message.most_steps = info.most_steps
    message.samplers.extend(info.samplers)
    message.options.extend(option_to(option) for option in info.own_options)
    return message


def model_from(message: models_pb2.Model) -> ModelForm:
    """What a front end shows."""
    return ModelForm(
        message.name,
        message.version,
        message.family,
        message.summary,
        message.licence,
        tuple(message.tasks),
        message.scale,
        message.largest_scale,
        message.default_steps,
        tuple(message.samplers),
        tuple(option_from(option) for option in message.options),
        message.ready,
        message.fault,
        message.state,
        message.size,
        message.licence_terms.title,
        message.licence_terms.url,
        message.licence_terms.text,
        tuple(message.unhashed_files),
        message.gives or "picture",
        dict(message.task_scales),
        message.most_steps,
    )


def warm_to(model: WarmModel) -> models_pb2.WarmModel:
    """A model in memory."""
    return models_pb2.WarmModel(
        model=carried_text(model.model),
        device=carried_text(model.device),
        bytes=count(model.bytes),
        load_seconds=model.load_seconds,
        remaining_seconds=model.remaining_seconds,
        in_use=model.in_use,
    )


def warm_from(message: models_pb2.WarmModel) -> WarmModel:
    """A model in memory."""
    return WarmModel(
        message.model, message.device, message.bytes, message.load_seconds, message.remaining_seconds, message.in_use
    )


_STAGES: Mapping[str, models_pb2.PullEvent.Stage] = MappingProxyType(
    {
        "fetch": models_pb2.PullEvent.STAGE_FETCH,
        "convert": models_pb2.PullEvent.STAGE_CONVERT,
        "check": models_pb2.PullEvent.STAGE_CHECK,
        "done": models_pb2.PullEvent.STAGE_DONE,
    }
)
_STAGE_NAMES = {number: name for name, number in _STAGES.items()}


def pull_to(step: PullStep) -> models_pb2.PullEvent:
    """How far a pull is."""
    return models_pb2.PullEvent(
        stage=_STAGES[step.stage],
        file=carried_text(step.file),
        done_bytes=count(step.done_bytes),
        total_bytes=count(step.total_bytes),
        bytes_per_second=step.bytes_per_second,
        remaining_seconds=step.remaining_seconds,
    )


def pull_from(message: models_pb2.PullEvent) -> PullStep:
    """How far a pull is; a stage that this version does not know is one of fetching."""
    return PullStep(
        _STAGE_NAMES.get(message.stage, "fetch"),
        message.file,
        message.done_bytes,
        message.total_bytes,
        message.bytes_per_second,
        message.remaining_seconds if message.HasField("remaining_seconds") else None,
    )


def info_to(info: DaemonInfo, limits: ServerLimits, protocol: int) -> system_pb2.Info:
    """What the daemon says of itself, with the limits of the server before it."""
    return system_pb2.Info(
        version=info.version,
        protocol=protocol,
        pid=info.pid,
        start_id=info.start_id,
        uptime_seconds=info.uptime_seconds,
        libraries={carried_text(name): carried_text(version) for name, version in info.libraries.items()},
        devices=[_device_to(device) for device in info.devices],
        warm_models=[warm_to(model) for model in info.warm_models],
        limits=system_pb2.Limits(
            max_message_bytes=limits.max_message_bytes,
            max_watchers=limits.max_watchers,
            max_calls=limits.max_calls,
            memory_cap_bytes=count(info.memory_cap_bytes),
            keep_alive_seconds=info.keep_alive_seconds,
        ),
        disks=[
            system_pb2.Disk(
                purpose=carried_text(disk.purpose),
                folder=carried_text(disk.folder),
                free_bytes=count(disk.free_bytes),
                used_bytes=count(disk.used_bytes),
            )
            for disk in info.disks
        ],
        jobs={carried_text(state): count(jobs) for state, jobs in info.jobs.items()},
        suspended=info.suspended,
        suspend_reason=carried_text(info.suspend_reason),
        resident_bytes=count(info.resident_bytes),
        problems=[carried_text(problem) for problem in info.problems],
    )


def info_from(message: system_pb2.Info) -> DaemonInfo:
    """What the daemon says of itself."""
    return DaemonInfo(
        version=message.version,
        pid=message.pid,
        start_id=message.start_id,
        uptime_seconds=message.uptime_seconds,
        libraries=dict(message.libraries),
        devices=[_device_from(device) for device in message.devices],
        warm_models=[warm_from(model) for model in message.warm_models],
        memory_cap_bytes=message.limits.memory_cap_bytes,
        keep_alive_seconds=message.limits.keep_alive_seconds,
        disks=[Disk(each.purpose, each.folder, each.free_bytes, each.used_bytes) for each in message.disks],
        jobs=dict(message.jobs),
        suspended=message.suspended,
        suspend_reason=message.suspend_reason,
        resident_bytes=message.resident_bytes,
        problems=list(message.problems),
    )


def _device_to(device: Message) -> system_pb2.Device:
    return system_pb2.Device(
        name=carried_text(device.get("name")),
        about=carried_text(device.get("about")),
        total_bytes=count(device.get("bytes")),
        free_bytes=count(device.get("free_bytes")),
    )


def _device_from(message: system_pb2.Device) -> Message:
    known = {"bytes": message.total_bytes, "free_bytes": message.free_bytes}
    return {"name": message.name, "about": message.about} | {name: value for name, value in known.items() if value}
