"""The device worker that stays: one job after another, models kept warm between them."""

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
from answerprint.ipc import events
from answerprint.ipc.channel import ChildChannel
from answerprint.ipc.messages import Message
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
_LIBRARIES = ("torch", "diffusers", "safetensors", "av", "opencv-python-headless", "numpy")
_KEEP_ALIVE_SECONDS = 300.0


class WorkerServer:
    """Takes letters until it is told to end; everything but listening happens in this one thread."""

    def __init__(self, channel: ChildChannel, inbox: Inbox, hello: Mapping[str, Any]) -> None:
        """hello: the `serve` message; `device` in it names the one to own, the best there is by default.

        `threads` in it is how many of the processor's cores are used; 0 is all.
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
            on_change=self._say_models,
        )

    def run(self) -> int:
        """Serve; returns the exit code."""
        self._channel.emit(events.ready(os.getpid(), str(self._device), list_devices(), _versions()))
        while True:
            letter = self._inbox.take(self._warm.seconds_to_look())
            if letter is None:
                if self._warm.tidy():
                    self._say_models()
            elif letter.kind == "exit":
                return 0
            elif letter.kind in _CONTROLS:
                self._control(letter.message)
            else:
                self._job(letter)

    def _job(self, letter: Request) -> None:
        """Do one job, to its final event; nothing but the end of the process gets past here."""
        talk = JobChannel(self._channel.emit, letter.wishes, {"job": str(letter.message.get("job", ""))})
        no_memory = ""
        try:
            final = self._work(letter, talk)
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
            final = events.error(JobFailedError(f"Memory ran out ({no_memory}).", remedy))
        talk.emit(final)

    def _work(self, letter: Request, talk: JobChannel) -> Message:
        message = letter.message
        keep_alive = float(message.get("keep_alive_seconds", _KEEP_ALIVE_SECONDS))
        models = Models(self._warm, self._device, keep_alive)
        if letter.kind == "restore":
            return render(RenderTask.from_message(self._placed(message)), talk, models, self._between_chunks)
        if letter.kind == "preview":
            request = self._placed(message).get("request")
            if not isinstance(request, dict):
                raise InputError("The preview names no request.")
            return preview(PreviewRequest.from_json(request), talk, models)
        raise InputError(f"There is no job of type {letter.kind!r}.")

    def _placed(self, message: Message) -> Message:
        """The message, with this worker's device where its request leaves the choice."""
        request = message.get("request")
        if isinstance(request, dict) and request.get("device", "auto") in ("auto", self._device.type):
            return {**message, "request": {**request, "device": str(self._device)}}
        return message

    def _between_chunks(self) -> None:
        """What cannot wait for the end of a long job."""
        for letter in self._inbox.take_all(_CONTROLS):
            self._control(letter.message)
        if self._warm.tidy():
            self._say_models()

    def _control(self, message: Message) -> None:
        """Models and limits; every request is answered by a `models` event, or by an error of no job."""
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
        # The family's libraries first, so that what is measured is the model alone.
        importlib.import_module(f"answerprint.backends.{find_model(name).family}.adapter")
        return load_model(name, self._device)

    def _say_models(self) -> None:
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
    """Size of a model's weights on disk: about what they take in memory."""
    folder = at_hand(name).folder
    return 0 if folder is None else sum(file.stat().st_size for file in folder.rglob("*.safetensors"))


def _versions() -> dict[str, str]:
    """Versions of the libraries that decide the result; a frozen bundle may not know them all."""
    found: dict[str, str] = {}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
