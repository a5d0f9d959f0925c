import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATE_UNSPECIFIED: _ClassVar[JobState]
    JOB_STATE_QUEUED: _ClassVar[JobState]
    JOB_STATE_RUNNING: _ClassVar[JobState]
    JOB_STATE_PAUSED: _ClassVar[JobState]
    JOB_STATE_MUXING: _ClassVar[JobState]
    JOB_STATE_DONE: _ClassVar[JobState]
    JOB_STATE_FAILED: _ClassVar[JobState]
    JOB_STATE_CANCELLED: _ClassVar[JobState]
JOB_STATE_UNSPECIFIED: JobState
JOB_STATE_QUEUED: JobState
JOB_STATE_RUNNING: JobState
JOB_STATE_PAUSED: JobState
JOB_STATE_MUXING: JobState
JOB_STATE_DONE: JobState
JOB_STATE_FAILED: JobState
JOB_STATE_CANCELLED: JobState

class Rational(_message.Message):
    __slots__ = ("numerator", "denominator")
    NUMERATOR_FIELD_NUMBER: _ClassVar[int]
    DENOMINATOR_FIELD_NUMBER: _ClassVar[int]
    numerator: int
    denominator: int
    def __init__(self, numerator: _Optional[int] = ..., denominator: _Optional[int] = ...) -> None: ...

class FrameRange(_message.Message):
    __slots__ = ("first", "stop")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    first: int
    stop: int
    def __init__(self, first: _Optional[int] = ..., stop: _Optional[int] = ...) -> None: ...

