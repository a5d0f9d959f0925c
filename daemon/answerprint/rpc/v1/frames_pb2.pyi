from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
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
