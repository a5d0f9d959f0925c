"""What no client should send is answered with a plain status, and the daemon goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from answerprint.errors import InputError
from answerprint.rpc.convert import new_job_to
from answerprint.rpc.limits import ServerLimits
from answerprint.rpc.v1 import restoration_pb2 as pb
from answerprint.server.server import request_types
from answerprint.server.validate import parse, validate
from server.fuzz import fuzz
from server.harness import METHODS, PATIENCE_SECONDS, Running, ask, new_job, raw_channel

Value = Any  # of a field: a number, a text, a map, or the parts of a message in order

SUBMIT = "/answerprint.rpc.v1.Restoration/SubmitJob"


def submission(tmp_path: Path) -> pb.SubmitJobRequest:
    return new_job_to(new_job(tmp_path))


def changed(tmp_path: Path, path: str, value: Value) -> pb.SubmitJobRequest:
    """A good request with one field changed."""
    message = submission(tmp_path)
    *way, last = path.split(".")
    target: Any = message
    for name in way:
        target = getattr(target, name)
    if isinstance(value, dict):
        getattr(target, last).update(value)
    elif isinstance(value, tuple):
        field = getattr(target, last)
        for name, part in zip([each.name for each in field.DESCRIPTOR.fields], value, strict=True):
            setattr(field, name, part)
    else:
        setattr(target, last, value)
    return message


def test_a_good_request_passes(tmp_path: Path) -> None:
    message = submission(tmp_path)
    assert parse(pb.SubmitJobRequest, message.SerializeToString()) == message


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("id", "", "id is missing"),
        ("id", "1", "id is not a UUID"),
        ("id", "../../../../../../../../etc/passwd", "id is not a UUID"),
        ("clip.media", "", "clip.media is missing"),
        ("clip.media", "in.mov", "clip.media is not an absolute path"),
        ("clip.media", "file:///in.mov", "clip.media is not an absolute path"),
        ("clip.media", "http://localhost/x.m3u8", "clip.media is not an absolute path"),
        ("clip.media", "concat:/a.mov|/b.mov", "clip.media is not an absolute path"),
        ("clip.media", "/a/../b.mov", "clip.media contains '..'"),
        ("clip.media", "/a\0.mov", "clip.media contains a zero byte"),
        ("clip.media", "/" + "a" * 300, "a name in clip.media has 300 bytes"),
        ("clip.media", "/a" * 3000, "clip.media has 6000 bytes"),
        ("clip.range", (5, 5), "clip.range cannot be 5:5"),
        ("clip.range", (-1, 5), "clip.range cannot be -1:5"),
        ("clip.handle_before", 8, "clip has handles without a range"),
        ("clip.handle_after", -1, "clip.handle_after cannot be -1"),
        ("clip.rate", (24, 0), "clip.rate is not a positive fraction"),
        ("clip.pixel_aspect", (-1, 1), "clip.pixel_aspect is not a positive fraction"),
        ("clip.deinterlace", "twice", "clip.deinterlace is not known here"),
        ("clip.start_timecode", "one o'clock", "clip.start_timecode is not a timecode"),
        ("clip.field_order", 17, "clip.field_order has the unknown value 17"),
        ("clip.editor", {"": "x"}, "clip.editor has an entry without a name"),
        ("clip.editor", {"project": "x" * 20_000}, "clip.editor['project'] has 20000 characters"),
        ("clip.editor", {str(n): "x" for n in range(300)}, "clip.editor has 300 entries"),
        ("clip.reel", "a\0b", "clip.reel contains a zero byte"),
        ("settings.model", "../tiny-x4", "settings.model is not a name"),
        ("settings.scale", "9" * 20, "settings.scale has 20 characters"),
        ("settings.size", (0, 100), "settings.size.width is missing"),
        ("settings.size", (100, 100_000), "settings.size.height cannot be 100000"),
        ("settings.chunk", 0, "settings.chunk cannot be 0"),
        ("settings.steps", 100_000, "settings.steps cannot be 100000"),
        ("settings.seed", 2**63, "settings.seed cannot be"),
        ("settings.strength", 1.5, "settings.strength cannot be 1.5"),
        ("settings.strength", float("nan"), "settings.strength is not a finite number"),
        ("settings.device", "cuda 1", "settings.device is not a name"),
        ("deliverable.path", "", "deliverable.path is missing"),
        ("deliverable.path", "out.mov", "deliverable.path is not an absolute path"),
        ("preview.folder", "out", "preview.folder is not an absolute path"),
        ("preview.count", 0, "preview.count cannot be 0"),
        ("priority", 101, "priority cannot be 101"),
        ("priority", -101, "priority cannot be -101"),
        ("not_before", (-5, 0), "not_before is not a time"),
        ("label", "x" * 300, "label has 300 characters"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_the_name_of_its_field(
    tmp_path: Path, path: str, value: Value, said: str
) -> None:
    with pytest.raises(InputError) as refusal:
        validate(changed(tmp_path, path, value))
    assert said in refusal.value.message or said.capitalize() in refusal.value.message[:1] + refusal.value.message[1:]
    assert refusal.value.remedy


def test_a_job_without_a_result_is_refused(tmp_path: Path) -> None:
    message = submission(tmp_path)
    message.ClearField("deliverable")
    with pytest.raises(InputError, match="result is missing"):
        validate(message)


def test_two_ways_to_say_a_range_or_a_size_exclude_each_other(tmp_path: Path) -> None:
    message = changed(tmp_path, "clip.range", (0, 5))
    message.clip.range_text = "0:5"
    with pytest.raises(InputError, match="mutually exclusive"):
        validate(message)
    message = changed(tmp_path, "settings.size", (64, 64))
    message.settings.scale = "2"
    with pytest.raises(InputError, match="mutually exclusive"):
        validate(message)


@pytest.mark.parametrize("where", ["", "clip", "clip.rate", "settings", "deliverable"])
def test_a_field_that_this_version_does_not_know_is_refused_wherever_it_is(tmp_path: Path, where: str) -> None:
    message = changed(tmp_path, "clip.rate", (24, 1))
    target: Any = message
    for name in filter(None, where.split(".")):
        target = getattr(target, name)
    target.MergeFromString(b"\xc2\x3e\x05hello")  # field 1000
    with pytest.raises(InputError, match="unknown field 1000"):
        parse(pb.SubmitJobRequest, message.SerializeToString())


def test_an_unknown_field_within_a_map_is_refused(tmp_path: Path) -> None:
    message = submission(tmp_path)
    message.clip.MergeFromString(b"\x8a\x01\x0c\x0a\x01a\x12\x01b\xc2\x3e\x03cde")
    with pytest.raises(InputError, match="unknown field"):
        parse(pb.SubmitJobRequest, message.SerializeToString())


@pytest.mark.parametrize("method", METHODS)
def test_bytes_that_are_no_request_are_refused(running: Running, method: str) -> None:
    with raw_channel(running.server.session.endpoint) as channel:
        for data in (b"\xff\xff\xff", b"\x0a\x02\xff\xfe", b"\xc2\x3e\x05hello", b"\x07"):
            assert ask(channel, method, data, (running.token,)) is grpc.StatusCode.INVALID_ARGUMENT
    assert running.daemon.calls == []


def test_requests_at_random_get_clean_statuses_and_the_daemon_goes_on(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        outcome = fuzz(running.server.session, 600)
    assert outcome.offences == []
    assert len(outcome.statuses) >= 4, "the requests were all alike"
    assert not caplog.records
    with running.client() as client:
        assert client.info().version == "1.2.3"


def test_a_request_that_is_too_long_is_refused(running: Running, tmp_path: Path) -> None:
    with raw_channel(running.server.session.endpoint) as channel:
        status = ask(channel, SUBMIT, b"\0" * (ServerLimits().max_message_bytes + 1), (running.token,))
        assert status is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert running.daemon.calls == []
    with running.client() as client:
        assert client.submit(new_job(tmp_path))[1]


def test_metadata_that_is_too_long_is_refused(running: Running) -> None:
    with raw_channel(running.server.session.endpoint) as channel:
        status = ask(channel, SUBMIT, b"", (running.token, ("more", "x" * 20_000)))
        assert status in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)
    assert running.daemon.calls == []


def test_a_compressed_request_is_refused(running: Running) -> None:
    with raw_channel(running.server.session.endpoint) as channel:
        do = channel.unary_unary(SUBMIT, request_serializer=bytes, response_deserializer=bytes)
        with pytest.raises(grpc.RpcError) as refusal:
            do(b"\0" * 500_000, metadata=(running.token,), timeout=5, compression=grpc.Compression.Gzip)
        assert refusal.value.code() in (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL)
    assert running.daemon.calls == []


@pytest.mark.parametrize("method", ["/answerprint.rpc.v1.Restoration/Nothing", "/nothing.At/All", "/x", "/"])
def test_a_method_that_is_none_is_told_only_to_who_has_the_token(running: Running, method: str) -> None:
    with raw_channel(running.server.session.endpoint) as channel:
        assert ask(channel, method, b"", ()) is grpc.StatusCode.UNAUTHENTICATED
        assert ask(channel, method, b"", (running.token,)) is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("count", [0, 2, 1000])
def test_a_call_has_one_request(running: Running, tmp_path: Path, count: int) -> None:
    with raw_channel(running.server.session.endpoint) as channel:
        do = channel.stream_unary(SUBMIT, request_serializer=bytes, response_deserializer=bytes)
        data = submission(tmp_path).SerializeToString()
        with pytest.raises(grpc.RpcError) as refusal:
            do(iter([data] * count), metadata=(running.token,), timeout=5)
        assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert running.daemon.calls == []


def test_a_request_that_never_comes_is_not_waited_for(tmp_path: Path) -> None:
    with Running(tmp_path / "run", limits=ServerLimits(call_seconds=0.1)) as running:
        stuck = Stuck()
        with raw_channel(running.server.session.endpoint) as channel:
            do = channel.stream_unary(SUBMIT, request_serializer=bytes, response_deserializer=bytes)
            with pytest.raises(grpc.RpcError) as refusal:
                do(stuck, metadata=(running.token,), timeout=10)
            assert refusal.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            assert "Timed out waiting for the request" in str(refusal.value.details())
            stuck.end()


class Stuck:
    """Requests that are about to come."""

    def __init__(self) -> None:
        self._ended = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._ended.wait(PATIENCE_SECONDS)
        raise StopIteration

    def end(self) -> None:
        self._ended.set()


def test_every_method_has_a_type_of_request() -> None:
    assert len(request_types()) >= 21
    assert SUBMIT in METHODS
