"""A project that cannot be changed: nothing in it is, that is said, and once it can be, the clip comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back.modes import MODES
from fakes.resolve.quirks import Quirks
from resolve.conftest import MakeFake
from resolve.put_back.stage import set_stage


@pytest.mark.parametrize("mode", MODES)
def test_a_project_that_cannot_be_changed_is_left_alone_until_it_can_be(
    mode: str, make_fake: MakeFake, tmp_path: Path
) -> None:
    fake = make_fake(quirks=Quirks(read_only=True))
    stage = set_stage(fake, tmp_path, mode=mode, whole=True)
    before = fake.state()
    for _ in range(2):
        with pytest.raises(ResolveError, match="could not create bin") as caught:
            stage.put()
        assert "read-only" in caught.value.remedy
        assert fake.state() == before
    fake.behave(Quirks())
    assert stage.put().did == mode
    assert stage.put().state == "already"


@pytest.mark.parametrize("mode", MODES)
def test_a_clip_of_a_project_that_became_read_only_stays_in_it(mode: str, make_fake: MakeFake, tmp_path: Path) -> None:
    fake = make_fake()
    stage = set_stage(fake, tmp_path, mode=mode, whole=True)
    assert stage.put().did == mode
    before = fake.state()
    fake.behave(Quirks(read_only=True))
    assert stage.put().state == "already"
    with pytest.raises(ResolveError, match="did not remove") as caught:
        stage.undo()
    assert "read-only" in caught.value.remedy
    assert fake.state() == before
    fake.behave(Quirks())
    assert stage.undo().state == "undone"
