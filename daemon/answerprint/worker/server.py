"""The device worker's server: one job after another, with models kept warm between them."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from answerprint.api.request import PreviewRequest
from answerprint.backends.base import Backend
from answerprint.backends.catalogue import at_hand, find_model
from answerprint.errors import AnswerprintError, CancelledError, InputError, JobFailedError
from answerprint.frames.planes import free_memory
from answerprint.ipc import events
from answerprint.ipc.channel import ChildChannel
from answerprint.ipc.messages import Message
from answerprint.media import remember_fields
from answerprint.worker.devices import DeviceMemory, choose_device, list_devices
from answerprint.worker.loading import Models, load_model
from answerprint.worker.memory_fallbacks import is_out_of_memory
from answerprint.worker.model_cache import WarmModels
from answerprint.worker.preview_job import preview
from answerprint.worker.requests import Inbox, JobChannel, Request, StopRequestedError
from answerprint.worker.restore_job import RenderTask, render
from answerprint.worker.threads import use_threads

__all__ = ["WorkerServer"]

_CONTROLS = frozenset({"load", "unload", "limits"})
_LIBRARIES = ("torch", "diffusers", "safetensors", "av", "openimageio", "opencv-python-headless", "numpy")
_KEEP_ALIVE_SECONDS = 300.0


class WorkerServer:
    """Serves requests until `exit`; everything but listening runs in this one thread."""

    def __init__(self, channel: ChildChannel, inbox: Inbox, hello: Mapping[str, Any]) -> None:
        """hello: the `serve` message; its `device` names the device to own, by default the best one.

        Its `threads` is the number of CPU threads; 0 is one per core.
        """
        self._channel = channel
        self._inbox = inbox
        use_threads(int(hello.get("threads", 0)))
        self._device = choose_device(str(hello.get("device", "auto")))
        self._memory = DeviceMemory(self._device)
        self._warm: WarmModels[Backend] = WarmModels(
            self._load,
            self._memory,
            is_out_of_memory,
            expected_bytes=_weights_bytes,
            on_change=self._report_models,
        )

    def run(self) -> int:
        """Serve; returns the exit code."""
        self._channel.emit(events.ready(os.getpid(), str(self._device), list_devices(), _versions()))
        while True:
            request = self._inbox.take(self._warm.seconds_to_tidy())
            if request is None:
                if self._warm.tidy():
                    self._report_models()
            elif request.kind == "exit":
                return 0
            elif request.kind in _CONTROLS:
                self._control(request.message)
            else:
                self._job(request)

    def _job(self, request: Request) -> None:
        """Run one job to its final event; only errors that end the process pass through."""
        channel = JobChannel(self._channel.emit, request.controls, {"job": str(request.message.get("job", ""))})
        no_memory = ""
        try:
            final = self._work(request, channel)
        except StopRequestedError:
            final = events.stopped(at_border=False)
        except CancelledError:
            raise  # SIGTERM
        except AnswerprintError as error:
            final = events.error(error)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            no_memory = str(error).partition("\n")[0] or "out of memory"
        if no_memory:
            self._memory.release()
            remedy = "Choose a smaller --chunk or a smaller --size."
            final = events.error(JobFailedError(f"Out of memory ({no_memory}).", remedy))
        free_memory()
        channel.emit(final)

    def _work(self, request: Request, channel: JobChannel) -> Message:
        message = request.message
        remember_fields(message.get("fields"))
        keep_alive = float(message.get("keep_alive_seconds", _KEEP_ALIVE_SECONDS))
        models = Models(self._warm, self._device, keep_alive)
        if request.kind == "restore":
            return render(RenderTask.from_message(self._with_device(message)), channel, models, self._between_chunks)
        if request.kind == "preview":
            settings = self._with_device(message).get("request")
            if not isinstance(settings, dict):
                raise InputError("The message has no request.")
            return preview(PreviewRequest.from_json(settings), channel, models)
        raise InputError(f"Unknown job type {request.kind!r}.")

    def _with_device(self, message: Message) -> Message:
        """The message, with this worker's device filled in if its request leaves the choice."""
        request = message.get("request")
        if isinstance(request, dict) and request.get("device", "auto") in ("auto", self._device.type):
            return {**message, "request": {**request, "device": str(self._device)}}
        return message

    def _between_chunks(self) -> None:
        """Handle what cannot wait for the end of a long job."""
        for request in self._inbox.take_all(_CONTROLS):
            self._control(request.message)
        if self._warm.tidy():
            self._report_models()

    def _control(self, message: Message) -> None:
        """Handle a request about models or limits; answered by a `models` event, or by an error without a job."""
        try:
            if message["type"] == "load":
                keep_alive = float(message.get("keep_alive_seconds", _KEEP_ALIVE_SECONDS))
                self._warm.keep(str(message.get("model", "")), keep_alive)
            elif message["type"] == "unload":
                self._warm.unload(str(message.get("model", "")))
            else:
                cap = int(message.get("memory_cap_bytes", 0))
                self._memory.cap(cap)
                self._warm.limit(cap, int(message.get("reserve_bytes", 0)))
        except CancelledError:
            raise
        except AnswerprintError as error:
            self._channel.emit({**events.error(error), "job": ""})

    def _load(self, name: str) -> Backend:
        # Import the family's libraries first, so that only the model's memory is measured.
        importlib.import_module(f"answerprint.backends.{find_model(name).family}.adapter")
        return load_model(name, self._device)

    def _report_models(self) -> None:
        now = self._warm.now()
        warm = [
            {
                "model": entry.name,
                "bytes": entry.bytes,
                "load_seconds": round(entry.load_seconds, 3),
                "remaining_seconds": entry.remaining_seconds(now),
                "in_use": entry.users > 0,
            }
            for entry in self._warm.entries
        ]
        self._channel.emit(events.models(warm, self._memory.total(), self._memory.free()))


def _weights_bytes(name: str) -> int:
    """Size of a model's weights on disk, which is about their size in memory."""
    folder = at_hand(name).folder
    return 0 if folder is None else sum(file.stat().st_size for file in folder.rglob("*.safetensors"))


def _versions() -> dict[str, str]:
    """Versions of the libraries that affect the result; a frozen bundle may lack the metadata of some."""
    found: dict[str, str] = {}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