class ClipRef(_message.Message):
    __slots__ = ("media", "range", "range_text", "handle_before", "handle_after", "rate", "start_timecode", "drop_frame", "pixel_aspect", "field_order", "levels", "colour_space", "gamma", "alpha", "audio", "reel", "editor", "deinterlace", "telecine")
    class FieldOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FIELD_ORDER_UNSPECIFIED: _ClassVar[ClipRef.FieldOrder]
        FIELD_ORDER_PROGRESSIVE: _ClassVar[ClipRef.FieldOrder]
        FIELD_ORDER_TOP_FIRST: _ClassVar[ClipRef.FieldOrder]
        FIELD_ORDER_BOTTOM_FIRST: _ClassVar[ClipRef.FieldOrder]
        FIELD_ORDER_MIXED: _ClassVar[ClipRef.FieldOrder]
    FIELD_ORDER_UNSPECIFIED: ClipRef.FieldOrder
    FIELD_ORDER_PROGRESSIVE: ClipRef.FieldOrder
    FIELD_ORDER_TOP_FIRST: ClipRef.FieldOrder
    FIELD_ORDER_BOTTOM_FIRST: ClipRef.FieldOrder
    FIELD_ORDER_MIXED: ClipRef.FieldOrder
    class Levels(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        LEVELS_UNSPECIFIED: _ClassVar[ClipRef.Levels]
        LEVELS_VIDEO: _ClassVar[ClipRef.Levels]
        LEVELS_FULL: _ClassVar[ClipRef.Levels]
    LEVELS_UNSPECIFIED: ClipRef.Levels
    LEVELS_VIDEO: ClipRef.Levels
    LEVELS_FULL: ClipRef.Levels
    class Alpha(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ALPHA_UNSPECIFIED: _ClassVar[ClipRef.Alpha]
        ALPHA_NONE: _ClassVar[ClipRef.Alpha]
        ALPHA_STRAIGHT: _ClassVar[ClipRef.Alpha]
        ALPHA_PREMULTIPLIED: _ClassVar[ClipRef.Alpha]
    ALPHA_UNSPECIFIED: ClipRef.Alpha
    ALPHA_NONE: ClipRef.Alpha
    ALPHA_STRAIGHT: ClipRef.Alpha
    ALPHA_PREMULTIPLIED: ClipRef.Alpha
    class EditorEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    RANGE_TEXT_FIELD_NUMBER: _ClassVar[int]
    HANDLE_BEFORE_FIELD_NUMBER: _ClassVar[int]
    HANDLE_AFTER_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    START_TIMECODE_FIELD_NUMBER: _ClassVar[int]
    DROP_FRAME_FIELD_NUMBER: _ClassVar[int]
    PIXEL_ASPECT_FIELD_NUMBER: _ClassVar[int]
    FIELD_ORDER_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    COLOUR_SPACE_FIELD_NUMBER: _ClassVar[int]
    GAMMA_FIELD_NUMBER: _ClassVar[int]
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    REEL_FIELD_NUMBER: _ClassVar[int]
    EDITOR_FIELD_NUMBER: _ClassVar[int]
    DEINTERLACE_FIELD_NUMBER: _ClassVar[int]
    TELECINE_FIELD_NUMBER: _ClassVar[int]
    media: str
    range: FrameRange
    range_text: str
    handle_before: int
    handle_after: int
    rate: Rational
    start_timecode: str
    drop_frame: bool
    pixel_aspect: Rational
    field_order: ClipRef.FieldOrder
    levels: ClipRef.Levels
    colour_space: str
    gamma: str
    alpha: ClipRef.Alpha
    audio: bool
    reel: str
    editor: _containers.ScalarMap[str, str]
    deinterlace: str
    telecine: str
    def __init__(self, media: _Optional[str] = ..., range: _Optional[_Union[FrameRange, _Mapping]] = ..., range_text: _Optional[str] = ..., handle_before: _Optional[int] = ..., handle_after: _Optional[int] = ..., rate: _Optional[_Union[Rational, _Mapping]] = ..., start_timecode: _Optional[str] = ..., drop_frame: _Optional[bool] = ..., pixel_aspect: _Optional[_Union[Rational, _Mapping]] = ..., field_order: _Optional[_Union[ClipRef.FieldOrder, str]] = ..., levels: _Optional[_Union[ClipRef.Levels, str]] = ..., colour_space: _Optional[str] = ..., gamma: _Optional[str] = ..., alpha: _Optional[_Union[ClipRef.Alpha, str]] = ..., audio: _Optional[bool] = ..., reel: _Optional[str] = ..., editor: _Optional[_Mapping[str, str]] = ..., deinterlace: _Optional[str] = ..., telecine: _Optional[str] = ...) -> None: ...

class PictureSize(_message.Message):
    __slots__ = ("width", "height")
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    width: int
    height: int
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class Settings(_message.Message):
    __slots__ = ("model", "task", "scale", "size", "chunk", "steps", "seed", "strength", "noise", "consistency", "options", "device", "damaged", "working_space")
    class OptionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    NOISE_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    DAMAGED_FIELD_NUMBER: _ClassVar[int]
    WORKING_SPACE_FIELD_NUMBER: _ClassVar[int]
    model: str
    task: str
    scale: str
    size: PictureSize
    chunk: int
    steps: int
    seed: int
    strength: float
    noise: str
    consistency: bool
    options: _containers.ScalarMap[str, str]
    device: str
    damaged: str
    working_space: str
    def __init__(self, model: _Optional[str] = ..., task: _Optional[str] = ..., scale: _Optional[str] = ..., size: _Optional[_Union[PictureSize, _Mapping]] = ..., chunk: _Optional[int] = ..., steps: _Optional[int] = ..., seed: _Optional[int] = ..., strength: _Optional[float] = ..., noise: _Optional[str] = ..., consistency: _Optional[bool] = ..., options: _Optional[_Mapping[str, str]] = ..., device: _Optional[str] = ..., damaged: _Optional[str] = ..., working_space: _Optional[str] = ...) -> None: ...

class Deliverable(_message.Message):
    __slots__ = ("path", "codec", "overwrite", "parts", "sidecar", "framemd5")
    PATH_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    OVERWRITE_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    SIDECAR_FIELD_NUMBER: _ClassVar[int]
    FRAMEMD5_FIELD_NUMBER: _ClassVar[int]
    path: str
    codec: str
    overwrite: bool
    parts: _containers.RepeatedCompositeFieldContainer[RestoredPart]
    sidecar: bool
    framemd5: bool
    def __init__(self, path: _Optional[str] = ..., codec: _Optional[str] = ..., overwrite: _Optional[bool] = ..., parts: _Optional[_Iterable[_Union[RestoredPart, _Mapping]]] = ..., sidecar: _Optional[bool] = ..., framemd5: _Optional[bool] = ...) -> None: ...

class RestoredPart(_message.Message):
    __slots__ = ("path", "frames")
    PATH_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    path: str
    frames: FrameRange
    def __init__(self, path: _Optional[str] = ..., frames: _Optional[_Union[FrameRange, _Mapping]] = ...) -> None: ...

class Preview(_message.Message):
    __slots__ = ("frame", "count", "folder", "overwrite")
    FRAME_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    OVERWRITE_FIELD_NUMBER: _ClassVar[int]
    frame: int
    count: int
    folder: str
    overwrite: bool
    def __init__(self, frame: _Optional[int] = ..., count: _Optional[int] = ..., folder: _Optional[str] = ..., overwrite: _Optional[bool] = ...) -> None: ...

class SubmitJobRequest(_message.Message):
    __slots__ = ("id", "clip", "settings", "deliverable", "preview", "priority", "not_before", "label", "after")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLIP_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    DELIVERABLE_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    id: str
    clip: ClipRef
    settings: Settings
    deliverable: Deliverable
    preview: Preview
    priority: int
    not_before: _timestamp_pb2.Timestamp
    label: str
    after: str
    def __init__(self, id: _Optional[str] = ..., clip: _Optional[_Union[ClipRef, _Mapping]] = ..., settings: _Optional[_Union[Settings, _Mapping]] = ..., deliverable: _Optional[_Union[Deliverable, _Mapping]] = ..., preview: _Optional[_Union[Preview, _Mapping]] = ..., priority: _Optional[int] = ..., not_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., label: _Optional[str] = ..., after: _Optional[str] = ...) -> None: ...

class SubmitJobResponse(_message.Message):
    __slots__ = ("job", "created")
    JOB_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    job: Job
    created: bool
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ..., created: _Optional[bool] = ...) -> None: ...

class GetJobRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class JobId(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class Problem(_message.Message):
    __slots__ = ("code", "message", "remedy", "exit_code", "needed_bytes", "folder")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REMEDY_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    NEEDED_BYTES_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    remedy: str
    exit_code: int
    needed_bytes: int
    folder: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., remedy: _Optional[str] = ..., exit_code: _Optional[int] = ..., needed_bytes: _Optional[int] = ..., folder: _Optional[str] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("id", "number", "label", "state", "priority", "clip", "settings", "deliverable", "preview", "created", "started", "ended", "not_before", "frames_total", "frames_done", "problem", "last_sequence", "scratch_bytes", "scratch_estimate_bytes", "seconds", "progress")
    ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    CLIP_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    DELIVERABLE_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_FIELD_NUMBER: _ClassVar[int]
    FRAMES_TOTAL_FIELD_NUMBER: _ClassVar[int]
    FRAMES_DONE_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SCRATCH_BYTES_FIELD_NUMBER: _ClassVar[int]
    SCRATCH_ESTIMATE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    id: str
    number: int
    label: str
    state: JobState
    priority: int
    clip: ClipRef
    settings: Settings
    deliverable: Deliverable
    preview: Preview
    created: _timestamp_pb2.Timestamp
    started: _timestamp_pb2.Timestamp
    ended: _timestamp_pb2.Timestamp
    not_before: _timestamp_pb2.Timestamp
    frames_total: int
    frames_done: int
    problem: Problem
    last_sequence: int
    scratch_bytes: int
    scratch_estimate_bytes: int
    seconds: float
    progress: Progress
    def __init__(self, id: _Optional[str] = ..., number: _Optional[int] = ..., label: _Optional[str] = ..., state: _Optional[_Union[JobState, str]] = ..., priority: _Optional[int] = ..., clip: _Optional[_Union[ClipRef, _Mapping]] = ..., settings: _Optional[_Union[Settings, _Mapping]] = ..., deliverable: _Optional[_Union[Deliverable, _Mapping]] = ..., preview: _Optional[_Union[Preview, _Mapping]] = ..., created: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ended: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., not_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., frames_total: _Optional[int] = ..., frames_done: _Optional[int] = ..., problem: _Optional[_Union[Problem, _Mapping]] = ..., last_sequence: _Optional[int] = ..., scratch_bytes: _Optional[int] = ..., scratch_estimate_bytes: _Optional[int] = ..., seconds: _Optional[float] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ...) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ("states", "page_size", "page_token")
    STATES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[JobState]
    page_size: int
    page_token: str
    def __init__(self, states: _Optional[_Iterable[_Union[JobState, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token", "total")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[Job]
    next_page_token: str
    total: int
    def __init__(self, jobs: _Optional[_Iterable[_Union[Job, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total: _Optional[int] = ...) -> None: ...

class WatchJobRequest(_message.Message):
    __slots__ = ("id", "after_sequence", "without_progress")
    ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    id: str
    after_sequence: int
    without_progress: bool
    def __init__(self, id: _Optional[str] = ..., after_sequence: _Optional[int] = ..., without_progress: _Optional[bool] = ...) -> None: ...

class MoveJobRequest(_message.Message):
    __slots__ = ("id", "priority", "place", "not_before")
    class Place(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PLACE_UNSPECIFIED: _ClassVar[MoveJobRequest.Place]
        PLACE_FIRST: _ClassVar[MoveJobRequest.Place]
        PLACE_LAST: _ClassVar[MoveJobRequest.Place]
    PLACE_UNSPECIFIED: MoveJobRequest.Place
    PLACE_FIRST: MoveJobRequest.Place
    PLACE_LAST: MoveJobRequest.Place
    ID_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_FIELD_NUMBER: _ClassVar[int]
    id: str
    priority: int
    place: MoveJobRequest.Place
    not_before: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., priority: _Optional[int] = ..., place: _Optional[_Union[MoveJobRequest.Place, str]] = ..., not_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DeleteJobResponse(_message.Message):
    __slots__ = ("freed_bytes",)
    FREED_BYTES_FIELD_NUMBER: _ClassVar[int]
    freed_bytes: int
    def __init__(self, freed_bytes: _Optional[int] = ...) -> None: ...

class JobEvent(_message.Message):
    __slots__ = ("sequence", "at", "state", "understood", "stage", "progress", "chunk", "warning", "adapted", "finished")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    UNDERSTOOD_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    ADAPTED_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    at: _timestamp_pb2.Timestamp
    state: StateChanged
    understood: Understood
    stage: StageBegan
    progress: Progress
    chunk: ChunkDone
    warning: Warning
    adapted: Adapted
    finished: Finished
    def __init__(self, sequence: _Optional[int] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[StateChanged, _Mapping]] = ..., understood: _Optional[_Union[Understood, _Mapping]] = ..., stage: _Optional[_Union[StageBegan, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., chunk: _Optional[_Union[ChunkDone, _Mapping]] = ..., warning: _Optional[_Union[Warning, _Mapping]] = ..., adapted: _Optional[_Union[Adapted, _Mapping]] = ..., finished: _Optional[_Union[Finished, _Mapping]] = ...) -> None: ...

class StateChanged(_message.Message):
    __slots__ = ("state", "problem")
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    state: JobState
    problem: Problem
    def __init__(self, state: _Optional[_Union[JobState, str]] = ..., problem: _Optional[_Union[Problem, _Mapping]] = ...) -> None: ...

class Understood(_message.Message):
    __slots__ = ("width", "height", "rate", "frames", "range", "output_width", "output_height", "codec", "model", "device", "memory_bytes", "scratch_bytes", "output_bytes", "media", "output", "seconds", "working_space")
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_WIDTH_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    SCRATCH_BYTES_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    WORKING_SPACE_FIELD_NUMBER: _ClassVar[int]
    width: int
    height: int
    rate: Rational
    frames: int
    range: FrameRange
    output_width: int
    output_height: int
    codec: str
    model: str
    device: str
    memory_bytes: int
    scratch_bytes: int
    output_bytes: int
    media: str
    output: str
    seconds: float
    working_space: str
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ..., rate: _Optional[_Union[Rational, _Mapping]] = ..., frames: _Optional[int] = ..., range: _Optional[_Union[FrameRange, _Mapping]] = ..., output_width: _Optional[int] = ..., output_height: _Optional[int] = ..., codec: _Optional[str] = ..., model: _Optional[str] = ..., device: _Optional[str] = ..., memory_bytes: _Optional[int] = ..., scratch_bytes: _Optional[int] = ..., output_bytes: _Optional[int] = ..., media: _Optional[str] = ..., output: _Optional[str] = ..., seconds: _Optional[float] = ..., working_space: _Optional[str] = ...) -> None: ...

class StageBegan(_message.Message):
    __slots__ = ("stage", "message")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    stage: str
    message: str
    def __init__(self, stage: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("stage", "frames_done", "frames_total", "seconds_per_frame", "eta_seconds", "chunk", "step", "steps")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    FRAMES_DONE_FIELD_NUMBER: _ClassVar[int]
    FRAMES_TOTAL_FIELD_NUMBER: _ClassVar[int]
    SECONDS_PER_FRAME_FIELD_NUMBER: _ClassVar[int]
    ETA_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    stage: str
    frames_done: int
    frames_total: int
    seconds_per_frame: float
    eta_seconds: float
    chunk: int
    step: int
    steps: int
    def __init__(self, stage: _Optional[str] = ..., frames_done: _Optional[int] = ..., frames_total: _Optional[int] = ..., seconds_per_frame: _Optional[float] = ..., eta_seconds: _Optional[float] = ..., chunk: _Optional[int] = ..., step: _Optional[int] = ..., steps: _Optional[int] = ...) -> None: ...

class ChunkDone(_message.Message):
    __slots__ = ("chunk", "frames", "segment", "sha256", "bytes", "seconds", "frames_done", "frames_total", "flow_hits", "flow_misses")
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    FRAMES_DONE_FIELD_NUMBER: _ClassVar[int]
    FRAMES_TOTAL_FIELD_NUMBER: _ClassVar[int]
    FLOW_HITS_FIELD_NUMBER: _ClassVar[int]
    FLOW_MISSES_FIELD_NUMBER: _ClassVar[int]
    chunk: int
    frames: FrameRange
    segment: str
    sha256: str
    bytes: int
    seconds: float
    frames_done: int
    frames_total: int
    flow_hits: int
    flow_misses: int
    def __init__(self, chunk: _Optional[int] = ..., frames: _Optional[_Union[FrameRange, _Mapping]] = ..., segment: _Optional[str] = ..., sha256: _Optional[str] = ..., bytes: _Optional[int] = ..., seconds: _Optional[float] = ..., frames_done: _Optional[int] = ..., frames_total: _Optional[int] = ..., flow_hits: _Optional[int] = ..., flow_misses: _Optional[int] = ...) -> None: ...

class Warning(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: str
    def __init__(self, message: _Optional[str] = ...) -> None: ...

class Adapted(_message.Message):
    __slots__ = ("message", "rung")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RUNG_FIELD_NUMBER: _ClassVar[int]
    message: str
    rung: int
    def __init__(self, message: _Optional[str] = ..., rung: _Optional[int] = ...) -> None: ...

class Finished(_message.Message):
    __slots__ = ("output", "frames", "seconds", "flow_hits", "flow_misses", "peak_memory_bytes", "files", "stages", "picture_sha256", "damaged")
    class StagesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    FLOW_HITS_FIELD_NUMBER: _ClassVar[int]
    FLOW_MISSES_FIELD_NUMBER: _ClassVar[int]
    PEAK_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    PICTURE_SHA256_FIELD_NUMBER: _ClassVar[int]
    DAMAGED_FIELD_NUMBER: _ClassVar[int]
    output: str
    frames: int
    seconds: float
    flow_hits: int
    flow_misses: int
    peak_memory_bytes: int
    files: _containers.RepeatedScalarFieldContainer[str]
    stages: _containers.ScalarMap[str, float]
    picture_sha256: str
    damaged: _containers.RepeatedCompositeFieldContainer[FrameRange]
    def __init__(self, output: _Optional[str] = ..., frames: _Optional[int] = ..., seconds: _Optional[float] = ..., flow_hits: _Optional[int] = ..., flow_misses: _Optional[int] = ..., peak_memory_bytes: _Optional[int] = ..., files: _Optional[_Iterable[str]] = ..., stages: _Optional[_Mapping[str, float]] = ..., picture_sha256: _Optional[str] = ..., damaged: _Optional[_Iterable[_Union[FrameRange, _Mapping]]] = ...) -> None: ...
