"""What editions and versions can do, and what is said where they cannot."""

from __future__ import annotations

import pytest

from answerprint.resolve.edition import RULES, Capability, Edition
from answerprint.resolve.errors import EditionError

_FREE, _STUDIO = "DaVinci Resolve", "DaVinci Resolve Studio"


@pytest.mark.parametrize(
    ("product", "version", "capability", "can"),
    [
        (_STUDIO, (18, 6, 6), Capability.EXTERNAL, True),
        (_FREE, (18, 6, 6), Capability.EXTERNAL, False),
        (_FREE, (21, 0, 4), Capability.PYTHON_MENU, True),
        (_FREE, (21, 1, 0), Capability.PYTHON_MENU, False),
        (_STUDIO, (21, 1, 0), Capability.PYTHON_MENU, True),
        (_FREE, (21, 1, 0), Capability.LUA_MENU, True),
        (_FREE, (21, 1, 0), Capability.LUA_PROGRAMS, False),
        (_STUDIO, (21, 0, 4), Capability.OWN_PYTHON, False),
        (_STUDIO, (21, 1, 0), Capability.OWN_PYTHON, True),
        (_FREE, (21, 1, 0), Capability.OWN_PYTHON, False),
        (_STUDIO, (21, 0, 3), Capability.SELECTION, False),
        (_FREE, (21, 0, 4), Capability.SELECTION, True),
        (_STUDIO, (19, 1, 4), Capability.MARKS, False),
        (_STUDIO, (20, 0, 0), Capability.MARKS, True),
        (_STUDIO, (21, 0, 4), Capability.SPEED, False),
        (_STUDIO, (21, 1, 0), Capability.SPEED, True),
        (_FREE, (19, 0, 3), Capability.WINDOWS, True),
        (_FREE, (19, 1, 0), Capability.WINDOWS, False),
        (_STUDIO, (22, 0, 0), Capability.WINDOWS, True),
    ],
)
def test_an_edition_can_what_its_release_notes_say(
    product: str, version: tuple[int, ...], capability: Capability, can: bool
) -> None:
    assert Edition.of(product, version).can(capability) is can


@pytest.mark.parametrize("product", [_FREE, _STUDIO, ""])
@pytest.mark.parametrize("version", [(), (18, 6, 6), (20, 3, 2), (21, 0, 4), (21, 1, 0), (30,)])
def test_what_it_cannot_do_comes_with_a_sentence_and_what_it_can_with_none(
    product: str, version: tuple[int, ...]
) -> None:
    edition = Edition.of(product, version)
    table = edition.table()
    assert set(table) == set(Capability) == set(RULES)
    for capability, instead in table.items():
        assert bool(instead) is not edition.can(capability)
        assert not instead or instead.endswith(".")


def test_what_is_not_known_is_taken_for_the_least() -> None:
    edition = Edition.of("", ())
    assert [each for each in Capability if edition.can(each)] == [Capability.LUA_MENU]


def test_the_free_edition_is_never_sent_to_a_menu_that_it_does_not_have() -> None:
    assert "Workspace > Scripts" in Edition.of(_FREE, (21, 0, 4)).instead(Capability.EXTERNAL)
    assert "--from FILE" in Edition.of(_FREE, (21, 1, 0)).instead(Capability.EXTERNAL)


def test_what_is_needed_and_missing_is_an_error_with_the_way_around() -> None:
    with pytest.raises(EditionError) as caught:
        Edition.of(_FREE, (21, 0, 3)).need(Capability.SELECTION)
    assert caught.value.message.startswith("DaVinci Resolve (free edition) 21.0.3 does not support")
    assert "In and Out" in caught.value.remedy
    Edition.of(_FREE, (21, 0, 4)).need(Capability.SELECTION)
