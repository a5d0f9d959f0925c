"""What is read ahead comes in order, is bounded, and ends with whoever reads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from answerprint.errors import TruncatedError
from answerprint.media.read_ahead import frames_ahead, read_ahead


class Counted:
    """Numbers, and how many of them were made."""

    def __init__(self, stop: int, error_at: int | None = None) -> None:
        self.stop, self.error_at = stop, error_at
        self.made = 0
        self.reached: dict[int, threading.Event] = {number: threading.Event() for number in range(stop)}

    def __iter__(self) -> Iterator[int]:
        for number in range(self.stop):
            if number == self.error_at:
                raise TruncatedError("It ends early.", "Copy it again.")
            self.made += 1
            self.reached[number].set()
            yield number


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "read ahead"]


@pytest.mark.parametrize("most", [1, 3, 100])
def test_everything_comes_once_and_in_order(most: int) -> None:
    assert list(read_ahead(Counted(20), most)) == list(range(20))
    assert not threads()


def test_no_more_is_made_than_asked_for() -> None:
    source = Counted(20)
    with closing(read_ahead(source, 3)) as items:
        assert next(items) == 0
        assert source.reached[3].wait(10), "three are made while the first is used"
        assert not source.reached[5].wait(0.2)
        assert next(items) == 1
        assert source.reached[4].wait(10)
    assert source.made < 8 and not threads()


def test_an_error_comes_in_the_place_of_its_item() -> None:
    seen = []
    with pytest.raises(TruncatedError, match="ends early"):
        for number in read_ahead(Counted(20, error_at=4), 8):
            seen.append(number)
    assert seen == [0, 1, 2, 3]
    assert not threads()


def test_nothing_goes_on_when_the_reader_stops() -> None:
    for _ in range(50):
        items = read_ahead(Counted(1000), 2)
        next(items)
        items.close()
    assert not threads()
    assert list(read_ahead([], 2)) == []


def test_large_frames_are_few() -> None:
    assert frames_ahead(48, 32) == frames_ahead(960, 540) == 8
    assert frames_ahead(1920, 1080) == 2
    assert frames_ahead(7680, 4320) == frames_ahead(16384, 16384) == 1
