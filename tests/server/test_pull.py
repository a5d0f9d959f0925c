"""PullModel: steps come as they happen, a call that ends early ends the pull, and the real code stands behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from answerprint.api.types import PullStep
from answerprint.errors import InputError, ModelError
from answerprint.scheduler import pulls
from answerprint.weights.pulling.pull import PullOptions, pull
from answerprint.weights.verify import verify_model
from server.harness import Running, await_until
from weights.place import INDEX, Place, anything, known, tensors
from weights.server import FileServer


def test_steps_come_through_whole(running: Running) -> None:
    with running.client() as client:
        steps = list(client.pull_model("sd-x4-upscaler", accept_licence=True, trust_first_download=True))
    assert steps == [
        PullStep("fetch", "unet/config.json", 10, 100, 5.0, 18.0),
        PullStep("convert", "", 100, 100, 0.0, None),
        PullStep("done", "", 100, 100, 0.0, 0.0),
    ]
    assert "pull sd-x4-upscaler True True" in running.daemon.calls


def test_refusal_is_that_of_the_daemon(running: Running) -> None:
    with running.client() as client:
        with pytest.raises(ModelError, match="licence"):
            next(client.pull_model("sd-x4-upscaler"))
        for name in ("", "../x", "a b"):
            with pytest.raises(InputError):
                next(client.pull_model(name))
    assert running.daemon.calls == ["pull sd-x4-upscaler False False"]


def test_call_that_is_left_ends_the_pull(running: Running) -> None:
    async def hold() -> None:
        running.daemon.hold = asyncio.Event()

    running.do(hold())
    with running.client() as client:
        steps = client.pull_model("m", accept_licence=True)
        assert next(steps).stage == "fetch"
        steps.close()  # type: ignore[attr-defined]
        await_until(lambda: "pull of m ended" in running.daemon.calls)


def test_models_tell_what_a_pull_needs(running: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    with running.client() as client:
        models = {model.name: model for model in client.models()[0]}
    absent = models["diffbir-v2"]
    assert (absent.state, absent.ready) == ("not here", False)
    assert absent.size > 5_000_000_000 and absent.licence_url.startswith("https://") and absent.licence_text
    assert "control.safetensors" in absent.unhashed_files and "base.safetensors" not in absent.unhashed_files
    assert models["tiny-x4"].state == "ready"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The real pull of the daemon, before a real server."""
    with FileServer() as server:
        place = Place(tmp_path, server)
        model = known([place.index(), place.file("unet/w.safetensors", tensors(data=b"\3" * 3_000_000))])
        monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
        monkeypatch.setattr(pulls, "find_known", lambda name: model)
        monkeypatch.setattr(pulls, "pull", partial(pull, fit=anything))  # these weights make no model
        yield place


def test_daemon_pulls_beside_its_own_work(place: Place) -> None:
    async def pull() -> list[PullStep]:
        return [step async for step in pulls.pull_steps("stranger", PullOptions(accept_licence=True))]

    steps = asyncio.run(pull())
    assert steps[-1].stage == "done" and steps[-1].done_bytes == len(INDEX) + len(tensors(data=b"\3" * 3_000_000))
    verify_model(place.final)


def test_daemon_keeps_what_has_come_when_the_caller_goes(place: Place) -> None:
    def slowly(handler: Any, file: Any) -> None:  # noqa: ANN401
        handler.answer(file, 1_000_000)

    place.server.files["unet/w.safetensors"].instead = slowly

    async def leave() -> None:
        steps = pulls.pull_steps("stranger", PullOptions(accept_licence=True))
        async for step in steps:
            if step.done_bytes > 500_000:
                break
        await steps.aclose()

    asyncio.run(leave())
    assert not place.final.exists()
    kept = place.models / ".partial" / "stranger" / "unet" / "w.safetensors.part"
    assert kept.stat().st_size > 0
    place.server.files["unet/w.safetensors"].instead = None
    asyncio.run(_finish())
    verify_model(place.final)


async def _finish() -> None:
    async for _ in pulls.pull_steps("stranger", PullOptions()):
        pass


def test_daemon_refuses_as_the_command_line_does(place: Place) -> None:
    with pytest.raises(ModelError, match="licence"):
        asyncio.run(_finish())
