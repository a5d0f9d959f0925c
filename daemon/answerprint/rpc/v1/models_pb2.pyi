from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models", "method_options")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    METHOD_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    method_options: _containers.RepeatedCompositeFieldContainer[Option]
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ..., method_options: _Optional[_Iterable[_Union[Option, _Mapping]]] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("name", "version", "family", "summary", "licence", "tasks", "scale", "largest_scale", "default_steps", "samplers", "options", "ready", "fault", "state", "size", "licence_terms", "unhashed_files", "gives", "task_scales", "most_steps")
    class TaskScalesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    LARGEST_SCALE_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_STEPS_FIELD_NUMBER: _ClassVar[int]
    SAMPLERS_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    LICENCE_TERMS_FIELD_NUMBER: _ClassVar[int]
    UNHASHED_FILES_FIELD_NUMBER: _ClassVar[int]
    GIVES_FIELD_NUMBER: _ClassVar[int]
    TASK_SCALES_FIELD_NUMBER: _ClassVar[int]
    MOST_STEPS_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    family: str
    summary: str
    licence: str
    tasks: _containers.RepeatedScalarFieldContainer[str]
    scale: int
    largest_scale: int
    default_steps: int
    samplers: _containers.RepeatedScalarFieldContainer[str]
    options: _containers.RepeatedCompositeFieldContainer[Option]
    ready: bool
    fault: str
    state: str
    size: int
    licence_terms: Licence
    unhashed_files: _containers.RepeatedScalarFieldContainer[str]
    gives: str
    task_scales: _containers.ScalarMap[str, int]
    most_steps: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., family: _Optional[str] = ..., summary: _Optional[str] = ..., licence: _Optional[str] = ..., tasks: _Optional[_Iterable[str]] = ..., scale: _Optional[int] = ..., largest_scale: _Optional[int] = ..., default_steps: _Optional[int] = ..., samplers: _Optional[_Iterable[str]] = ..., options: _Optional[_Iterable[_Union[Option, _Mapping]]] = ..., ready: _Optional[bool] = ..., fault: _Optional[str] = ..., state: _Optional[str] = ..., size: _Optional[int] = ..., licence_terms: _Optional[_Union[Licence, _Mapping]] = ..., unhashed_files: _Optional[_Iterable[str]] = ..., gives: _Optional[str] = ..., task_scales: _Optional[_Mapping[str, int]] = ..., most_steps: _Optional[int] = ...) -> None: ...

class Option(_message.Message):
    __slots__ = ("name", "kind", "default_value", "help", "minimum", "maximum", "choices", "unit", "group", "format")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_VALUE_FIELD_NUMBER: _ClassVar[int]
    HELP_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    default_value: str
    help: str
    minimum: float
    maximum: float
    choices: _containers.RepeatedScalarFieldContainer[str]
    unit: str
    group: str
    format: str
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., default_value: _Optional[str] = ..., help: _Optional[str] = ..., minimum: _Optional[float] = ..., maximum: _Optional[float] = ..., choices: _Optional[_Iterable[str]] = ..., unit: _Optional[str] = ..., group: _Optional[str] = ..., format: _Optional[str] = ...) -> None: ...

class LoadModelRequest(_message.Message):
    __slots__ = ("model", "device", "keep_alive_seconds")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    KEEP_ALIVE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    model: str
    device: str
    keep_alive_seconds: float
    def __init__(self, model: _Optional[str] = ..., device: _Optional[str] = ..., keep_alive_seconds: _Optional[float] = ...) -> None: ...

class WarmModel(_message.Message):
    __slots__ = ("model", "device", "bytes", "load_seconds", "remaining_seconds", "in_use")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    LOAD_SECONDS_FIELD_NUMBER: _ClassVar[int]
    REMAINING_SECONDS_FIELD_NUMBER: _ClassVar[int]
    IN_USE_FIELD_NUMBER: _ClassVar[int]
    model: str
    device: str
    bytes: int
    load_seconds: float
    remaining_seconds: float
    in_use: bool
    def __init__(self, model: _Optional[str] = ..., device: _Optional[str] = ..., bytes: _Optional[int] = ..., load_seconds: _Optional[float] = ..., remaining_seconds: _Optional[float] = ..., in_use: _Optional[bool] = ...) -> None: ...

class UnloadModelRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class UnloadModelResponse(_message.Message):
    __slots__ = ("unloaded",)
    UNLOADED_FIELD_NUMBER: _ClassVar[int]
    unloaded: int
    def __init__(self, unloaded: _Optional[int] = ...) -> None: ...

class Licence(_message.Message):
    __slots__ = ("title", "url", "text")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    title: str
    url: str
    text: str
    def __init__(self, title: _Optional[str] = ..., url: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class PullModelRequest(_message.Message):
    __slots__ = ("model", "accept_licence", "trust_first_download")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_LICENCE_FIELD_NUMBER: _ClassVar[int]
    TRUST_FIRST_DOWNLOAD_FIELD_NUMBER: _ClassVar[int]
    model: str
    accept_licence: bool
    trust_first_download: bool
    def __init__(self, model: _Optional[str] = ..., accept_licence: _Optional[bool] = ..., trust_first_download: _Optional[bool] = ...) -> None: ...

class PullEvent(_message.Message):
    __slots__ = ("stage", "file", "done_bytes", "total_bytes", "bytes_per_second", "remaining_seconds")
    class Stage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STAGE_UNSPECIFIED: _ClassVar[PullEvent.Stage]
        STAGE_FETCH: _ClassVar[PullEvent.Stage]
        STAGE_CONVERT: _ClassVar[PullEvent.Stage]
        STAGE_CHECK: _ClassVar[PullEvent.Stage]
        STAGE_DONE: _ClassVar[PullEvent.Stage]
    STAGE_UNSPECIFIED: PullEvent.Stage
    STAGE_FETCH: PullEvent.Stage
    STAGE_CONVERT: PullEvent.Stage
    STAGE_CHECK: PullEvent.Stage
    STAGE_DONE: PullEvent.Stage
    STAGE_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    DONE_BYTES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    BYTES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    REMAINING_SECONDS_FIELD_NUMBER: _ClassVar[int]
    stage: PullEvent.Stage
    file: str
    done_bytes: int
    total_bytes: int
    bytes_per_second: float
    remaining_seconds: float
    def __init__(self, stage: _Optional[_Union[PullEvent.Stage, str]] = ..., file: _Optional[str] = ..., done_bytes: _Optional[int] = ..., total_bytes: _Optional[int] = ..., bytes_per_second: _Optional[float] = ..., remaining_seconds: _Optional[float] = ...) -> None: ...
