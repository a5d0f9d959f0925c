from answerprint.rpc.v1 import restoration_pb2 as _restoration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetFrameRequest(_message.Message):
    __slots__ = ("job", "frame", "side", "format", "max_width", "max_height")
    class Side(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SIDE_UNSPECIFIED: _ClassVar[GetFrameRequest.Side]
        SIDE_RESTORED: _ClassVar[GetFrameRequest.Side]
        SIDE_SOURCE: _ClassVar[GetFrameRequest.Side]
    SIDE_UNSPECIFIED: GetFrameRequest.Side
    SIDE_RESTORED: GetFrameRequest.Side
    SIDE_SOURCE: GetFrameRequest.Side
    class Format(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FORMAT_UNSPECIFIED: _ClassVar[GetFrameRequest.Format]
        FORMAT_PNG: _ClassVar[GetFrameRequest.Format]
        FORMAT_JPEG: _ClassVar[GetFrameRequest.Format]
    FORMAT_UNSPECIFIED: GetFrameRequest.Format
    FORMAT_PNG: GetFrameRequest.Format
    FORMAT_JPEG: GetFrameRequest.Format
    JOB_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    MAX_WIDTH_FIELD_NUMBER: _ClassVar[int]
    MAX_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    job: str
    frame: int
    side: GetFrameRequest.Side
    format: GetFrameRequest.Format
    max_width: int
    max_height: int
    def __init__(self, job: _Optional[str] = ..., frame: _Optional[int] = ..., side: _Optional[_Union[GetFrameRequest.Side, str]] = ..., format: _Optional[_Union[GetFrameRequest.Format, str]] = ..., max_width: _Optional[int] = ..., max_height: _Optional[int] = ...) -> None: ...

class FramePart(_message.Message):
    __slots__ = ("media_type", "width", "height", "total_bytes", "data")
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    media_type: str
    width: int
    height: int
    total_bytes: int
    data: bytes
    def __init__(self, media_type: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., total_bytes: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class DescribeMediaRequest(_message.Message):
    __slots__ = ("media", "details")
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    media: str
    details: bool
    def __init__(self, media: _Optional[str] = ..., details: _Optional[bool] = ...) -> None: ...

class MediaFact(_message.Message):
    __slots__ = ("name", "text")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    name: str
    text: str
    def __init__(self, name: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class MediaInfo(_message.Message):
    __slots__ = ("media", "sequence", "width", "height", "rate", "rate_is_assumed", "frames", "pixel_aspect", "start_timecode", "start_number", "interlaced", "audio", "alpha", "codec", "bit_depth", "restored", "facts", "warnings", "plan")
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    RATE_IS_ASSUMED_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    PIXEL_ASPECT_FIELD_NUMBER: _ClassVar[int]
    START_TIMECODE_FIELD_NUMBER: _ClassVar[int]
    START_NUMBER_FIELD_NUMBER: _ClassVar[int]
    INTERLACED_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    BIT_DEPTH_FIELD_NUMBER: _ClassVar[int]
    RESTORED_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    media: str
    sequence: bool
    width: int
    height: int
    rate: _restoration_pb2.Rational
    rate_is_assumed: bool
    frames: int
    pixel_aspect: _restoration_pb2.Rational
    start_timecode: str
    start_number: int
    interlaced: bool
    audio: bool
    alpha: bool
    codec: str
    bit_depth: int
    restored: bool
    facts: _containers.RepeatedCompositeFieldContainer[MediaFact]
    warnings: _containers.RepeatedScalarFieldContainer[str]
    plan: _restoration_pb2.Understood
    def __init__(self, media: _Optional[str] = ..., sequence: _Optional[bool] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., rate: _Optional[_Union[_restoration_pb2.Rational, _Mapping]] = ..., rate_is_assumed: _Optional[bool] = ..., frames: _Optional[int] = ..., pixel_aspect: _Optional[_Union[_restoration_pb2.Rational, _Mapping]] = ..., start_timecode: _Optional[str] = ..., start_number: _Optional[int] = ..., interlaced: _Optional[bool] = ..., audio: _Optional[bool] = ..., alpha: _Optional[bool] = ..., codec: _Optional[str] = ..., bit_depth: _Optional[int] = ..., restored: _Optional[bool] = ..., facts: _Optional[_Iterable[_Union[MediaFact, _Mapping]]] = ..., warnings: _Optional[_Iterable[str]] = ..., plan: _Optional[_Union[_restoration_pb2.Understood, _Mapping]] = ...) -> None: ...
