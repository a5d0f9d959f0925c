"""Nothing is lost or changed on the way through the protocol, and nothing that passes it can break it."""

from __future__ import annotations

import json
import math
import random
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from answerprint.api.clip_ref import CLIP_WORDS, ClipRef
from answerprint.api.job import JobEvent, JobRecord, JobState
from answerprint.api.request import PreviewRequest, RestoreRequest
from answerprint.api.types import NewJob
from answerprint.errors import InputError
from answerprint.frames.clip import FieldOrder
from answerprint.frames.frame import FrameRange
from answerprint.ipc import events
from answerprint.rpc.convert import job_from, job_to, new_job_from, new_job_to
from answerprint.rpc.convert_events import job_event_from, job_event_to
from answerprint.rpc.convert_info import info_from, info_to, warm_from, warm_to
from answerprint.rpc.limits import ServerLimits
from answerprint.rpc.v1 import models_pb2, system_pb2
from answerprint.rpc.v1 import restoration_pb2 as pb
from answerprint.server.server import request_types
from answerprint.server.validate import parse, validate
from rpc.forms import any_bytes, messages

PACKAGE = "answerprint.rpc.v1"

# Of what is drawn, the shape varies more than any single value.
thorough = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)

names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=10)
paths = st.lists(names, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
words = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,8}", fullmatch=True)
free = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
# Times travel to the microsecond; floats hold that until long after the last job.
times = st.integers(0, 4 * 10**15).map(lambda micros: micros / 10**6)
reals = st.floats(0, 1e6)
spans = reals.map(lambda seconds: round(seconds, 3))  # as events have them
counts = st.integers(0, 2**53)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def restorations(draw: st.DrawFn) -> RestoreRequest:
    sizes = st.tuples(st.integers(1, 65536), st.integers(1, 65536))
    scale = draw(maybe(st.sampled_from(["2", "1.5", "3/2"])))
    return RestoreRequest(
        clip=ClipRef(draw(paths), draw(maybe(st.sampled_from(["1:5", "01:00:00:00:01:00:01:00"])))),
        output=draw(paths), model=draw(words), task=draw(words), scale=scale,
        size=None if scale else draw(maybe(sizes)),
        chunk=draw(maybe(st.integers(1, 10_000))), steps=draw(maybe(st.integers(1, 10_000))),
        seed=draw(st.integers(0, 2**63 - 1)), strength=draw(st.floats(0, 1)), noise=draw(maybe(words)),
        consistency=draw(st.booleans()), options=draw(st.dictionaries(words, free, max_size=4)),
        codec=draw(maybe(words)), device=draw(words), overwrite=draw(st.booleans()),
        parts=tuple(draw(st.lists(st.tuples(paths, ranges), max_size=2))),
    )  # fmt: skip


@st.composite
def new_jobs(draw: st.DrawFn) -> NewJob:
    restore = draw(restorations())
    preview = draw(st.booleans())
    if preview:
        asked = PreviewRequest(
            replace(restore, codec=None, parts=()), draw(st.integers(0, 10**9)), draw(st.integers(1, 1000))
        )
        request = asked.to_json()
    else:
        request = restore.to_json()
    return NewJob(
        id=str(UUID(int=draw(st.integers(0, 2**128 - 1)))),
        kind="preview" if preview else "restore",
        request=request,
        label=draw(free),
        priority=draw(st.integers(-100, 100)),
        not_before=draw(maybe(times)),
    )


def problems() -> st.SearchStrategy[dict[str, Any] | None]:
    plain = {"code": words, "message": free, "remedy": free, "exit_code": st.integers(0, 255)}
    with_room = plain | {"needed_bytes": st.integers(1, 2**53), "folder": paths}
    return maybe(st.fixed_dictionaries(plain) | st.fixed_dictionaries(with_room))


