"""A device worker without a device: it speaks as the real one does, writes real files, and computes nothing.

It is strict: whatever the daemon does against the contract ends it, and is written down.
"""

from __future__ import annotations

import hashlib
import os
import select
import stat
import sys
import threading
import time
from pathlib import Path

from answerprint.api.request import PreviewRequest, RestoreRequest
from answerprint.errors import AnswerprintError, CancelledError, InputError
from answerprint.ipc import events
from answerprint.ipc.channel import ChildChannel
from answerprint.ipc.messages import Message
from answerprint.store import atomic
from answerprint.store.lock import HeldError, InstanceLock
from answerprint.store.receipts import ChunkReceipt, carry_path, hash_file, segment_path, write_receipt
from answerprint.worker.requests import Inbox, JobChannel, Request, StopRequestedError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.steering import DamagedError, Script, SourceChangedError, Steering, facts, pictures

_RESTORE = {
    "type", "job", "request", "scratch", "resume", "chunk", "frames_done", "rung", "fingerprint", "keep_alive_seconds",
}  # fmt: skip


class DeviceStandIn:
    """One device."""

    def __init__(self, channel: ChildChannel, inbox: Inbox, device: str) -> None:
        self.steering = Steering.of_child()
        self.channel = channel
        self.inbox = inbox
        there = os.environ.get("STANDIN_DEVICES", "cpu").split(",")
        self.device = (
            next((name for name in ("cuda:0", "mps", "cpu") if name in there), "") if device == "auto" else device
        )
        if self.device not in there:
            raise InputError(f"Device {device!r} is not available.", f"Choose auto or one of {', '.join(there)}.")
        self.devices = [{"name": name, "about": "a stand-in", "bytes": 1 << 30} for name in there]
        self.warm: dict[str, float] = {}

    def serve(self) -> int:
        self.steering.reach("worker", "start")
        self.channel.emit(events.ready(os.getpid(), self.device, self.devices, {"stand-in": "1"}))
        while True:
            now = time.monotonic()
            timed = [until for until in self.warm.values() if until >= 0]
            letter = self.inbox.take(max(0.0, min(timed) - now) if timed else None)
            if letter is None:
                self.tidy()
            elif letter.kind == "exit":
                return 0
            elif letter.kind in ("restore", "preview"):
                self.job(letter)
            else:
                self.control(letter.message)

    def control(self, message: Message) -> None:
        if message["type"] == "load":
            self.load(message["model"], float(message["keep_alive_seconds"]))
        elif message["type"] == "unload":
            self.warm = {name: until for name, until in self.warm.items() if message["model"] not in ("", name)}
            self.say_models()
        else:
            self.steering.expect(
                set(message) == {"type", "memory_cap_bytes", "reserve_bytes"}, f"no message of ours: {message}"
            )

    def load(self, model: str, keep_alive_seconds: float) -> None:
        try:
            self.steering.reach("worker", "load")
        except AnswerprintError as error:
            self.channel.emit({**events.error(error), "job": ""})
            return
        self.warm[model] = -1.0 if keep_alive_seconds < 0 else time.monotonic() + keep_alive_seconds
        self.say_models()

    def tidy(self) -> None:
        now = time.monotonic()
        self.warm = {name: until for name, until in self.warm.items() if until < 0 or until > now}
        self.say_models()

    def say_models(self) -> None:
        now = time.monotonic()
        warm = [
            {
                "model": name, "bytes": 1 << 20, "load_seconds": 0.01, "in_use": False,
                "remaining_seconds": None if until < 0 else max(0.0, until - now),
            }
            for name, until in self.warm.items()
        ]  # fmt: skip
        self.channel.emit(events.models(warm, 1 << 30, 1 << 29))

    def job(self, letter: Request) -> None:
        message = letter.message
        talk = JobChannel(self.channel.emit, letter.controls, {"job": message["job"]})
        try:
            final = Restoration(self, letter, talk).run() if letter.kind == "restore" else self.preview(message, talk)
        except StopRequestedError:
            final = events.stopped(at_border=False)
        except CancelledError:
            raise
        except AnswerprintError as error:
            final = events.error(error)
        model = str(message["request"]["model"])
        if final["event"] in ("rendered", "done", "stopped"):
            self.load(model, float(message["keep_alive_seconds"]))
            self.tidy()
        talk.emit(final)

    def preview(self, message: Message, talk: JobChannel) -> Message:
        request = PreviewRequest.from_json(message["request"])
        clip, folder = Path(request.restore.clip.media).stem, Path(request.restore.output)
        talk.emit(events.stage("probe", "Reading"))
        self.steering.reach(clip, "preview", talk)
        talk.emit({**_started(request.restore, self.steering.script(clip), self.device)})
        folder.mkdir(exist_ok=True)
        files = []
        for frame in range(request.frame, request.frame + request.count):
            file = folder / f"{clip}-{frame:06d}.png"
            try:
                atomic.write_bytes(file, f"{clip} {frame}".encode(), overwrite=request.restore.overwrite)
            except FileExistsError as error:
                raise InputError(f"{file} exists.") from error
            files.append(str(file))
            self.steering.reach(clip, f"preview-{frame}", talk)
        counts: events.FlowCounts = {"hits": 0, "misses": 0}
        return events.done(str(folder), len(files), 0.1, flow_cache=counts, peak_memory_bytes=None, files=files)


