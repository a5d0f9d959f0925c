from answerprint.rpc.v1 import models_pb2 as _models_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SuspendWorkRequest(_message.Message):
    __slots__ = ("reason", "unload")
    REASON_FIELD_NUMBER: _ClassVar[int]
    UNLOAD_FIELD_NUMBER: _ClassVar[int]
    reason: str
    unload: bool
    def __init__(self, reason: _Optional[str] = ..., unload: _Optional[bool] = ...) -> None: ...

class ResumeWorkRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ShutdownRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ShutdownResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Device(_message.Message):
    __slots__ = ("name", "about", "total_bytes", "free_bytes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ABOUT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    FREE_BYTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    about: str
    total_bytes: int
    free_bytes: int
    def __init__(self, name: _Optional[str] = ..., about: _Optional[str] = ..., total_bytes: _Optional[int] = ..., free_bytes: _Optional[int] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_message_bytes", "max_watchers", "max_calls", "memory_cap_bytes", "keep_alive_seconds")
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_WATCHERS_FIELD_NUMBER: _ClassVar[int]
    MAX_CALLS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_CAP_BYTES_FIELD_NUMBER: _ClassVar[int]
    KEEP_ALIVE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    max_message_bytes: int
    max_watchers: int
    max_calls: int
    memory_cap_bytes: int
    keep_alive_seconds: float
    def __init__(self, max_message_bytes: _Optional[int] = ..., max_watchers: _Optional[int] = ..., max_calls: _Optional[int] = ..., memory_cap_bytes: _Optional[int] = ..., keep_alive_seconds: _Optional[float] = ...) -> None: ...

class Disk(_message.Message):
    __slots__ = ("purpose", "folder", "free_bytes", "used_bytes")
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    FREE_BYTES_FIELD_NUMBER: _ClassVar[int]
    USED_BYTES_FIELD_NUMBER: _ClassVar[int]
    purpose: str
    folder: str
    free_bytes: int
    used_bytes: int
    def __init__(self, purpose: _Optional[str] = ..., folder: _Optional[str] = ..., free_bytes: _Optional[int] = ..., used_bytes: _Optional[int] = ...) -> None: ...

class Info(_message.Message):
    __slots__ = ("version", "protocol", "pid", "start_id", "uptime_seconds", "libraries", "devices", "warm_models", "limits", "disks", "jobs", "suspended", "suspend_reason", "resident_bytes", "problems")
    class LibrariesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class JobsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    START_ID_FIELD_NUMBER: _ClassVar[int]
    UPTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LIBRARIES_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    WARM_MODELS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    DISKS_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    SUSPENDED_FIELD_NUMBER: _ClassVar[int]
    SUSPEND_REASON_FIELD_NUMBER: _ClassVar[int]
    RESIDENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    version: str
    protocol: int
    pid: int
    start_id: str
    uptime_seconds: float
    libraries: _containers.ScalarMap[str, str]
    devices: _containers.RepeatedCompositeFieldContainer[Device]
    warm_models: _containers.RepeatedCompositeFieldContainer[_models_pb2.WarmModel]
    limits: Limits
    disks: _containers.RepeatedCompositeFieldContainer[Disk]
    jobs: _containers.ScalarMap[str, int]
    suspended: bool
    suspend_reason: str
    resident_bytes: int
    problems: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, version: _Optional[str] = ..., protocol: _Optional[int] = ..., pid: _Optional[int] = ..., start_id: _Optional[str] = ..., uptime_seconds: _Optional[float] = ..., libraries: _Optional[_Mapping[str, str]] = ..., devices: _Optional[_Iterable[_Union[Device, _Mapping]]] = ..., warm_models: _Optional[_Iterable[_Union[_models_pb2.WarmModel, _Mapping]]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., disks: _Optional[_Iterable[_Union[Disk, _Mapping]]] = ..., jobs: _Optional[_Mapping[str, int]] = ..., suspended: _Optional[bool] = ..., suspend_reason: _Optional[str] = ..., resident_bytes: _Optional[int] = ..., problems: _Optional[_Iterable[str]] = ...) -> None: ...