@thorough
@given(new_jobs())
def test_what_a_client_asks_for_is_what_the_queue_gets(new: NewJob) -> None:
    message = new_job_to(new)
    validate(message)
    again = new_job_from(pb.SubmitJobRequest.FromString(message.SerializeToString()))
    assert again == replace(new, clip=again.clip)
    assert again.clip.settings() == {name: new.request[name] for name in ("input", "range", "interpret")}
    assert new_job_to(again) == message


texts = st.just("") | free
rates = st.fractions(min_value=Fraction(1, 100), max_value=1000, max_denominator=10_000)
ranges = st.tuples(st.integers(0, 10**8), st.integers(1, 10**6)).map(lambda pair: FrameRange(pair[0], sum(pair)))
handles = st.tuples(st.integers(0, 10**6), st.integers(0, 10**6))

SETTABLE = [order for order in FieldOrder if order is not FieldOrder.PER_FRAME]


@st.composite
def clips(draw: st.DrawFn) -> ClipRef:
    span = draw(maybe(ranges | st.just("1:5")))
    return ClipRef(
        draw(paths), span, draw(handles) if isinstance(span, FrameRange) else (0, 0),
        draw(maybe(rates)), draw(st.sampled_from(["", "01:00:00:00", "01:00:00;02"])), draw(st.booleans()),
        draw(maybe(rates)), draw(st.sampled_from([None, *SETTABLE])),
        draw(st.sampled_from(["", "video", "full"])), draw(texts), draw(texts),
        draw(st.sampled_from(["", "none", "straight", "premultiplied"])), draw(maybe(st.booleans())), draw(texts),
        draw(st.dictionaries(words, free, max_size=3)), *(draw(st.sampled_from(["", *CLIP_WORDS[name][1:]]))
                                                          for name in list(CLIP_WORDS)[1:]),
    )  # fmt: skip


@thorough
@given(clips())
def test_a_clip_is_kept_in_the_protocols_own_json_form(clip: ClipRef) -> None:
    message = json_format.ParseDict(clip.to_json(), pb.ClipRef())
    assert json_format.MessageToDict(message, preserving_proto_field_name=True) == clip.to_json()
    assert ClipRef.from_json(json.loads(json.dumps(clip.to_json()))) == clip


@thorough
@given(clips())
def test_a_clip_says_the_same_to_the_client_the_daemon_and_the_child(clip: ClipRef) -> None:
    request = RestoreRequest(clip, "/out.mov").to_json()
    message = new_job_to(NewJob(str(UUID(int=1)), "restore", request, clip))
    taken = new_job_from(pb.SubmitJobRequest.FromString(message.SerializeToString()))
    assert (taken.clip, taken.request) == (clip, request)
    assert RestoreRequest.from_json(taken.request).clip.settings() == clip.settings()


@thorough
@given(new_jobs(), st.sampled_from(JobState), problems(), times, maybe(times), maybe(times), counts, counts, reals)
def test_what_the_queue_has_is_what_a_client_sees(
    new: NewJob, state: JobState, problem: dict[str, Any] | None, created: float, started: float | None,
    ended: float | None, total: int, done: int, seconds: float,
) -> None:  # fmt: skip
    clip = new_job_from(new_job_to(new)).clip
    record = JobRecord(
        id=new.id, number=7, kind=new.kind, label=new.label, state=state, request=new.request, clip=clip,
        lane=str(new.request["device"]), priority=new.priority, not_before=new.not_before, created=created,
        started=started, ended=ended, seconds=seconds, frames_total=total, frames_done=done, problem=problem,
        facts={"estimate": {"scratch_bytes": 10}, "scratch_bytes": 5}, last_sequence=3,
    )  # fmt: skip
    assert job_from(pb.Job.FromString(job_to(record).SerializeToString())) == record


@given(st.integers(0, 1000), st.integers(1, 1000), st.integers(0, 2000), st.integers(0, 2000))
def test_handles_widen_a_range_and_never_reach_before_the_clip(
    first: int, length: int, before: int, after: int
) -> None:
    clip = ClipRef("/in.mov", FrameRange(first, first + length), (before, after))
    request = RestoreRequest(clip=ClipRef("/in.mov"), output="/out.mov").to_json()
    new = NewJob(str(UUID(int=1)), "restore", request, clip)
    begin, end = map(int, str(new_job_from(new_job_to(new)).request["range"]).split(":"))
    assert begin == max(0, first - before) <= first
    assert end == first + length + after


