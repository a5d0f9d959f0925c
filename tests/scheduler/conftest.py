"""Tests of this folder may be coroutines; `house` is a daemon without gRPC for them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.house import House


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine, in a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    values = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    async def run() -> None:
        house = next((value for value in values.values() if isinstance(value, House)), None)
        if house is None:
            await pyfuncitem.obj(**values)
            return
        async with house:
            await pyfuncitem.obj(**values)

    asyncio.run(run(), debug=False)
    return True


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A daemon, which the test starts with its first job; in the end journal and disk must agree."""
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
    house = House(tmp_path, monkeypatch)
    yield house
    house.check()
