"""The gRPC services: convert the request, call the daemon, convert the answer. The gate has checked the request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from answerprint.api.job import JobRecord
from answerprint.api.types import Daemon, PictureFormat, PictureSide, QueuePlace
from answerprint.backends.catalogue import entries
from answerprint.rpc.convert import job_to, new_job_from
from answerprint.rpc.convert_events import job_event_to, state_from
from answerprint.rpc.convert_info import info_to, model_to, option_to, pull_to, warm_to
from answerprint.rpc.convert_media import media_to
from answerprint.rpc.limits import ServerLimits
from answerprint.rpc.session_file import PROTOCOL
from answerprint.rpc.v1 import frames_pb2, models_pb2, restoration_pb2, system_pb2
from answerprint.rpc.v1.frames_pb2_grpc import FramesServicer
from answerprint.rpc.v1.models_pb2_grpc import ModelsServicer
from answerprint.rpc.v1.restoration_pb2_grpc import RestorationServicer
from answerprint.rpc.v1.system_pb2_grpc import SystemServicer
from answerprint.rpc.values import seconds_from
from answerprint.server.health import CallContext
from answerprint.temporal.options import describe

__all__ = ["FramesService", "ModelsService", "RestorationService", "SystemService"]

_PAGE = 100
_PART_BYTES = 256 << 10

_PLACES: dict[int, QueuePlace] = {
    restoration_pb2.MoveJobRequest.PLACE_FIRST: "first",
    restoration_pb2.MoveJobRequest.PLACE_LAST: "last",
}
_FORMATS: dict[int, PictureFormat] = {frames_pb2.GetFrameRequest.FORMAT_JPEG: "jpeg"}
_SIDES: dict[int, PictureSide] = {frames_pb2.GetFrameRequest.SIDE_SOURCE: "source"}


class RestorationService(RestorationServicer):
    """Jobs."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    async def SubmitJob(
        self, request: restoration_pb2.SubmitJobRequest, context: CallContext
    ) -> restoration_pb2.SubmitJobResponse:
        """Queue a job."""
        record, created = await self._daemon.submit(new_job_from(request))
        return restoration_pb2.SubmitJobResponse(job=self._job(record), created=created)

    async def GetJob(self, request: restoration_pb2.GetJobRequest, context: CallContext) -> restoration_pb2.Job:
        """One job."""
        return self._job(await self._daemon.get(request.id.lower()))

    async def ListJobs(
        self, request: restoration_pb2.ListJobsRequest, context: CallContext
    ) -> restoration_pb2.ListJobsResponse:
        """A page of jobs."""
        states = [state for each in request.states if (state := state_from(each)) is not None]
        page = await self._daemon.list(states, request.page_size or _PAGE, request.page_token)
        jobs = [self._job(record) for record in page.jobs]
        return restoration_pb2.ListJobsResponse(jobs=jobs, next_page_token=page.next_token, total=page.total)

    async def WatchJob(
        self, request: restoration_pb2.WatchJobRequest, context: CallContext
    ) -> AsyncIterator[restoration_pb2.JobEvent]:
        """Recorded and new events of a job."""
        events = self._daemon.watch(request.id.lower(), request.after_sequence, progress=not request.without_progress)
        async for job_event in events:
            message = job_event_to(job_event)
            if message is not None:
                yield message

    async def PauseJob(self, request: restoration_pb2.JobId, context: CallContext) -> restoration_pb2.Job:
        """Pause a job."""
        return self._job(await self._daemon.pause(request.id.lower()))

    async def ResumeJob(self, request: restoration_pb2.JobId, context: CallContext) -> restoration_pb2.Job:
        """Resume a job."""
        return self._job(await self._daemon.resume(request.id.lower()))

    async def CancelJob(self, request: restoration_pb2.JobId, context: CallContext) -> restoration_pb2.Job:
        """Cancel a job."""
        return self._job(await self._daemon.cancel(request.id.lower()))

    async def RetryJob(self, request: restoration_pb2.JobId, context: CallContext) -> restoration_pb2.Job:
        """Retry a job."""
        return self._job(await self._daemon.retry(request.id.lower()))

    async def DeleteJob(
        self, request: restoration_pb2.JobId, context: CallContext
    ) -> restoration_pb2.DeleteJobResponse:
        """Delete a job."""
        return restoration_pb2.DeleteJobResponse(freed_bytes=await self._daemon.delete(request.id.lower()))

    async def MoveJob(self, request: restoration_pb2.MoveJobRequest, context: CallContext) -> restoration_pb2.Job:
        """Change the priority, order or start time of a job."""
        record = await self._daemon.move(
            request.id.lower(),
            priority=request.priority if request.HasField("priority") else None,
            place=_PLACES.get(request.place),
            not_before=seconds_from(request, "not_before"),
        )
        return self._job(record)

    def _job(self, record: JobRecord) -> restoration_pb2.Job:
        return job_to(record, self._daemon.progress(record.id))