def happenings() -> st.SearchStrategy[JobEvent]:
    flow = st.fixed_dictionaries({"hits": counts, "misses": counts})
    segment = st.fixed_dictionaries({"name": words, "bytes": counts, "sha256": words})
    receipt = st.fixed_dictionaries(
        {"chunk": st.integers(0, 2**32 - 1), "first": counts, "stop": counts, "segment": segment}
    )
    source = st.fixed_dictionaries(
        {"path": paths, "width": st.integers(0, 2**32 - 1), "height": st.integers(0, 9), "rate": st.just("24000/1001"),
         "frames": counts, "range": st.tuples(counts, counts)}
    )  # fmt: skip
    output = st.fixed_dictionaries(
        {"path": paths, "width": st.integers(0, 9), "height": st.integers(0, 9), "codec": words}
    )
    estimate = st.fixed_dictionaries({"memory_bytes": st.integers(1, 9)})
    small = st.integers(0, 100)
    chunk = st.builds(events.chunk, receipt, spans, flow_cache=flow,
                      frames_done=counts, frames_total=counts)  # fmt: skip
    body = st.one_of(
        st.fixed_dictionaries(
            {"event": st.just("state"), "state": st.sampled_from([s.value for s in JobState]), "problem": problems()}
        ),
        st.builds(events.started, source, output, model=words, device=words, estimate=estimate),
        st.builds(events.stage, st.sampled_from(["probe", "mux"]), free),
        st.builds(
            events.progress, st.sampled_from(["denoise"]), counts, counts, seconds_per_frame=maybe(reals),
            eta_seconds=maybe(reals), chunk=small, step=small, steps=small,
        ),
        chunk.map(lambda event: event | {"segment": event["receipt"]["segment"]["name"]}),
        st.builds(events.warning, free),
        st.builds(events.adapted, small, free),
        st.builds(
            events.done, paths, st.integers(0, 10**6), spans, flow_cache=flow, files=st.lists(paths, max_size=3),
            peak_memory_bytes=maybe(st.integers(1, 2**53)), stages=st.dictionaries(words, spans, max_size=3),
        ),
    )  # fmt: skip
    return st.builds(JobEvent, counts, times, body)


@thorough
@given(happenings())
def test_what_happens_is_what_a_watcher_sees(happening: JobEvent) -> None:
    message = job_event_to(happening)
    assert message is not None
    assert job_event_from(pb.JobEvent.FromString(message.SerializeToString())) == happening


_FIXED: dict[str, st.SearchStrategy[Any]] = {
    f"{PACKAGE}.JobEvent.at": times.map(lambda s: job_event_to(JobEvent(0, s, events.warning(""))).at),  # type: ignore[union-attr]
    f"{PACKAGE}.StateChanged.state": st.integers(1, 7),
    f"{PACKAGE}.Understood.rate": st.integers(1, 99).map(lambda n: pb.Rational(numerator=n, denominator=1)),
    f"{PACKAGE}.Understood.range": st.just(pb.FrameRange(first=1, stop=2)),
    f"{PACKAGE}.ChunkDone.frames": st.just(pb.FrameRange(first=1, stop=2)),
    f"{PACKAGE}.ChunkDone.seconds": st.integers(0, 99).map(float),
    f"{PACKAGE}.Finished.seconds": st.integers(0, 99).map(float),
    f"{PACKAGE}.Finished.stages": st.dictionaries(words, st.integers(0, 99).map(float)),
    f"{PACKAGE}.Problem.exit_code": st.integers(0, 255),
    f"{PACKAGE}.Info.limits": st.just(
        system_pb2.Limits(max_message_bytes=1 << 20, max_watchers=128, max_calls=64, memory_cap_bytes=5)
    ),
    f"{PACKAGE}.Info.protocol": st.just(1),
}


