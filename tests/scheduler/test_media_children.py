"""Questions about media: a file that takes long, or never ends, is the trouble of whoever asked for it alone."""

from __future__ import annotations

import asyncio
import time

import pytest

from answerprint.errors import JobFailedError
from answerprint.ipc.messages import Message
from answerprint.scheduler.config import Config
from answerprint.scheduler.media_children import MediaChildren
from fakes.steering import FOUND
from scheduler.daemon_fixture import DaemonFixture

_SILENCE_SECONDS = 0.5


def asked(daemon_fixture: DaemonFixture, name: str) -> Message:
    return {"type": "probe", "request": daemon_fixture.new(name).request}


def children(daemon_fixture: DaemonFixture) -> MediaChildren:
    return MediaChildren(
        daemon_fixture.media_child,
        daemon_fixture.folder / "mux",
        Config(),
        silence_seconds=_SILENCE_SECONDS,
    )


async def test_a_file_that_takes_long_keeps_no_other_waiting(daemon_fixture: DaemonFixture) -> None:
    for n in range(3):
        daemon_fixture.clip(f"long{n}", faults={"look": ["hold"]})
    media = children(daemon_fixture)
    media._silence_seconds = 20.0
    long = [asyncio.create_task(media.ask(asked(daemon_fixture, f"long{n}"))) for n in range(3)]
    facts = await asyncio.wait_for(media.ask(asked(daemon_fixture, "good")), 10)
    assert facts["range"] == [0, 6]
    assert not any(task.done() for task in long)
    for n in range(3):
        daemon_fixture.steering.go(f"long{n}", "look")
    assert [each["range"] for each in await asyncio.gather(*long)] == [[0, 6]] * 3
    await media.close(1.0)


async def test_what_was_found_of_a_file_is_told_to_whoever_opens_it_next(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("good")
    media = children(daemon_fixture)
    question = asked(daemon_fixture, "good")
    assert media.known_of(question["request"]["input"]) == {}
    assert "fields" not in await media.ask(question), "between children only"
    assert media.known_of(question["request"]["input"]) == {"fields": FOUND}
    await media.close(1.0)


async def test_a_file_that_is_read_on_is_waited_for_and_one_that_hangs_is_not(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("slow", faults={"look": ["read"]})
    daemon_fixture.clip("hung", faults={"look": ["hang", "hang"]})
    media = children(daemon_fixture)
    began = time.monotonic()
    slow = asyncio.create_task(media.ask(asked(daemon_fixture, "slow")))
    with pytest.raises(JobFailedError, match=r"did not answer .* and was stopped"):
        await media.ask(asked(daemon_fixture, "hung"))
    assert (await slow)["range"] == [0, 6]
    assert time.monotonic() - began > 2 * _SILENCE_SECONDS, "the slow one was not slower than the patience"
    assert daemon_fixture.visits_of("slow", "look") == 1
    await media.close(1.0)


async def test_who_asks_again_joins_the_reading_that_goes_on(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("long", faults={"look": ["hold"]})
    media = children(daemon_fixture)
    media._silence_seconds = 20.0
    question = asked(daemon_fixture, "long")
    first = asyncio.create_task(media.ask(question))
    while not daemon_fixture.visits_of("long", "look"):
        await asyncio.sleep(0.01)
    first.cancel()  # whoever asked has gone, and comes back
    again = [asyncio.create_task(media.ask(dict(question))) for _ in range(20)]
    await asyncio.sleep(0.05)
    daemon_fixture.steering.go("long", "look")
    assert [each["range"] for each in await asyncio.gather(*again)] == [[0, 6]] * 20
    assert daemon_fixture.visits_of("long", "look") == 1
    assert (await media.ask(question))["range"] == [0, 6]
    assert daemon_fixture.visits_of("long", "look") == 2, "an answer is not kept: the file may be another one by now"
    await media.close(1.0)


async def test_children_that_nobody_asks_end_by_themselves(daemon_fixture: DaemonFixture) -> None:
    for n in range(3):
        daemon_fixture.clip(f"long{n}", faults={"look": ["hold"]})
    media = children(daemon_fixture)
    asking = [asyncio.create_task(media.ask(asked(daemon_fixture, f"long{n}"))) for n in range(3)]
    while sum(daemon_fixture.visits_of(f"long{n}", "look") for n in range(3)) < 3:
        await asyncio.sleep(0.01)
    for n in range(3):
        daemon_fixture.steering.go(f"long{n}", "look")
    await asyncio.gather(*asking)
    await media.end_if_idle()
    assert len(media._children) == 3
    media._idle_seconds = 0.0
    await media.end_if_idle()
    assert not media._children
    assert (await media.ask(asked(daemon_fixture, "good")))["range"] == [0, 6]
    await media.close(1.0)
