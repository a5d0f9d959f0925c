"""A list of jobs is queued in its order, in whatever order its calls arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from google.protobuf.message import Message

from answerprint.api.types import NewJob
from answerprint.client.client import Client
from answerprint.errors import AnswerprintError, InputError
from answerprint.rpc.errors import CrowdedError, InternalError
from answerprint.scheduler import submit_order
from answerprint.server import gate
from answerprint.server.gate import Gate
from answerprint.server.validate import parse
from server.harness import Running, new_job


def test_many_are_queued_in_their_order_each_once(running: Running, client: Client, tmp_path: Path) -> None:
    jobs = [new_job(tmp_path, label=f"clip {number}") for number in range(40)]
    jobs[5] = new_job(tmp_path, label="unlucky")
    for _ in range(2):  # the same ids again are the same jobs
        answers = list(client.submit_all(jobs))
        assert isinstance(answers.pop(5), InternalError)
        records = [answer[0] for answer in answers if not isinstance(answer, AnswerprintError)]
        assert [record.label for record in records] == [job.label for job in jobs if job.label != "unlucky"]
        assert [record.number for record in records] == sorted(record.number for record in records)
    assert len(running.daemon.jobs) == 39


def queued_in_order(client: Client, jobs: list[NewJob]) -> None:
    """Submit a list; the daemon numbers its jobs as they stand in the list."""
    answers = list(client.submit_all(jobs))
    records = [answer[0] for answer in answers if not isinstance(answer, AnswerprintError)]
    assert [record.label for record in records] == [job.label for job in jobs], answers
    assert [record.number for record in records] == sorted(record.number for record in records)


@pytest.mark.parametrize("first_call", ["arrives last", "is refused while the others come in"])
def test_a_list_keeps_its_order_in_whatever_order_its_calls_arrive(
    first_call: str, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, seen, others = Gate._read, [], asyncio.Event()

    async def read_late(gate: Gate, kind: type[Message], requests: AsyncIterator[bytes]) -> Message:
        message: Any = await read(gate, kind, requests)
        seen.append(message.label)
        if len(seen) == 8:
            others.set()
        if message.label == "clip 0" and not others.is_set():
            await others.wait()
            if first_call != "arrives last":
                raise CrowdedError("The daemon has 64 calls already.", "Try again in a moment.")
        return cast(Message, message)

    monkeypatch.setattr(Gate, "_read", read_late)
    queued_in_order(client, [new_job(tmp_path, label=f"clip {number}") for number in range(12)])


def test_a_job_that_never_reaches_the_daemon_changes_no_order(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submit_order, "_SECONDS", 0.05)
    jobs = [new_job(tmp_path, label=f"clip {number}") for number in range(12)]
    refused = new_job(tmp_path, label="x" * 300)
    answers = list(client.submit_all([refused, *jobs]))
    assert isinstance(answers[0], InputError)
    records = [answer[0] for answer in answers if not isinstance(answer, AnswerprintError)]
    assert [record.label for record in records] == [job.label for job in jobs], answers
    assert [record.number for record in records] == sorted(record.number for record in records)


def test_a_daemon_that_knows_no_lists_queues_one_in_its_order(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse_as_before(kind: type[Message], data: bytes) -> Message:
        message: Any = parse(kind, data)
        if message.after:
            raise InputError("SubmitJobRequest has an unknown field 9.", "Update the daemon.")
        return cast(Message, message)

    monkeypatch.setattr(gate, "parse", parse_as_before)
    queued_in_order(client, [new_job(tmp_path, label=f"clip {number}") for number in range(12)])


def test_what_was_on_its_way_when_the_daemon_restarted_is_queued_by_the_next_one(
    running: Running, client: Client, tmp_path: Path
) -> None:
    answers = client.submit_all(new_job(tmp_path, label=f"clip {number}") for number in range(20))
    first = next(answers)
    assert not isinstance(first, AnswerprintError)
    running.restart()
    later = list(answers)
    records = [answer[0] for answer in (first, *later) if not isinstance(answer, AnswerprintError)]
    assert [record.label for record in records] == [f"clip {number}" for number in range(20)]
    assert [record.number for record in records] == sorted(record.number for record in records)
