"""Every call reaches the daemon as it was meant, and every error comes back as it was raised."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from grpc_health.v1 import health_pb2 as health
from grpc_health.v1 import health_pb2_grpc

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import JobState
from answerprint.api.types import BusyError, MediaInfo, NotFoundError, NotYetError, StateError
from answerprint.client import calls
from answerprint.client.client import Client
from answerprint.client.connection import Connection
from answerprint.errors import (
    AnswerprintError,
    DiskFullError,
    InputError,
    JobFailedError,
    JournalError,
    ModelError,
    NoDaemonError,
    StorageError,
)
from answerprint.frames.clip import FieldOrder
from answerprint.frames.frame import FrameRange
from answerprint.ipc import events
from answerprint.rpc.convert import new_job_to
from answerprint.rpc.errors import CrowdedError, InternalError, TooSlowError, from_trailer, status_of, trailer_of
from answerprint.rpc.limits import ServerLimits
from answerprint.rpc.session_file import read_session
from answerprint.rpc.v1 import restoration_pb2 as pb
from answerprint.rpc.v1 import system_pb2
from fakes.daemon import PICTURE
from server.harness import PATIENCE_SECONDS, Running, ask, await_until, new_job, raw_channel


def test_a_file_is_described_before_it_becomes_a_job(client: Client) -> None:
    info = client.describe("/films/a.mov")
    assert (info.path, info.frames, info.rate) == ("/films/a.mov", 250, Fraction(24000, 1001))
    assert (info.pixel_aspect, info.start_timecode, info.interlaced) == (Fraction(16, 15), "01:00:00:00", True)
    with pytest.raises(InputError, match="does not exist"):
        client.describe("/films/absent.mov")
    with pytest.raises(InputError, match="absolute"):
        client.describe("a.mov")


def test_many_are_described_in_their_order_and_one_that_cannot_be_read_is_an_error_of_its_own(client: Client) -> None:
    names = [f"/films/{'absent' if number % 7 == 3 else 'a'}{number}.mov" for number in range(40)]
    infos = list(client.describe_all(names))
    for name, info in zip(names, infos, strict=True):
        if "absent" in name:
            assert isinstance(info, InputError)
            assert name in info.message
        else:
            assert isinstance(info, MediaInfo)
            assert info.path == name


def test_what_an_editor_knows_better_than_the_file_reaches_the_job(client: Client, tmp_path: Path) -> None:
    clip = ClipRef(
        str(tmp_path / "in.mov"), FrameRange(10, 20), (4, 0), Fraction(30000, 1001), "01:00:00:00", drop_frame=True,
        pixel_aspect=Fraction(8, 9), levels="video", fields=FieldOrder.BOTTOM_FIRST, audio=False,
        editor={"item": "x" * 5000},
    )  # fmt: skip
    job = client.submit(new_job(tmp_path, clip=clip))[0]
    assert job.request["interpret"] == {
        "rate": "30000/1001",
        "start_timecode": "01:00:00;00",
        "pixel_aspect": "8/9",
        "levels": "video",
        "fields": "bottom",
        "sound": "no",
    }
    assert job.request["range"] == "6:20"
    assert client.get(job.id).clip.editor == {"item": "x" * 5000}


def test_the_same_job_twice_is_one_job(client: Client, tmp_path: Path) -> None:
    new = new_job(tmp_path, label="Take 2", priority=-3, not_before=1_800_000_000.5)
    record, created = client.submit(new)
    assert created
    assert client.submit(new) == (record, False)
    assert (record.label, record.priority, record.not_before) == ("Take 2", -3, 1_800_000_000.5)
    assert record.request == new.request
    assert client.get(record.id.upper()) == client.get(record.id[:8]) == client.get("1") == record


def test_a_clip_comes_back_as_the_editor_gave_it_and_its_handles_widen_the_range(
    client: Client, running: Running, tmp_path: Path
) -> None:
    clip = ClipRef(
        str(tmp_path / "in.mov"), FrameRange(10, 20), (16, 8), Fraction(24000, 1001), "01:00:00:00",
        fields=FieldOrder.TOP_FIRST, audio=False, reel="A001", editor={"timeline item": "ü-17"},
    )  # fmt: skip
    record, _ = client.submit(new_job(tmp_path, clip=clip))
    assert record.request["range"] == "0:28"
    assert record.clip == clip
    assert running.daemon.jobs[record.id].clip == record.clip


def test_a_preview_keeps_its_frame_and_count(client: Client, tmp_path: Path) -> None:
    new = new_job(tmp_path)
    asked = {**new.request, "output": str(tmp_path / "preview"), "frame": 240, "count": 3}
    record, _ = client.submit(new_job(tmp_path, kind="preview", request=asked))
    assert record.kind == "preview"
    assert record.request == asked


def test_jobs_come_in_pages(client: Client, tmp_path: Path) -> None:
    for _ in range(7):
        client.submit(new_job(tmp_path))
    page = client.list(limit=3)
    assert ([job.number for job in page.jobs], page.total) == ([1, 2, 3], 7)
    assert [job.number for job in client.list(limit=3, token=page.next_token).jobs] == [4, 5, 6]
    assert [job.number for job in client.all_jobs()] == [1, 2, 3, 4, 5, 6, 7]
    client.cancel("2")
    assert [job.number for job in client.all_jobs([JobState.CANCELLED])] == [2]
    with pytest.raises(InputError, match="page token"):
        client.list((), 100, "nonsense")


def test_jobs_are_steered(client: Client, running: Running, tmp_path: Path) -> None:
    job = client.submit(new_job(tmp_path))[0].id
    assert client.pause(job).state is JobState.PAUSED
    assert client.pause(job).state is JobState.PAUSED
    assert client.resume(job).state is JobState.QUEUED
    assert client.move(job, priority=5, place="first", not_before=0.0).priority == 5
    assert running.daemon.calls[-1] == "move first"
    with pytest.raises(StateError, match="Job 1 is queued") as refusal:
        client.delete(job)
    assert (refusal.value.exit_code, refusal.value.code, refusal.value.remedy) == (2, "wrong_state", "Cancel it first.")
    assert client.cancel(job).state is JobState.CANCELLED
    assert client.retry(job).state is JobState.QUEUED
    client.cancel(job)
    assert client.delete(job) == 4096
    with pytest.raises(NotFoundError):
        client.get(job)
    with pytest.raises(InputError, match="Nothing to change"):
        client.move(job)


def test_the_live_progress_comes_with_a_job(client: Client, running: Running, tmp_path: Path) -> None:
    job = client.submit(new_job(tmp_path))[0].id
    assert client.get_with_progress(job)[1] is None
    progress = events.progress("denoise", 3, 100, seconds_per_frame=0.25, chunk=1, step=2, steps=4)
    running.call(running.daemon.tell, job, progress)
    assert client.get_with_progress(job)[1] == progress


def test_a_frame_comes_in_parts_and_its_file_goes(client: Client, running: Running, tmp_path: Path) -> None:
    job = client.submit(new_job(tmp_path))[0].id
    picture = client.frame(job, 0, "source", "jpeg", (640, 360))
    assert picture.data == PICTURE
    assert (picture.media_type, picture.width, picture.height) == ("image/jpeg", 640, 480)
    assert running.daemon.calls[-1] == "frame 0 source jpeg (640, 360)"
    assert not list(tmp_path.glob("picture-*"))
    with pytest.raises(NotYetError, match="Frame 7 is not finished"):
        client.frame(job, 7)


def test_a_picture_that_is_cut_short_is_not_given_out(
    client: Client, running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = client.submit(new_job(tmp_path))[0].id
    with monkeypatch.context() as patch:
        patch.setattr("fakes.daemon.PICTURE_BYTES", len(PICTURE) + 1)
        with pytest.raises(JobFailedError, match="The image is incomplete"):
            client.frame(job, 0)
    assert client.frame(job, 0).data == PICTURE


def test_an_end_does_not_wait_for_ever_for_a_call_that_hangs(tmp_path: Path) -> None:
    with Running(tmp_path / "run") as running:

        async def stick() -> None:
            running.daemon.hold = asyncio.Event()

        running.do(stick())
        connection = Connection(read_session(running.run))
        asking = threading.Thread(target=_submit_and_fail, args=(connection, new_job(tmp_path)))
        asking.start()
        await_until(lambda: running.daemon.calls == ["submit"])
        running.do(running.server.stop(0.1))
        asking.join(PATIENCE_SECONDS)
        connection.close()
        running.start()
        with running.client() as client:
            assert client.info().version == "1.2.3"


def test_models_are_loaded_and_freed(client: Client, running: Running) -> None:
    assert client.load_model("tiny-x4", "cpu", -1.0).remaining_seconds == -1.0
    assert client.load_model("other").remaining_seconds == 300.0
    assert [model.model for model in client.info().warm_models] == ["tiny-x4", "other"]
    assert client.unload_models("other") == 1
    assert client.unload_models() == 1
    assert running.daemon.calls[:2] == ["load tiny-x4 cpu -1.0", "load other auto None"]


def test_models_and_options_are_described_as_they_are(client: Client) -> None:
    models, shared = client.models()
    embedded = next(model for model in models if model.name == "tiny-x4")
    assert embedded.ready
    assert embedded.tasks
    assert [option.name for option in embedded.options[:2]] == ["quality", "sampler"]
    assert embedded.options[1].choices == embedded.samplers
    by_name = {option.name: option for option in shared}
    assert by_name["chunk"].kind == "int"
    assert by_name["chunk"].minimum is not None
    assert by_name["warp_stage"].format == "span"
    assert all(option.help for option in shared)


def test_the_daemon_is_suspended_and_ended(client: Client, running: Running) -> None:
    assert client.suspend("Resolve renders", unload=True).suspend_reason == "Resolve renders"
    assert client.info().suspended
    assert not client.resume_work().suspended
    client.shut_down()
    assert running.daemon.ended.is_set()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InputError("a", "b"), grpc.StatusCode.INVALID_ARGUMENT),
        (ModelError("a", "b"), grpc.StatusCode.INVALID_ARGUMENT),
        (NotFoundError("a", "b"), grpc.StatusCode.NOT_FOUND),
        (NotYetError("a", "b"), grpc.StatusCode.NOT_FOUND),
        (StateError("a", "b"), grpc.StatusCode.FAILED_PRECONDITION),
        (BusyError("a", "b"), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (JournalError("a", "b"), grpc.StatusCode.UNAVAILABLE),
        (StorageError("a", "b"), grpc.StatusCode.UNAVAILABLE),
        (DiskFullError("a", "b", needed_bytes=1, folder="/x"), grpc.StatusCode.UNAVAILABLE),
        (InputError("Плёнка\n" * 500, "\udcff" * 500), grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_an_error_comes_back_as_it_was_raised(
    running: Running, client: Client, monkeypatch: pytest.MonkeyPatch, error: AnswerprintError, status: grpc.StatusCode
) -> None:
    async def fail(reference: str) -> None:
        raise error

    monkeypatch.setattr(running.daemon, "get", fail)
    with pytest.raises(AnswerprintError) as raised:
        client.get("1")
    assert isinstance(raised.value, type(error))
    assert (raised.value.code, raised.value.exit_code) == (error.code, error.exit_code)
    assert raised.value.message.startswith(error.message[:100])
    if error.remedy == "b":
        assert (raised.value.message, raised.value.remedy) == (error.message, "b")
    assert status_of(error) is status


def test_an_error_of_a_later_version_says_the_same() -> None:
    later = type("LaterError", (InputError,), {"code": "later", "exit_code": 2, "__module__": "elsewhere"})
    _, metadata = trailer_of(later("Message.", "Remedy."))
    del later
    raised = from_trailer([("other", "x"), *metadata])
    assert raised is not None
    assert (raised.code, raised.message, raised.remedy, raised.exit_code) == ("later", "Message.", "Remedy.", 2)
    assert isinstance(raised, InputError)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"code": 1, "exit_code": "x"}', b"[" * 100_000])
def test_a_trailer_that_says_nothing_is_no_error(data: bytes) -> None:
    assert from_trailer([("answerprint-problem-bin", data)]) is None


def test_a_mistake_in_the_daemon_is_logged_there_and_tells_no_secrets(
    client: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(InternalError) as raised:
        client.submit(new_job(tmp_path, label="unlucky"))
    assert str(tmp_path) not in str(raised.value)
    (record,) = [each for each in caplog.records if each.name == "answerprint.server.gate"]
    assert "SubmitJob" in record.getMessage()
    assert record.exc_info is not None
    caplog.clear()
    assert client.submit(new_job(tmp_path))[1]


def test_a_client_that_goes_away_never_cuts_a_call_in_two(running: Running, tmp_path: Path) -> None:
    async def close_the_door() -> None:
        running.daemon.hold = asyncio.Event()

    running.do(close_the_door())
    new = new_job(tmp_path)
    connection = Connection(read_session(running.run))
    leaving = threading.Thread(target=_submit_and_fail, args=(connection, new))
    leaving.start()
    await_until(lambda: running.daemon.calls == ["submit"])
    connection.close()
    leaving.join(PATIENCE_SECONDS)
    assert running.daemon.jobs == {}
    assert running.daemon.hold is not None
    running.call(running.daemon.hold.set)
    await_until(lambda: new.id in running.daemon.jobs)


def _submit_and_fail(connection: Connection, new: Any) -> None:  # noqa: ANN401
    with pytest.raises(NoDaemonError):
        connection.call("/answerprint.rpc.v1.Restoration/SubmitJob", new_job_to(new), pb.SubmitJobResponse, 20.0)


def test_a_call_that_takes_too_long_ends_on_both_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Running(tmp_path / "run", limits=ServerLimits(call_seconds=0.1)) as running, running.client() as client:

        async def stick() -> None:
            running.daemon.hold = asyncio.Event()

        running.do(stick())
        with pytest.raises(TooSlowError, match="did not answer in time") as raised:
            client.submit(new_job(tmp_path))
        assert raised.value.exit_code == 3
        assert running.daemon.hold is not None
        running.call(running.daemon.hold.set)
        await_until(lambda: len(running.daemon.jobs) == 1)
        assert client.info().version == "1.2.3"


def test_the_clients_own_deadline_holds(
    running: Running, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stick() -> None:
        running.daemon.hold = asyncio.Event()

    running.do(stick())
    connection = Connection(read_session(running.run))
    monkeypatch.setattr(calls.Caller.call, "__kwdefaults__", {"seconds": 0.1, "repeatable": True})
    with pytest.raises(TooSlowError, match="did not answer in time"):
        client.submit(new_job(tmp_path))
    connection.close()
    assert running.daemon.hold is not None
    running.call(running.daemon.hold.set)


def test_more_calls_than_there_is_room_for_are_told_so(tmp_path: Path) -> None:
    with Running(tmp_path / "run", limits=ServerLimits(max_calls=2)) as running, running.hasty_client() as client:

        async def stick() -> None:
            running.daemon.hold = asyncio.Event()

        running.do(stick())
        with raw_channel(running.server.session.endpoint) as channel:
            do = channel.unary_unary(
                "/answerprint.rpc.v1.Restoration/SubmitJob", request_serializer=bytes, response_deserializer=bytes
            )
            waiting = [
                do.future(new_job_to(new_job(tmp_path)).SerializeToString(), metadata=(running.token,), timeout=20)
                for _ in range(2)
            ]
            await_until(lambda: running.daemon.calls == ["submit", "submit"])
            began = time.monotonic()
            with pytest.raises(BusyError, match="2 calls"):
                client.info()
            assert 0.15 < time.monotonic() - began < 5
            assert running.daemon.hold is not None
            running.call(running.daemon.hold.set)
            for each in waiting:
                each.result(PATIENCE_SECONDS)
        assert client.info().version == "1.2.3"


def test_a_call_that_is_refused_because_many_ask_at_once_is_made_again(tmp_path: Path) -> None:
    limits = ServerLimits(max_calls=2, max_slow_calls=1)
    with Running(tmp_path / "run", limits=limits) as running:
        told: list[int | BaseException] = []

        def ask_often() -> None:
            try:
                with running.client() as client:
                    for _ in range(10):
                        told.append(client.list().total)
                    told.extend(
                        each.frames for each in client.describe_all(["/films/a.mov"] * 8) if isinstance(each, MediaInfo)
                    )
            except BaseException as error:  # noqa: BLE001 - asserted on below
                told.append(error)

        threads = [threading.Thread(target=ask_often) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        assert sorted(map(str, told)) == sorted(["0"] * 160 + ["250"] * 128)


def test_only_what_many_askers_are_refused_is_told_apart_as_such() -> None:
    told = from_trailer(trailer_of(BusyError("The device is busy."))[1])
    assert type(told) is BusyError
    crowded = from_trailer(trailer_of(CrowdedError("Many ask.", "Wait."))[1])
    assert isinstance(crowded, CrowdedError)
    assert (crowded.message, crowded.remedy, crowded.code) == ("Many ask.", "Wait.", "busy")


def test_health_says_serving_only_between_recovery_and_the_end(tmp_path: Path) -> None:
    with Running(tmp_path / "run", serving=False) as running:
        connection = Connection(read_session(running.run))
        assert connection.check() is False
        with pytest.raises(NoDaemonError, match="starting or stopping") as refusal:
            Client.connect(running.run, timeout=0)
        assert refusal.value.code == "starting"
        with raw_channel(running.server.session.endpoint) as channel:
            status = ask(channel, "/answerprint.rpc.v1.System/GetInfo", b"", (running.token,))
            assert status is grpc.StatusCode.UNAVAILABLE
        assert running.daemon.calls == []

        waiting: list[Client] = []
        thread = threading.Thread(target=lambda: waiting.append(running.client()))
        thread.start()
        running.do(running.server.open())
        thread.join(PATIENCE_SECONDS)
        assert connection.check() is True
        assert waiting[0].info().version == "1.2.3"

        running.do(running.server.drain())
        assert connection.check() is False
        with pytest.raises(NoDaemonError):
            connection.call(*_info_call(), 5.0)
        waiting[0].close()
        connection.close()


def _info_call() -> tuple[str, Any, Any]:
    return "/answerprint.rpc.v1.System/GetInfo", system_pb2.GetInfoRequest(), system_pb2.Info


def test_health_is_watched_and_listed(running: Running) -> None:
    with raw_channel(running.server.session.endpoint) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        call = stub.Watch(health.HealthCheckRequest(), metadata=(running.token,))
        assert next(call).status == health.HealthCheckResponse.SERVING
        running.do(running.server.drain())
        assert next(call).status == health.HealthCheckResponse.NOT_SERVING
        call.cancel()
        unknown = stub.Watch(health.HealthCheckRequest(service="x"), metadata=(running.token,))
        assert [each.status for each in unknown] == [health.HealthCheckResponse.SERVICE_UNKNOWN]
        listed = stub.List(health.HealthListRequest(), metadata=(running.token,))
        assert "answerprint.rpc.v1.Restoration" in listed.statuses
        with pytest.raises(grpc.RpcError) as refusal:
            stub.Check(health.HealthCheckRequest(service="x"), metadata=(running.token,))
        assert refusal.value.code() is grpc.StatusCode.NOT_FOUND


def test_a_client_goes_on_with_the_daemon_that_was_started_again(
    running: Running, client: Client, tmp_path: Path
) -> None:
    job = client.submit(new_job(tmp_path))[0].id
    calls: list[Callable[[], Any]] = [
        lambda: client.get(job), client.info, lambda: client.submit(new_job(tmp_path)), lambda: client.cancel(job),
        lambda: client.delete(job),
    ]  # fmt: skip
    for call in calls:
        before = client.session
        running.restart()
        call()
        assert client.session != before


def test_what_cannot_be_sent_is_an_error_of_the_input(client: Client, running: Running, tmp_path: Path) -> None:
    new = new_job(tmp_path)
    for request in ({**new.request, "input": "/bytes-\udcff.mov"}, {**new.request, "seed": 2**70}):
        with pytest.raises(InputError) as refusal:
            client.submit(new_job(tmp_path, request=request))
        assert refusal.value.remedy
    with pytest.raises(InputError):
        client.submit(new_job(tmp_path, clip=ClipRef(new.request["input"], editor={"item": "\udcff"})))
    with pytest.raises(InputError, match="not a UUID"):
        client.submit(new_job(tmp_path, id=uuid4().hex))
    assert running.daemon.calls == []
