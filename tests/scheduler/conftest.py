"""Tests of this folder may be coroutines; `daemon_fixture` is a daemon without gRPC for them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.daemon_fixture import DaemonFixture


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine, in a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    values = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    async def run() -> None:
        daemon_fixture = next((value for value in values.values() if isinstance(value, DaemonFixture)), None)
        if daemon_fixture is None:
            await pyfuncitem.obj(**values)
            return
        async with daemon_fixture:
            await pyfuncitem.obj(**values)

    asyncio.run(run(), debug=False)
    return True


@pytest.fixture
def daemon_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaemonFixture]:
    """A daemon, which the test starts with its first job; in the end journal and disk must agree."""
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
    daemon_fixture = DaemonFixture(tmp_path, monkeypatch)
    yield daemon_fixture
    daemon_fixture.check()