class FramesService(FramesServicer):
    """Frames of jobs, and facts about media."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    async def GetFrame(
        self, request: frames_pb2.GetFrameRequest, context: CallContext
    ) -> AsyncIterator[frames_pb2.FramePart]:
        """A frame in parts; the first one also has its facts."""
        picture = await self._daemon.frame(
            request.job.lower(),
            request.frame,
            _SIDES.get(request.side, "restored"),
            _FORMATS.get(request.format, "png"),
            (request.max_width, request.max_height),
        )
        part = frames_pb2.FramePart(
            media_type=picture.media_type, width=picture.width, height=picture.height, total_bytes=picture.bytes
        )
        try:
            # In parts, as images can be large; in a thread, as disks can be slow.
            with await asyncio.to_thread(picture.path.open, "rb") as file:
                while data := await asyncio.to_thread(file.read, _PART_BYTES):
                    part.data = data
                    yield part
                    part = frames_pb2.FramePart()
        finally:
            self._daemon.forget(picture)

    async def DescribeMedia(
        self, request: frames_pb2.DescribeMediaRequest, context: CallContext
    ) -> frames_pb2.MediaInfo:
        """Probe a file or a sequence."""
        return media_to(await self._daemon.describe(request.media, details=request.details))


class ModelsService(ModelsServicer):
    """Models."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    async def ListModels(
        self, request: models_pb2.ListModelsRequest, context: CallContext
    ) -> models_pb2.ListModelsResponse:
        """All models and options."""
        known = await asyncio.to_thread(entries)
        return models_pb2.ListModelsResponse(
            models=[model_to(entry) for entry in known],
            method_options=[option_to(option) for option in describe()],
        )

    async def LoadModel(self, request: models_pb2.LoadModelRequest, context: CallContext) -> models_pb2.WarmModel:
        """Load a model."""
        keep = request.keep_alive_seconds if request.HasField("keep_alive_seconds") else None
        return warm_to(await self._daemon.load_model(request.model, request.device or "auto", keep))

    async def UnloadModel(
        self, request: models_pb2.UnloadModelRequest, context: CallContext
    ) -> models_pb2.UnloadModelResponse:
        """Unload a model, or all."""
        return models_pb2.UnloadModelResponse(unloaded=await self._daemon.unload_models(request.model))

    async def PullModel(
        self, request: models_pb2.PullModelRequest, context: CallContext
    ) -> AsyncIterator[models_pb2.PullEvent]:
        """Download a known model."""
        steps = self._daemon.pull_model(
            request.model, accept_licence=request.accept_licence, trust_first=request.trust_first_download
        )
        try:
            async for step in steps:
                yield pull_to(step)
        finally:
            if isinstance(steps, AsyncGenerator):  # end it with the call, not at garbage collection
                await steps.aclose()


class SystemService(SystemServicer):
    """The daemon itself."""

    def __init__(self, daemon: Daemon, limits: ServerLimits) -> None:
        self._daemon = daemon
        self._limits = limits

    async def GetInfo(self, request: system_pb2.GetInfoRequest, context: CallContext) -> system_pb2.Info:
        """The state of the daemon."""
        return info_to(await self._daemon.info(), self._limits, PROTOCOL)

    async def SuspendWork(self, request: system_pb2.SuspendWorkRequest, context: CallContext) -> system_pb2.Info:
        """Suspend the queue."""
        await self._daemon.suspend(request.reason, unload=request.unload)
        return info_to(await self._daemon.info(), self._limits, PROTOCOL)

    async def ResumeWork(self, request: system_pb2.ResumeWorkRequest, context: CallContext) -> system_pb2.Info:
        """Resume the queue."""
        await self._daemon.resume_work()
        return info_to(await self._daemon.info(), self._limits, PROTOCOL)

    async def Shutdown(self, request: system_pb2.ShutdownRequest, context: CallContext) -> system_pb2.ShutdownResponse:
        """Ask the daemon to stop."""
        self._daemon.shut_down()
        return system_pb2.ShutdownResponse()
