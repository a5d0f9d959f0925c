"""Promises of the page: one file, whole without a network, with every row's picture and figure in it."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from answerprint.errors import OutputError
from answerprint.metrics.page.images import busiest_box, crop, jpeg_uri, png_uri
from answerprint.metrics.page.page import ClipPage, html_of, write_page
from answerprint.metrics.page.plot import Point, points_of, scatter
from answerprint.metrics.report import Table
from metrics.scenes import blurred, pan, texture

VOID = {"meta", "img", "input"}


class Reader(HTMLParser):
    """Elements of a page; fails where one is closed that is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture
def shown() -> ClipPage:
    """Two rows beside the truth, one with a name that must not become markup."""
    truth = pan(4, 64, 96)
    rows = {
        "truth": {"psnr": float("inf"), "st_lpips": 0.0, "e_warp": 0.001},
        "bicubic": {"psnr": 20.0, "st_lpips": 0.5, "e_warp": 0.002},
        "external:<b>": {"psnr": 21.0, "st_lpips": 0.25, "e_warp": 0.003},
    }
    table = Table("a clip & more", rows, ["a note <i>"])
    return ClipPage(table, {"truth": truth, "bicubic": blurred(truth, 2.0), "external:<b>": blurred(truth, 1.0)})


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_is_whole_without_a_network(shown: ClipPage) -> None:
    text = html_of([shown, shown])
    assert not re.search(r"https?:|//[a-z]|@import|url\(", re.sub(r"base64,[A-Za-z0-9+/=]+", "", text))
    page = read(text)
    images = [image["src"] for image in page.all("img") if "src" in image]
    assert images and all(source.startswith("data:image/") for source in images)
    assert "default-src 'none'" in next(m["content"] for m in page.all("meta") if "http-equiv" in m)
    assert not page.all("link") and not any("src" in script for script in page.all("script"))


def test_every_row_has_its_figures_its_piece_its_profile_and_its_frame(shown: ClipPage) -> None:
    page = read(html_of([shown]))
    shown_alone = [image["alt"] for image in page.all("img") if "src" in image]
    for row in shown.pictures:
        assert shown_alone.count(row) == 2
        assert f"temporal profile of {row}" in shown_alone
    assert {"0.5000", "0.2500", "a note <i>", "a clip & more", "external:<b>"} <= set(page.text)
    assert not page.all("b") and not page.all("i")


def test_the_wipe_is_a_slider_for_keys_too_and_names_frames_that_are_there(shown: ClipPage) -> None:
    page = read(html_of([shown]))
    (slider,) = page.all("input")
    assert slider["type"] == "range" and slider["aria-label"]
    identities = {attributes["id"] for _, attributes in page.found if "id" in attributes}
    options = page.all("option")
    assert {option["value"] for option in options} <= identities
    chosen = [option["value"] for option in options if "selected" in option]
    assert chosen == ["clip0-1", "clip0-2"]  # bicubic, and the row that is nearest to the truth


def test_the_best_figure_of_a_column_is_marked_and_the_truth_does_not_compete(shown: ClipPage) -> None:
    marked = re.findall(r'<td class="best">([^<]*)</td>', html_of([shown]))
    assert marked == ["2.000", "21.00", "0.2500"]  # row by row


def test_a_page_that_cannot_be_written_says_so(tmp_path: Path, shown: ClipPage) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputError, match="Cannot write"):
        write_page(tmp_path / "taken", [shown])
    assert write_page(tmp_path / "new" / "folder", [shown]).read_text(encoding="utf-8") == html_of([shown])


def test_pictures_come_out_of_the_page_as_they_went_in() -> None:
    picture = texture(20, 30)
    for uri, tolerance in ((png_uri(picture), 0.51), (jpeg_uri(picture), 40)):
        kind, _, data = uri.partition(";base64,")
        assert kind in ("data:image/png", "data:image/jpeg")
        decoded = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        assert np.abs(np.asarray(decoded, np.float32)[..., ::-1] - 255 * picture).max() <= tolerance


def test_the_busiest_box_is_where_the_detail_is() -> None:
    picture = np.full((60, 80, 3), 0.5, np.float32)
    picture[30:50, 40:70] = texture(20, 30)
    left, top, *size = busiest_box(picture, 24, 14)
    assert size == [24, 14]
    assert 37 <= left <= 49 and 27 <= top <= 39, "three pixels beside it is where its edge is still felt"
    assert busiest_box(picture, 500, 400) == (0, 0, 80, 60)
    assert crop(picture, (40, 30, 30, 20)).shape == (20, 30, 3)


def test_the_plot_shows_smaller_figures_lower_and_to_the_left_and_keeps_labels_apart() -> None:
    points = points_of(
        {"a": {"x": 1.0, "y": 2.0}, "b": {"x": 3.0, "y": 2.01}, "c": {"x": float("nan"), "y": 1}}, "x", "y"
    )
    assert points == [Point("a", 1.0, 2.0), Point("b", 3.0, 2.01)]
    page = read(scatter(points, "x <axis>", "y", "a plot"))
    a, b = sorted(page.all("circle"), key=lambda c: float(c["cx"]))
    assert float(a["cy"]) > float(b["cy"])
    labels = [float(t["y"]) for t in page.all("text") if "text-anchor" not in t]
    assert abs(labels[0] - labels[1]) >= 15
    assert scatter([], "x", "y", "nothing") == ""
    assert read(scatter([Point("at nought", 0.0, 0.0)], "x", "y", "one")).all("circle")
