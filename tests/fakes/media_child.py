"""A media child without media: it speaks as the real one does, and writes deliverables of the stand-in's chunks."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from answerprint.api.request import PreviewRequest, RestoreRequest
from answerprint.errors import AnswerprintError, CancelledError, InputError
from answerprint.ipc import events
from answerprint.ipc.channel import ChildChannel
from answerprint.ipc.messages import Message
from answerprint.store import atomic
from answerprint.store.receipts import ChunkReceipt, find_damage
from answerprint.worker.requests import Inbox, JobChannel, Request, StopRequestedError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.steering import FOUND, DamagedError, Steering, facts

_MUX = {"type", "id", "job", "request", "scratch", "receipts_file"}
_FRAME = {
    "type", "id", "job", "scratch", "request", "receipt", "frame", "side", "format", "max_width", "max_height",
    "output", "size", "fields",
}  # fmt: skip


class MediaStandIn:
    """Answers one message after the other."""

    def __init__(self, channel: ChildChannel, inbox: Inbox) -> None:
        self.steering = Steering.of_child()
        self.channel = channel
        self.inbox = inbox

    def serve(self) -> int:
        self.channel.emit(events.ready(os.getpid(), "", [], {"stand-in": "1"}))
        while (letter := self.inbox.take()) is None or letter.kind != "exit":
            if letter is not None:
                self.answer(letter)
        return 0

    def answer(self, letter: Request) -> None:
        message = letter.message
        self.steering.expect("id" in message, "a question has no number")
        talk = JobChannel(
            self.channel.emit, letter.controls, {key: message[key] for key in ("id", "job") if key in message}
        )
        work = {"probe": self.probe, "frame": self.frame, "mux": self.mux}.get(letter.kind)
        if work is None:
            self.steering.refuse(f"there is no question of type {letter.kind}")
        try:
            final = work(message, talk)
        except StopRequestedError:
            final = events.stopped(at_border=False)
        except CancelledError:
            raise
        except AnswerprintError as error:
            final = events.error(error)
        talk.emit(final)

    def probe(self, message: Message, talk: JobChannel) -> Message:
        if message.get("preview"):
            preview = PreviewRequest.from_json(message["request"])
            request, total = preview.restore, preview.count
        else:
            request, total = RestoreRequest.from_json(message["request"]), 0
        clip = Path(request.clip.media).stem
        self.steering.reach(clip, "look", talk)
        script = self.steering.script(clip)
        found = facts(request, script)
        return events.report(
            {**found, "size": [256, 192], "codec": "prores4444", "range": [0, total or script.total], "fields": FOUND}
        )

    def frame(self, message: Message, talk: JobChannel) -> Message:
        self.steering.expect(set(message) == _FRAME, f"the fields of a frame are {sorted(message)}")
        request = RestoreRequest.from_json(message["request"])
        clip = Path(request.clip.media).stem
        self.steering.reach(clip, "frame")
        receipt = None if message["receipt"] is None else ChunkReceipt.from_json(message["receipt"])
        if message["side"] == "source":
            data = Path(request.clip.media).read_bytes()
        elif receipt is not None:
            self.steering.expect(receipt.first <= message["frame"] < receipt.stop, "a frame of another chunk")
            path = Path(message["scratch"]) / receipt.segment.name
            if not path.exists():
                raise InputError(f"{path} is gone.")
            data = path.read_bytes()
        else:
            data = Path(request.output).read_bytes()
        output = Path(message["output"])
        atomic.write_bytes(output, data, mode=0o600)
        kind = f"image/{message['format']}"
        return events.report({"path": str(output), "media_type": kind, "width": 8, "height": 6, "bytes": len(data)})

    def mux(self, message: Message, talk: JobChannel) -> Message:
        self.steering.expect_found(message)
        self.steering.expect(set(message) - {"fields"} == _MUX, f"the fields of a mux are {sorted(message)}")
        request = RestoreRequest.from_json(message["request"])
        clip, folder, output = Path(request.clip.media).stem, Path(message["scratch"]), Path(request.output)
        receipts = [ChunkReceipt.from_json(each) for each in json.loads(Path(message["receipts_file"]).read_bytes())]
        talk.emit(events.stage("mux", "Writing"))
        self.steering.reach(clip, "mux", talk)
        parts = []
        for receipt in receipts:
            if find_damage(folder, receipt, carry=False):
                raise DamagedError(receipt.chunk)
            parts.append((folder / receipt.segment.name).read_bytes())
            talk.emit(events.progress("mux", receipt.stop, receipts[-1].stop))
            self.steering.reach(clip, f"mux-{receipt.chunk}", talk)
        data = b"".join(parts)
        self.steering.reach(clip, "mux-publish", talk)
        # Its own from an earlier try: the stand-in tells by the content.
        ours = output.exists() and output.read_bytes() == data
        try:
            atomic.write_bytes(output, data, overwrite=request.overwrite or ours)
        except FileExistsError as error:
            raise InputError(f"{output} exists already.") from error
        self.steering.reach(clip, "mux-published", talk, border=False)
        counts: events.FlowCounts = {"hits": 0, "misses": 0}
        final = events.done(str(output), receipts[-1].stop, 0.1, flow_cache=counts, peak_memory_bytes=None)
        return {**final, "picture_sha256": "0" * 64}


def main() -> int:
    channel = ChildChannel.open()
    hello = channel.request()
    if hello != {"type": "serve"}:
        Steering.of_child().refuse(f"the first message is {hello}")
    inbox = Inbox(channel)
    inbox.listen()
    return MediaStandIn(channel, inbox).serve()


if __name__ == "__main__":
    sys.exit(main())