class Restoration:
    """A restore message, from its checks to its final event."""

    def __init__(self, worker: DeviceStandIn, letter: Request, talk: JobChannel) -> None:
        message = letter.message
        self.steering, self.worker, self.letter, self.talk = worker.steering, worker, letter, talk
        self.expect = self.steering.expect
        self.steering.expect_found(message)
        self.expect(set(message) - {"fields"} == _RESTORE, f"the fields of a restoration are {sorted(message)}")
        self.request = RestoreRequest.from_json(message["request"])
        self.clip = Path(self.request.clip.media).stem
        self.script = self.steering.script(self.clip)
        self.job, self.folder = str(message["job"]), Path(message["scratch"])
        self.resume = None if message["resume"] is None else ChunkReceipt.from_json(message["resume"])
        self.message = message
        self.check()

    def check(self) -> None:
        message, last = self.message, self.resume
        self.expect(stat.S_IMODE(self.folder.stat().st_mode) == 0o700, "the folder of a job is open to others")
        self.expect((self.folder / "job.json").is_file(), "the folder of a job does not say what it is of")
        self.expect(
            message["chunk"] == (0 if last is None else last.chunk + 1), f"chunk {message['chunk']} is not next"
        )
        self.expect(message["frames_done"] == (0 if last is None else last.stop), "frames are counted wrong")
        self.expect(bool(message["fingerprint"]) == (last is not None), "a fingerprint without chunks, or the reverse")
        files = {path.name for path in self.folder.glob("chunk-*.nut")}
        wanted = {segment_path(self.folder, chunk).name for chunk in range(message["chunk"])}
        self.expect(files == wanted, f"chunks on disk are {sorted(files)}, and {message['chunk']} is next")
        self.expect(not list(self.folder.glob(".answerprint-*")), "litter is left in the folder of a job")

    @property
    def fingerprint(self) -> str:
        status = Path(self.request.clip.media).stat()
        return hashlib.sha256(
            f"{self.clip} {status.st_size} {status.st_mtime_ns} {self.request.seed}".encode()
        ).hexdigest()

    def run(self) -> Message:
        talk, fingerprint = self.talk, self.fingerprint
        talk.emit(events.stage("probe", "Reading"))
        self.steering.reach(self.clip, "probe", talk)
        if self.resume is not None and self.message["fingerprint"] != fingerprint:
            raise SourceChangedError("The clip has changed.")
        talk.emit({**_started(self.request, self.script, self.worker.device), "fingerprint": fingerprint})
        self.steering.reach(self.clip, "understood", talk)
        talk.emit(events.stage("load", f"Loading {self.request.model}"))
        self.steering.reach(self.clip, "load", talk)
        try:
            with InstanceLock(self.folder / "lock"):
                return self.chunks(fingerprint)
        except HeldError:
            self.steering.refuse("two workers are at one job")

    def chunks(self, fingerprint: str) -> Message:
        carry, first = b"", 0
        if self.resume is not None:
            path = carry_path(self.folder, self.resume.chunk)
            if not path.exists() or hash_file(path) != self.resume.carry:
                raise DamagedError(0)
            carry, first = path.read_bytes(), self.resume.chunk + 1
        for chunk in range(first, self.script.chunks):
            if chunk > first and self.is_to_give_way():
                return events.stopped(at_border=True)
            carry = self.one(chunk, carry, fingerprint)
        if first == self.script.chunks:
            self.steering.refuse("a worker was asked for nothing")
        self.steering.reach(self.clip, "rendered", self.talk, border=False)
        done = (self.script.chunks - first) * self.script.frames
        return events.rendered(done, 0.1, peak_memory_bytes=1 << 20, stages={"denoise": 0.1})

    def is_to_give_way(self) -> bool:
        """Once all is read that the daemon has sent so far: what it wished before a hold was ended is heard."""
        source = self.worker.channel._reader._stream
        while select.select([source], [], [], 0)[0] and not self.letter.controls.stop.is_set():
            threading.Event().wait(0.001)
        threading.Event().wait(0.005)
        return self.letter.controls.give_way.is_set()

    def one(self, chunk: int, before: bytes, fingerprint: str) -> bytes:
        clip, talk, reach = self.clip, self.talk, self.steering.reach
        frames, total = self.script.frames, self.script.total
        reach(clip, f"chunk-{chunk}", talk)
        for step in range(self.script.steps):
            talk.emit(
                events.progress("denoise", chunk * frames, total, chunk=chunk, step=step, steps=self.script.steps)
            )
        reach(clip, f"chunk-{chunk}-denoise", talk)
        segment, carry = pictures(clip, before, chunk)
        atomic.write_bytes(segment_path(self.folder, chunk), segment, overwrite=True, mode=0o600)
        reach(clip, f"chunk-{chunk}-segment", talk, border=False)
        last = chunk == self.script.chunks - 1
        if not last:
            atomic.write_bytes(carry_path(self.folder, chunk), carry, overwrite=True, mode=0o600)
        reach(clip, f"chunk-{chunk}-carry", talk, border=False)
        receipt = ChunkReceipt(
            self.job, chunk, chunk * frames, (chunk + 1) * frames, hash_file(segment_path(self.folder, chunk)),
            None if last else hash_file(carry_path(self.folder, chunk)), fingerprint, {"opens_shot": chunk == 0},
        )  # fmt: skip
        write_receipt(self.folder, receipt)
        reach(clip, f"chunk-{chunk}-receipt", talk, border=False)
        counts: events.FlowCounts = {"hits": 1, "misses": 2}
        done = (chunk + 1) * frames
        talk.emit(events.chunk(receipt.to_json(), 0.01, flow_cache=counts, frames_done=done, frames_total=total))
        reach(clip, f"chunk-{chunk}-told", talk, border=False)
        return carry


def _started(request: RestoreRequest, script: Script, device: str) -> Message:
    found = facts(request, script)
    estimate = {"memory_bytes": 1 << 20, "scratch_bytes": script.scratch_bytes, "output_bytes": script.output_bytes}
    return events.started(found["input"], found["output"], model=request.model, device=device, estimate=estimate)


def main() -> int:
    channel = ChildChannel.open()
    try:
        hello = channel.request()
        if set(hello) != {"type", "device", "threads"} or hello["type"] != "serve":
            Steering.of_child().refuse(f"the first message is {hello}")
        inbox = Inbox(channel)
        inbox.listen()
        return DeviceStandIn(channel, inbox, str(hello["device"])).serve()
    except AnswerprintError as error:
        channel.emit(events.error(error))
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
