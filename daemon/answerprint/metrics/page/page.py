"""The page: one section for each clip, in one file that needs no other and no network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from answerprint.errors import OutputError
from answerprint.frames.frame import Picture
from answerprint.metrics.page.images import busiest_box, crop, jpeg_uri, png_uri, profile_uri
from answerprint.metrics.page.look import SCRIPT, STYLE
from answerprint.metrics.page.plot import points_of, scatter
from answerprint.metrics.report import COLUMNS, Column, Table

__all__ = ["FILE_NAME", "ClipPage", "html_of", "write_page"]

FILE_NAME = "report.html"

_TRUTH = "truth"
_PIECE = (160, 120)
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""The browser itself holds the page to its promise: nothing comes from elsewhere."""


@dataclass(frozen=True, slots=True)
class ClipPage:
    """One clip: its figures, and its pictures by row, the truth among them."""

    table: Table
    pictures: Mapping[str, Sequence[Picture]]


def write_page(folder: Path, shown: Sequence[ClipPage]) -> Path:
    """Write `report.html` into `folder`, which is made; returns the file. Raises OutputError where that fails."""
    file = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(html_of(shown), encoding="utf-8")
    except OSError as e:
        raise OutputError(f"{file} cannot be written: {e.strerror}.", "Choose another --report.") from e
    return file


def html_of(shown: Sequence[ClipPage]) -> str:
    """The whole file as text."""
    links = " ".join(f'<a href="#clip{k}">{escape(each.table.title)}</a>' for k, each in enumerate(shown))
    sections = "".join(_section(each, f"clip{k}") for k, each in enumerate(shown))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Answerprint: a comparison</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style>{STYLE}</style></head><body>'
        f"<h1>A comparison of restorations</h1><p>Good clips were damaged, restored in several ways, and measured "
        f"against the truth. E_warp and E_inter tell flicker, P (a perceptual distance) and detail tell sharpness: a "
        f"blur is steady, so read them together. The truth's own E_warp is what remains of motion that no flow "
        f"follows.</p><nav>{links}</nav><main>{sections}</main><script>{SCRIPT}</script></body></html>\n"
    )


def _section(shown: ClipPage, name: str) -> str:
    """One clip."""
    pictures = shown.pictures
    middle = len(pictures[_TRUTH]) // 2
    stills = {row: clip[middle] for row, clip in pictures.items()}
    box = busiest_box(stills[_TRUTH], *_PIECE)
    row = box[1] + box[3] // 2
    plot = scatter(
        points_of(shown.table.rows, "e_warp", "st_lpips", COLUMNS["e_warp"].scale),
        "E_warp x1e-3 (flicker): lower is steadier",
        "P (ST-LPIPS): lower is nearer to the truth",
        f"P against E_warp of {shown.table.title}",
    )
    shown_first = min(_best(shown.table, "st_lpips", COLUMNS["st_lpips"]), default=list(stills)[-1])
    parts = [
        f'<section id="{name}"><h2>{escape(shown.table.title)}</h2>',
        f'<div class="scroll" tabindex="0">{_table(shown.table)}</div>{_notes(shown.table.notes)}',
        f"<h3>Before and after</h3>{_wipe(name, list(stills), shown_first)}",
        f"<h3>At pixel level</h3><p>Frame {middle}, the {box[2]}x{box[3]} px with most detail.</p>",
        '<div class="stills pixels">'
        + "".join(_figure(row, png_uri(crop(s, box))) for row, s in stills.items())
        + "</div>",
        f"<h3>Over time</h3><p>Row {row} of every frame, one under the other: straight lines are steady, teeth are "
        "flicker.</p>",
        "".join(_profile(each, profile_uri(clip, row)) for each, clip in pictures.items()),
        f"<h3>Sharpness and flicker</h3>{plot}" if plot else "",
        "<details><summary>Whole frames</summary><div class='stills'>",
        "".join(_figure(row, jpeg_uri(s), f"{name}-{k}") for k, (row, s) in enumerate(stills.items())),
        "</div></details></section>",
    ]
    return "".join(parts)


def _table(table: Table) -> str:
    columns = [(key, COLUMNS.get(key, Column(key))) for key in table.keys]
    best = {key: _best(table, key, column) for key, column in columns}
    head = "".join(f'<th scope="col">{escape(column.heading)}</th>' for _, column in columns)
    mark, lines = ' class="best"', []
    for name, row in table.rows.items():
        cells = "".join(
            f"<td{mark if name in best[key] else ''}>{escape(column.show(row.get(key)))}</td>"
            for key, column in columns
        )
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    return f'<table><thead><tr><th scope="col">row</th>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'


def _best(table: Table, key: str, column: Column) -> set[str]:
    """The rows, but for the truth, whose figure is best; none where there is no better or worse."""
    found = {
        name: float(value)
        for name, row in table.rows.items()
        if name != _TRUTH and isinstance(value := row.get(key), int | float) and not math.isnan(value)
    }
    if not found or not column.better:
        return set()
    choose = max if column.better == "up" else min
    return {name for name, value in found.items() if value == choose(found.values())}


def _notes(notes: Sequence[str]) -> str:
    return f'<ul class="notes">{"".join(f"<li>{escape(note)}</li>" for note in notes)}</ul>' if notes else ""


def _figure(row: str, uri: str, element: str = "") -> str:
    identity = f' id="{element}"' if element else ""
    return f'<figure><img{identity} src="{uri}" alt="{escape(row)}"><figcaption>{escape(row)}</figcaption></figure>'


def _profile(row: str, uri: str) -> str:
    name = escape(row)
    return f'<div class="profile"><span>{name}</span><img src="{uri}" alt="temporal profile of {name}"></div>'


def _wipe(name: str, rows: Sequence[str], chosen: str) -> str:
    """Two pictures, one over the other, and a slider; the script fills them from the whole frames below."""
    before, after = min(1, len(rows) - 1), rows.index(chosen)

    def choice(label: str, place: int) -> str:
        options = "".join(
            f'<option value="{name}-{k}"{" selected" if k == place else ""}>{escape(row)}</option>'
            for k, row in enumerate(rows)
        )
        return f"<label>{label} <select>{options}</select></label>"

    return (
        f'<div data-wipe><div class="controls">{choice("Left", before)}{choice("Right", after)}'
        f'<input type="range" min="0" max="100" value="50" aria-label="Where the two pictures meet"></div>'
        f'<div class="wipe"><img alt=""><img class="after" alt=""></div></div>'
    )
