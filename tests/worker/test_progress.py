"""Whoever waits for a long reading hears how far it is, and can end it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from answerprint.worker.progress import tell_reading
from answerprint.worker.requests import JobChannel, JobControls, StopRequestedError


def test_it_is_said_now_and_then_and_only_while_something_is_read() -> None:
    said: list[Mapping[str, object]] = []
    now = [0.0]
    on_read = tell_reading("/films/a.mxf", JobChannel(said.append, JobControls(), {"id": 7}), clock=lambda: now[0])
    for frames in range(1, 1202):
        now[0] = frames / 100
        on_read(frames)
    assert [event["message"] for event in said] == [
        "Reading a.mxf: 500 frames so far",
        "Reading a.mxf: 1,000 frames so far",
    ]
    assert {event["id"] for event in said} == {7}


def test_a_reading_that_nobody_wants_any_more_ends() -> None:
    controls, now = JobControls(), [0.0]
    on_read = tell_reading("a.mxf", JobChannel(lambda event: None, controls, {}), clock=lambda: now[0])
    controls.stop.set()
    on_read(1)  # not at each frame: that would cost more than the reading
    now[0] = 6.0
    with pytest.raises(StopRequestedError):
        on_read(2)
