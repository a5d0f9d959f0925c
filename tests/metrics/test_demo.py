"""What the demonstration shows: before on one side of a line that moves, after on the other, for as long as asked."""

from __future__ import annotations

import numpy as np

from answerprint.metrics.demo import side_by_side, wipe


def grey(value: float) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """Three frames of one tone each, a little brighter from one to the next."""
    return [np.full((8, 40, 3), value + 0.01 * k, np.float32) for k in range(3)]


def test_a_wipe_has_before_on_the_left_after_on_the_right_and_moves() -> None:
    film = list(wipe(grey(0.1), grey(0.6), 50))
    assert len(film) == 50
    borders = []
    for picture in film:
        row = picture[4, :, 0]
        line = np.flatnonzero(row == 1.0)
        assert line.size == 2
        assert (row[: line[0]] < 0.2).all()
        assert (row[line[1] + 1 :] > 0.5).all()
        borders.append(int(line[0]))
    assert max(borders) - min(borders) > 30


def test_a_wipe_plays_a_short_clip_forwards_and_backwards_without_a_jump() -> None:
    tones = [round(float(picture[0, 0, 0]) * 100) for picture in wipe(grey(0.1), grey(0.6), 9)]
    assert tones == [10, 11, 12, 11, 10, 11, 12, 11, 10]
    assert len(list(wipe(grey(0.1)[:1], grey(0.6)[:1], 4))) == 4


def test_a_still_shows_both_whole() -> None:
    still = side_by_side(grey(0.1)[0], grey(0.6)[0])
    assert still.shape == (8, 84, 3)
    assert float(still[0, 0, 0]) < 0.2
    assert float(still[0, -1, 0]) > 0.5
