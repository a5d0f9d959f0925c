"""Calls to the daemon as plain methods; its errors are raised as if they occurred here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

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
from answerprint.client.calls import CALL_SECONDS, CROWDED_SECONDS, Caller
from answerprint.client.connection import Connection, open_connection
from answerprint.errors import AnswerprintError, JobFailedError, NoDaemonError
from answerprint.home import run_folder
from answerprint.ipc.messages import Message
from answerprint.option import Option
from answerprint.rpc.convert import job_from, new_job_to
from answerprint.rpc.convert_events import job_event_from, progress_from, state_to
from answerprint.rpc.convert_info import ModelForm, info_from, model_from, option_from, pull_from, warm_from
from answerprint.rpc.convert_media import media_from
from answerprint.rpc.errors import CrowdedError
from answerprint.rpc.session_file import Session
from answerprint.rpc.v1 import frames_pb2, models_pb2, system_pb2
from answerprint.rpc.v1 import restoration_pb2 as pb
from answerprint.rpc.values import timestamp

__all__ = ["Client", "FrameImage"]

_LOAD_SECONDS = 600.0  # weights of a large model from a slow disk
_STREAM_PAUSE_SECONDS = 0.02  # before a stream restarts: one that ends at once must not keep both sides busy
_PAGE = 200  # jobs; many calls fit between two pages

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
    """A frame as an encoded image; width and height in px."""

    data: bytes
    media_type: str
    width: int
    height: int


class Client(AbstractContextManager["Client"]):
    """Calls one daemon, or its successor after a restart. Not thread-safe."""

    def __init__(self, connection: Connection, run: Path, *, crowded_seconds: float = CROWDED_SECONDS) -> None:
        """crowded_seconds: how long a call is retried while the daemon is crowded."""
        self._caller = Caller(connection, run, crowded_seconds)

    @classmethod
    def connect(cls, run: Path | None = None, *, timeout: float = CALL_SECONDS) -> Client:
        """Return a client of the running daemon; waits up to `timeout` seconds for one that is starting.

        Raises NoDaemonError if none is running or it cannot be trusted.
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
        self._caller.connection.close()

    @property
    def session(self) -> Session:
        """The session of the daemon that this client is connected to."""
        return self._caller.connection.session

    def submit(self, new: NewJob) -> tuple[JobRecord, bool]:
        """Queue a job; returns it, and False if its id already existed."""
        answer = self._caller.call("Restoration/SubmitJob", new_job_to(new), pb.SubmitJobResponse)
        return job_from(answer.job), answer.created

    def submit_all(self, jobs: Iterable[NewJob]) -> Iterator[tuple[JobRecord, bool] | AnswerprintError]:
        """Queue jobs in order, several calls in parallel; yields the result or the error of each."""
        requests = map(new_job_to, _chained(jobs))
        for answer in self._caller.each("Restoration/SubmitJob", requests, pb.SubmitJobResponse):
            yield answer if isinstance(answer, AnswerprintError) else (job_from(answer.job), answer.created)

    def get(self, reference: str) -> JobRecord:
        """A job. reference: its number, its id, or at least the first 4 characters of its id."""
        return self.get_with_progress(reference)[0]

    def get_with_progress(self, reference: str) -> tuple[JobRecord, Message | None]:
        """A job, and its latest `progress` event while it is running."""
        job = self._caller.call("Restoration/GetJob", pb.GetJobRequest(id=reference), pb.Job)
        return job_from(job), progress_from(job.progress) if job.HasField("progress") else None

    def list(self, states: Sequence[JobState] = (), limit: int = 100, token: str = "") -> Page:
        """A page of jobs. states: only these; none means all."""
        request = pb.ListJobsRequest(states=[state_to(each) for each in states], page_size=limit, page_token=token)
        answer = self._caller.call("Restoration/ListJobs", request, pb.ListJobsResponse)
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
        """Pause a job."""
        return self._control("PauseJob", reference)

    def resume(self, reference: str) -> JobRecord:
        """Resume a paused job."""
        return self._control("ResumeJob", reference)

    def cancel(self, reference: str) -> JobRecord:
        """Cancel a job."""
        return self._control("CancelJob", reference)

    def retry(self, reference: str) -> JobRecord:
        """Queue a failed or cancelled job again."""
        return self._control("RetryJob", reference)

    def delete(self, reference: str) -> int:
        """Delete an ended job from the list; returns the bytes freed."""
        request = pb.JobId(id=reference)
        answer = self._caller.call("Restoration/DeleteJob", request, pb.DeleteJobResponse, repeatable=False)
        return int(answer.freed_bytes)

    def move(
        self,
        reference: str,
        *,
        priority: int | None = None,
        place: QueuePlace | None = None,
        not_before: float | None = None,
    ) -> JobRecord:
        """Change the priority, order or start time of a waiting job; not_before 0 is now."""
        request = pb.MoveJobRequest(
            id=reference, priority=priority, place=_PLACES[place], not_before=timestamp(not_before)
        )
        return job_from(self._caller.call("Restoration/MoveJob", request, pb.Job))

    def watch(
        self,
        reference: str,
        after: int = 0,
        *,
        progress: bool = True,
        on_lost: Callable[[], None] | None = None,
        patience_seconds: float = 60.0,
    ) -> Iterator[JobEvent]:
        """Yield the recorded events of a job after a sequence number, then new events until it ends.

        If the daemon goes away, calls on_lost and reconnects; no recorded event is missed or repeated. Raises
        NoDaemonError if it stays away for longer than patience_seconds.
        """
        job = self.get(reference).id
        pauses = self._caller.pauses()
        while True:
            received = False
            try:
                for job_event in self._watch_once(job, after, progress):
                    received, after = True, max(after, job_event.sequence)
                    yield job_event
                if self.get(job).ended_state:
                    return
            except BusyError as error:
                # Too many watchers, or this one was too slow and continues from its last event.
                if not received and not (isinstance(error, CrowdedError) and next(pauses)):
                    raise
            except NoDaemonError:
                if on_lost is not None:
                    on_lost()
                self._caller.await_return(patience_seconds)
            time.sleep(_STREAM_PAUSE_SECONDS)

    def frame(
        self,
        reference: str,
        frame: int,
        side: PictureSide = "restored",
        form: PictureFormat = "png",
        max_size: tuple[int, int] = (0, 0),
    ) -> FrameImage:
        """A finished frame, or its source, as an image that fits into a size in px; 0 is no limit."""
        request = frames_pb2.GetFrameRequest(
            job=reference,
            frame=frame,
            side=_SIDES[side],
            format=_FORMATS[form],
            max_width=max_size[0],
            max_height=max_size[1],
        )

        def call() -> Sequence[Any]:
            with self._caller.stream("Frames/GetFrame", request, frames_pb2.FramePart) as answers:
                return list(answers)

        parts = self._caller.admitted(call)
        data = b"".join(part.data for part in parts)
        if not parts or len(data) != parts[0].total_bytes:
            raise JobFailedError("The image is incomplete.", "Try again.")
        return FrameImage(data, parts[0].media_type, parts[0].width, parts[0].height)

    def describe(self, media: str, *, details: bool = False) -> MediaInfo:
        """Probe a file or a sequence; details: with all facts. Raises InputError if it cannot be read.

        A file without an index is read completely, so there is no time limit; the daemon gives up if the disk hangs.
        """
        request = frames_pb2.DescribeMediaRequest(media=media, details=details)
        return media_from(self._caller.call("Frames/DescribeMedia", request, frames_pb2.MediaInfo, seconds=None))

    def describe_all(self, media: Iterable[str]) -> Iterator[MediaInfo | AnswerprintError]:
        """Probe many, several in parallel; yields in order what each is, or its error."""
        requests = (frames_pb2.DescribeMediaRequest(media=each) for each in media)
        for answer in self._caller.each("Frames/DescribeMedia", requests, frames_pb2.MediaInfo, seconds=None):
            yield answer if isinstance(answer, AnswerprintError) else media_from(answer)

    def models(self) -> tuple[Sequence[ModelForm], Sequence[Option]]:
        """All models, and the options of the method."""
        answer = self._caller.call("Models/ListModels", models_pb2.ListModelsRequest(), models_pb2.ListModelsResponse)
        return [model_from(each) for each in answer.models], [option_from(each) for each in answer.method_options]

    def load_model(self, model: str, device: str = "auto", keep_alive_seconds: float | None = None) -> WarmModel:
        """Load a model, or extend how long it stays loaded."""
        request = models_pb2.LoadModelRequest(model=model, device=device, keep_alive_seconds=keep_alive_seconds)
        return warm_from(self._caller.call("Models/LoadModel", request, models_pb2.WarmModel, seconds=_LOAD_SECONDS))

    def unload_models(self, model: str = "") -> int:
        """Unload a model, or all; returns how many."""
        request = models_pb2.UnloadModelRequest(model=model)
        return int(self._caller.call("Models/UnloadModel", request, models_pb2.UnloadModelResponse).unloaded)

    def pull_model(
        self, model: str, *, accept_licence: bool = False, trust_first_download: bool = False
    ) -> Iterator[PullStep]:
        """Download a known model; the last step is `done`. Closing the iterator stops it; partial files stay."""
        request = models_pb2.PullModelRequest(
            model=model, accept_licence=accept_licence, trust_first_download=trust_first_download
        )
        with self._caller.stream("Models/PullModel", request, models_pb2.PullEvent) as steps:
            yield from map(pull_from, steps)

    def suspend(self, reason: str, *, unload: bool = False) -> DaemonInfo:
        """Suspend the queue until `resume_work`. unload: also unload all models."""
        request = system_pb2.SuspendWorkRequest(reason=reason, unload=unload)
        return info_from(self._caller.call("System/SuspendWork", request, system_pb2.Info))

    def resume_work(self) -> DaemonInfo:
        """Resume the queue."""
        return info_from(self._caller.call("System/ResumeWork", system_pb2.ResumeWorkRequest(), system_pb2.Info))

    def suspend_reason(self) -> str | None:
        """Why the queue is suspended; None if it is not."""
        info = self.info()
        return info.suspend_reason if info.suspended else None

    def info(self) -> DaemonInfo:
        """The state of the daemon."""
        return info_from(self._caller.call("System/GetInfo", system_pb2.GetInfoRequest(), system_pb2.Info))

    def shut_down(self) -> None:
        """Ask the daemon to stop; it stops a little later, after abandoning the running chunk."""
        self._caller.call(
            "System/Shutdown", system_pb2.ShutdownRequest(), system_pb2.ShutdownResponse, repeatable=False
        )

    def _control(self, name: str, reference: str) -> JobRecord:
        return job_from(self._caller.call(f"Restoration/{name}", pb.JobId(id=reference), pb.Job))

    def _watch_once(self, job: str, after: int, progress: bool) -> Iterator[JobEvent]:
        request = pb.WatchJobRequest(id=job, after_sequence=after, without_progress=not progress)
        with self._caller.stream("Restoration/WatchJob", request, pb.JobEvent) as events:
            for event in events:
                job_event = job_event_from(event)
                if job_event is not None:
                    yield job_event


def _chained(jobs: Iterable[NewJob]) -> Iterator[NewJob]:
    """Each job after the one before it: calls in parallel may arrive in any order."""
    before = ""
    for new in jobs:
        yield replace(new, after=before)
        before = new.id