@thorough
@given(messages(pb.JobEvent, _FIXED))
def test_every_field_of_an_event_survives_the_client(message: pb.JobEvent) -> None:
    happening = job_event_from(message)
    assert happening is not None
    assert job_event_to(happening) == message


@thorough
@given(messages(system_pb2.Info, _FIXED))
def test_every_field_of_what_the_daemon_says_of_itself_survives_the_client(message: system_pb2.Info) -> None:
    assert info_to(info_from(message), ServerLimits(), 1) == message


@given(messages(models_pb2.WarmModel))
def test_every_field_of_a_warm_model_survives_the_client(message: models_pb2.WarmModel) -> None:
    assert warm_to(warm_from(message)) == message


@thorough
@given(st.data())
def test_no_message_of_the_protocols_types_breaks_what_reads_it(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(list(request_types().values())))
    message = data.draw(messages(kind))
    with suppress(InputError):
        checked = parse(kind, message.SerializeToString())
        if isinstance(checked, pb.SubmitJobRequest):
            new_job_to(new_job_from(checked))


def test_no_bytes_break_what_reads_them() -> None:
    source = random.Random(7)  # noqa: S311 - the same bytes each time
    passed = 0
    for _ in range(5000):
        kind = source.choice(list(request_types().values()))
        with suppress(InputError):
            checked = parse(kind, any_bytes(kind, source))
            passed += 1
            if isinstance(checked, pb.SubmitJobRequest):
                new_job_to(new_job_from(checked))
    assert passed > 100, "all of them were refused, which says little"


def test_a_job_survives_what_its_process_can_come_up_with() -> None:
    record = JobRecord(
        "x", 1, "restore", "bytes-\udcff", JobState.FAILED, RestoreRequest(ClipRef("/in"), "/out").to_json(),
        problem={"code": "x", "message": "/bytes-\udcff", "remedy": None, "exit_code": "nonsense"},
        facts={"estimate": {"scratch_bytes": math.inf}},
    )  # fmt: skip
    seen = job_from(job_to(record, {"event": "progress", "eta_seconds": math.nan, "frames_done": -1}))
    assert seen.label == "bytes-\\udcff"
    assert seen.problem == {"code": "x", "message": "/bytes-\\udcff", "remedy": "", "exit_code": 0}
    odd = JobEvent(-1, 0.0, {"event": "chunk", "receipt": {"chunk": 2**40}, "flow_cache": None, "seconds": None})
    assert job_event_to(odd) is not None
    assert job_event_to(JobEvent(1, 0.0, {"event": "rendered"})) is None
    assert job_event_from(pb.JobEvent(sequence=1)) is None


def test_a_daemon_that_knows_no_parts_says_that_it_is_older() -> None:
    """Its classes are made of the contract as it was then."""
    older = FileDescriptorProto.FromString(pb.DESCRIPTOR.serialized_pb)
    (deliverable,) = (each for each in older.message_type if each.name == "Deliverable")
    (field,) = (each for each in deliverable.field if each.name == "parts")
    deliverable.field.remove(field)
    pool = DescriptorPool()
    for file in (FileDescriptorProto.FromString(Timestamp.DESCRIPTOR.file.serialized_pb), older):
        pool.Add(file)
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.SubmitJobRequest"))
    request = RestoreRequest(ClipRef("/in.mov"), "/out.mov", parts=(("/a.mov", FrameRange(0, 5)),)).to_json()
    sent = new_job_to(NewJob(str(UUID(int=1)), "restore", request)).SerializeToString()
    with pytest.raises(InputError, match=r"deliverable has an unknown field 4") as refusal:
        parse(kind, sent)
    assert "update the daemon" in refusal.value.remedy
    plain = new_job_to(NewJob(str(UUID(int=1)), "restore", {**request, "parts": []}))
    assert parse(kind, plain.SerializeToString()) is not None
