"""The daemon as the command line sees it: plain calls, and the errors of the daemon as if they were raised here."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, TypeVar

from google.protobuf.message import Message as ProtoMessage

from answerprint.api.job import JobEvent, JobRecord, JobState
from answerprint.api.types import (
    BusyError,
    DaemonInfo,
    MediaInfo,
    NewJob,
    Page,
    PictureFormat,
    PictureSide,
    PullStep,
    QueuePlace,
    WarmModel,
)
from answerprint.client.connection import Connection, open_connection
from answerprint.errors import AnswerprintError, JobFailedError, NoDaemonError
from answerprint.home import run_folder
from answerprint.ipc.messages import Message
from answerprint.option import Option
from answerprint.rpc.convert import job_from, new_job_to
from answerprint.rpc.convert_events import job_event_from, progress_from, state_to
from answerprint.rpc.convert_info import ModelForm, info_from, model_from, option_from, pull_from, warm_from
from answerprint.rpc.convert_media import media_from
from answerprint.rpc.errors import AccessDeniedError, CrowdedError, TooSlowError
from answerprint.rpc.session_file import Session
from answerprint.rpc.v1 import frames_pb2, models_pb2, system_pb2
from answerprint.rpc.v1 import restoration_pb2 as pb
from answerprint.rpc.values import timestamp

__all__ = ["Client", "FrameImage"]

T = TypeVar("T")

_CALL_SECONDS = 5.0
_LOAD_SECONDS = 600.0  # weights of a large model from a slow disk
_RETURN_SECONDS = 0.2  # between two looks for a daemon that went away
_AGAIN_SECONDS = 0.02  # before a stream begins again: one that ends at once must not keep both sides busy
_AT_ONCE = 8  # calls begun before the first is answered: fewer than the daemon lets wait for its media child
_CROWDED_SECONDS = 30.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.05, 1.0  # between two tries, where too many ask at once
_PAGE = 200  # jobs; many calls fit between two pages
_PACKAGE = "/answerprint.rpc.v1"

_PLACES: Mapping[QueuePlace | None, pb.MoveJobRequest.Place] = MappingProxyType(
    {
        None: pb.MoveJobRequest.PLACE_UNSPECIFIED,
        "first": pb.MoveJobRequest.PLACE_FIRST,
        "last": pb.MoveJobRequest.PLACE_LAST,
    }
)
_SIDES: Mapping[PictureSide, frames_pb2.GetFrameRequest.Side] = MappingProxyType(
    {"restored": frames_pb2.GetFrameRequest.SIDE_RESTORED, "source": frames_pb2.GetFrameRequest.SIDE_SOURCE}
)
_FORMATS: Mapping[PictureFormat, frames_pb2.GetFrameRequest.Format] = MappingProxyType(
    {"png": frames_pb2.GetFrameRequest.FORMAT_PNG, "jpeg": frames_pb2.GetFrameRequest.FORMAT_JPEG}
)


@dataclass(frozen=True, slots=True)
class FrameImage:
    """A frame as an encoded picture; width and height in px."""

    data: bytes
    media_type: str
    width: int
    height: int


class Client(AbstractContextManager["Client"]):
    """Calls of one daemon, or of its successor after a restart. Not for several threads at once."""

    def __init__(self, connection: Connection, run: Path, *, crowded_seconds: float = _CROWDED_SECONDS) -> None:
        """crowded_seconds: how long a call that is refused because too many ask at once is made again and again."""
        self._connection, self._run, self._crowded_seconds = connection, run, crowded_seconds

    @classmethod
    def connect(cls, run: Path | None = None, *, timeout: float = _CALL_SECONDS) -> Client:
        """Return the client of the daemon that runs, waiting at most so long for one that still starts.

        Raises NoDaemonError when there is none, and when it may not be trusted.
        """
        folder = run or run_folder()
        return cls(open_connection(folder, timeout), folder)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection; the daemon goes on."""
        self.close()

    def close(self) -> None:
        """Close the connection; the daemon goes on."""
        self._connection.close()

    @property
    def session(self) -> Session:
        """Of the daemon that this client talks to now."""
        return self._connection.session

    def submit(self, new: NewJob) -> tuple[JobRecord, bool]:
        """Queue a job; False when its id was there already."""
        answer = self._call("Restoration/SubmitJob", new_job_to(new), pb.SubmitJobResponse)
        return job_from(answer.job), answer.created

    def submit_all(self, jobs: Iterable[NewJob]) -> Iterator[tuple[JobRecord, bool] | AnswerprintError]:
        """Queue jobs, in that order, with no wait for the answer to the one before; what became of each."""
        for answer in self._each("Restoration/SubmitJob", map(new_job_to, jobs), pb.SubmitJobResponse):
            yield answer if isinstance(answer, AnswerprintError) else (job_from(answer.job), answer.created)

    def get(self, reference: str) -> JobRecord:
        """A job as it stands. A reference is an id, its first 4 characters or more, or a number."""
        return self.look(reference)[0]

    def look(self, reference: str) -> tuple[JobRecord, Message | None]:
        """A job as it stands, and its latest `progress` event while it runs."""
        job = self._call("Restoration/GetJob", pb.GetJobRequest(id=reference), pb.Job)
        return job_from(job), progress_from(job.progress) if job.HasField("progress") else None

    def list(self, states: Sequence[JobState] = (), limit: int = 100, token: str = "") -> Page:
        """A page of jobs; no states are all."""
        request = pb.ListJobsRequest(states=[state_to(each) for each in states], page_size=limit, page_token=token)
        answer = self._call("Restoration/ListJobs", request, pb.ListJobsResponse)
        return Page([job_from(job) for job in answer.jobs], answer.next_page_token, answer.total)

    def all_jobs(self, states: Sequence[JobState] = ()) -> Iterator[JobRecord]:
        """All jobs, page by page."""
        token = ""
        while True:
            page = self.list(states, _PAGE, token)
            yield from page.jobs
            token = page.next_token
            if not token:
                return

    def pause(self, reference: str) -> JobRecord:
        """Stop a job until it is resumed."""
        return self._steer("PauseJob", reference)

    def resume(self, reference: str) -> JobRecord:
        """Let a paused job go on."""
        return self._steer("ResumeJob", reference)

    def cancel(self, reference: str) -> JobRecord:
        """End a job."""
        return self._steer("CancelJob", reference)

    def retry(self, reference: str) -> JobRecord:
        """Queue a failed or cancelled job again."""
        return self._steer("RetryJob", reference)

    def delete(self, reference: str) -> int:
        """Forget a job that has ended; returns the bytes freed."""
        request = pb.JobId(id=reference)
        answer = self._call("Restoration/DeleteJob", request, pb.DeleteJobResponse, repeatable=False)
        return int(answer.freed_bytes)

    def move(
        self,
        reference: str,
        *,
        priority: int | None = None,
        place: QueuePlace | None = None,
        not_before: float | None = None,
    ) -> JobRecord:
        """Change when a job gets its turn; not_before 0 is now."""
        request = pb.MoveJobRequest(
            id=reference, priority=priority, place=_PLACES[place], not_before=timestamp(not_before)
        )
        return job_from(self._call("Restoration/MoveJob", request, pb.Job))

    def watch(
        self,
        reference: str,
        after: int = 0,
        *,
        progress: bool = True,
        on_lost: Callable[[], None] | None = None,
        patience_seconds: float = 60.0,
    ) -> Iterator[JobEvent]:
        """What happened to a job after a number, then what happens, until it has ended.

        A daemon that goes away and comes back is followed: on_lost is called, and nothing kept is left out or told
        twice. Raises NoDaemonError when it stays away for longer than patience_seconds.
        """
        job = self.get(reference).id
        pauses = self._pauses()
        while True:
            received = False
            try:
                for happening in self._watch_once(job, after, progress):
                    received, after = True, max(after, happening.sequence)
                    yield happening
                if self.get(job).ended_state:
                    return
            except BusyError as error:
                # Either there is no place for one more watcher, or this one was too slow, and goes on from there.
                if not received and not (isinstance(error, CrowdedError) and next(pauses)):
                    raise
            except NoDaemonError:
                if on_lost is not None:
                    on_lost()
                self._await_return(patience_seconds)
            time.sleep(_AGAIN_SECONDS)

    def frame(
        self,
        reference: str,
        frame: int,
        side: PictureSide = "restored",
        form: PictureFormat = "png",
        max_size: tuple[int, int] = (0, 0),
    ) -> FrameImage:
        """A finished frame, or its source, as a picture that fits into a size; 0 sets no limit."""
        request = frames_pb2.GetFrameRequest(
            job=reference,
            frame=frame,
            side=_SIDES[side],
            format=_FORMATS[form],
            max_width=max_size[0],
            max_height=max_size[1],
        )
        method = f"{_PACKAGE}.Frames/GetFrame"

        def ask() -> Sequence[Any]:
            with self._connection.stream(method, request, frames_pb2.FramePart, None) as answers:
                return list(answers)

        parts = self._admitted(ask)
        data = b"".join(part.data for part in parts)
        if not parts or len(data) != parts[0].total_bytes:
            raise JobFailedError("The picture did not arrive whole.", "Ask for it again.")
        return FrameImage(data, parts[0].media_type, parts[0].width, parts[0].height)

    def describe(self, media: str) -> MediaInfo:
        """What a file or a sequence is. Raises InputError for one that cannot be read.

        A file without an index is read whole: that takes as long as its disk needs, and the daemon ends it by itself
        where nothing comes any more.
        """
        request = frames_pb2.DescribeMediaRequest(media=media)
        return media_from(self._call("Frames/DescribeMedia", request, frames_pb2.MediaInfo, seconds=None))

    def describe_all(self, media: Iterable[str]) -> Iterator[MediaInfo | AnswerprintError]:
        """What each of many is, in their order, or why it cannot be read."""
        requests = (frames_pb2.DescribeMediaRequest(media=each) for each in media)
        for answer in self._each("Frames/DescribeMedia", requests, frames_pb2.MediaInfo, seconds=None):
            yield answer if isinstance(answer, AnswerprintError) else media_from(answer)

    def models(self) -> tuple[Sequence[ModelForm], Sequence[Option]]:
        """All models, and the options of the method that they share."""
        answer = self._call("Models/ListModels", models_pb2.ListModelsRequest(), models_pb2.ListModelsResponse)
        return [model_from(each) for each in answer.models], [option_from(each) for each in answer.method_options]

    def load_model(self, model: str, device: str = "auto", keep_alive_seconds: float | None = None) -> WarmModel:
        """Bring a model into memory, or keep it there longer."""
        request = models_pb2.LoadModelRequest(model=model, device=device, keep_alive_seconds=keep_alive_seconds)
        return warm_from(self._call("Models/LoadModel", request, models_pb2.WarmModel, seconds=_LOAD_SECONDS))

    def unload_models(self, model: str = "") -> int:
        """Free a model, or all; returns how many."""
        request = models_pb2.UnloadModelRequest(model=model)
        return int(self._call("Models/UnloadModel", request, models_pb2.UnloadModelResponse).unloaded)

    def pull_model(
        self, model: str, *, accept_licence: bool = False, trust_first_download: bool = False
    ) -> Iterator[PullStep]:
        """Fetch a known model; the last step is `done`. Closing the iterator ends the pull and keeps what has come."""
        request = models_pb2.PullModelRequest(
            model=model, accept_licence=accept_licence, trust_first_download=trust_first_download
        )
        method = f"{_PACKAGE}.Models/PullModel"
        with self._connection.stream(method, request, models_pb2.PullEvent, None) as steps:
            yield from map(pull_from, steps)

    def suspend(self, reason: str, *, unload: bool = False) -> DaemonInfo:
        """Begin no new chunk until `resume_work`."""
        request = system_pb2.SuspendWorkRequest(reason=reason, unload=unload)
        return info_from(self._call("System/SuspendWork", request, system_pb2.Info))

    def resume_work(self) -> DaemonInfo:
        """Go on."""
        return info_from(self._call("System/ResumeWork", system_pb2.ResumeWorkRequest(), system_pb2.Info))

    def suspend_reason(self) -> str | None:
        """Why no chunk is begun, None where work goes on."""
        info = self.info()
        return info.suspend_reason if info.suspended else None

    def info(self) -> DaemonInfo:
        """What the daemon says of itself."""
        return info_from(self._call("System/GetInfo", system_pb2.GetInfoRequest(), system_pb2.Info))

    def shut_down(self) -> None:
        """Ask the daemon to end; it ends later, when the running chunk is given up."""
        self._call("System/Shutdown", system_pb2.ShutdownRequest(), system_pb2.ShutdownResponse, repeatable=False)

    def _steer(self, name: str, reference: str) -> JobRecord:
        return job_from(self._call(f"Restoration/{name}", pb.JobId(id=reference), pb.Job))

    def _call(
        self,
        name: str,
        request: ProtoMessage,
        answer: type[ProtoMessage],
        *,
        seconds: float | None = _CALL_SECONDS,
        repeatable: bool = True,
    ) -> Any:  # noqa: ANN401 - an `answer`
        """One unary call; where the daemon was restarted meanwhile, once more to the new one."""
        return self._admitted(lambda: self._call_once(f"{_PACKAGE}.{name}", request, answer, seconds, repeatable))

    def _call_once(
        self, method: str, request: ProtoMessage, answer: type[ProtoMessage], seconds: float | None, repeatable: bool
    ) -> Any:  # noqa: ANN401 - an `answer`
        try:
            return self._connection.call(method, request, answer, seconds)
        except TooSlowError:
            raise
        except NoDaemonError as error:
            # What was refused was not done, so it may always be asked again.
            if not (repeatable or isinstance(error, AccessDeniedError)):
                raise
        self._reconnect(_CALL_SECONDS)
        return self._connection.call(method, request, answer, seconds)

    def _admitted(self, ask: Callable[[], T]) -> T:
        """Ask until the daemon lets the call in: what it refuses because too many ask at once was not done."""
        pauses = self._pauses()
        while True:
            try:
                return ask()
            except CrowdedError:
                if not next(pauses):
                    raise

    def _pauses(self) -> Iterator[bool]:
        """Wait, each time longer; False when it was long enough."""
        deadline = time.monotonic() + self._crowded_seconds
        pause = _FIRST_PAUSE_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            # Not all at the same time: they would meet again.
            time.sleep(min(left, pause * random.uniform(0.5, 1.0)))  # noqa: S311 - no secret
            yield True
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        while True:
            yield False

    def _each(
        self,
        name: str,
        requests: Iterable[ProtoMessage],
        answer: type[ProtoMessage],
        *,
        seconds: float | None = _CALL_SECONDS,
    ) -> Iterator[Any]:
        """Unary calls that may be repeated, a few at a time: an `answer` or an AnswerprintError for each, in order."""
        left = iter(requests)
        begun: deque[tuple[ProtoMessage, Callable[[], Any]]] = deque()
        while True:
            for request in islice(left, _AT_ONCE - len(begun)):
                begun.append((request, self._connection.begin(f"{_PACKAGE}.{name}", request, answer, seconds)))
            if not begun:
                return
            yield self._answer(name, *begun.popleft(), answer, seconds)

    def _answer(
        self,
        name: str,
        request: ProtoMessage,
        wait: Callable[[], Any],
        answer: type[ProtoMessage],
        seconds: float | None,
    ) -> Any:  # noqa: ANN401 - an `answer` or an AnswerprintError
        try:
            try:
                return wait()
            except TooSlowError:
                raise
            except (NoDaemonError, CrowdedError):
                return self._call(name, request, answer, seconds=seconds)
        except AnswerprintError as error:
            return error

    def _watch_once(self, job: str, after: int, progress: bool) -> Iterator[JobEvent]:
        request = pb.WatchJobRequest(id=job, after_sequence=after, without_progress=not progress)
        with self._connection.stream(f"{_PACKAGE}.Restoration/WatchJob", request, pb.JobEvent, None) as events:
            for event in events:
                happening = job_event_from(event)
                if happening is not None:
                    yield happening

    def _await_return(self, patience_seconds: float) -> None:
        deadline = time.monotonic() + patience_seconds
        while True:
            try:
                self._reconnect(max(0.0, min(_CALL_SECONDS, deadline - time.monotonic())))
                return
            except NoDaemonError:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(_RETURN_SECONDS)

    def _reconnect(self, timeout: float) -> None:
        fresh = open_connection(self._run, timeout)
        self._connection.close()
        self._connection = fresh
