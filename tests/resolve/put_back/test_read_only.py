"""A read-only project is left alone, with an error; once it can be changed, the clip is put back."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back.modes import MODES
from fakes.resolve.quirks import Quirks
from resolve.conftest import MakeFake
from resolve.put_back.put_back_case import make_case


@pytest.mark.parametrize("mode", MODES)
def test_a_project_that_cannot_be_changed_is_left_alone_until_it_can_be(
    mode: str, make_fake: MakeFake, tmp_path: Path
) -> None:
    fake = make_fake(quirks=Quirks(read_only=True))
    case = make_case(fake, tmp_path, mode=mode, whole=True)
    before = fake.state()
    for _ in range(2):
        with pytest.raises(ResolveError, match="could not create bin") as caught:
            case.put()
        assert "read-only" in caught.value.remedy
        assert fake.state() == before
    fake.behave(Quirks())
    assert case.put().did == mode
    assert case.put().state == "already"


@pytest.mark.parametrize("mode", MODES)
def test_a_clip_of_a_project_that_became_read_only_stays_in_it(mode: str, make_fake: MakeFake, tmp_path: Path) -> None:
    fake = make_fake()
    case = make_case(fake, tmp_path, mode=mode, whole=True)
    assert case.put().did == mode
    before = fake.state()
    fake.behave(Quirks(read_only=True))
    assert case.put().state == "already"
    with pytest.raises(ResolveError, match="did not remove") as caught:
        case.undo()
    assert "read-only" in caught.value.remedy
    assert fake.state() == before
    fake.behave(Quirks())
    assert case.undo().state == "undone"
