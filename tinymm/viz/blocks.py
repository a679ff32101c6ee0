"""The blocks a report is built of: tables, pictures, the cards of a gallery,
and the sentence that replaces a missing picture."""

import json
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from .elements import Markup, element
from .images import data_uri, to_png

__all__ = [
    "Example", "absence", "card", "chart", "config_rows", "figure", "header_cell", "metric_cells", "picture", "table",
]  # fmt: skip

SMALL = 128  # pixels; the browser must not blur pictures up to this size when it enlarges them


class Example(NamedTuple):
    """One item of a gallery: the input, the prediction, and the answers that would have been right.

    `image` is (3, H, W), (1, H, W), (H, W) or None, as for `to_png`; `references` are the true captions or answers;
    `right` is None where nobody can tell.

    Examples
    --------
    >>> Example(None, "a red circle", ["there is a red circle"], right=True).predicted
    'a red circle'
    """

    image: np.ndarray | None
    predicted: str
    references: tuple = ()
    right: bool | None = None


def header_cell(name, scope="col", **attributes):
    """The head of a column, or with `scope="row"` of a row.

    Examples
    --------
    >>> header_cell("ours", scope="row")
    '<th scope="row">ours</th>'
    """
    return element("th", name, scope=scope, **attributes)


def metric_cells(cell, with_interval):
    """The cells of one score: the value and, where the column has intervals, its interval.

    Examples
    --------
    >>> from tinymm.viz.cells import MetricCell
    >>> metric_cells(MetricCell("0.96", "", best=True), with_interval=False)
    ['<td class="number"><strong>0.96</strong></td>']
    """
    value = element("td", element("strong", cell.value) if cell.best else cell.value, class_="number")
    return [value, element("td", cell.interval, class_="interval")] if with_interval else [value]


def table(head, rows, caption="", class_=None):
    """A table of header cells and rows of cells; if it is wide, it scrolls within the page.

    Examples
    --------
    >>> "<tbody><tr><td>1</td></tr></tbody>" in table([header_cell("n")], [[element("td", "1")]])
    True
    """
    body = element("tbody", *(element("tr", *row) for row in rows))
    grid = element("table", element("thead", element("tr", *head)), body, class_=class_)
    # tabindex: with the focus on it, the table can be scrolled from the keyboard. The caption does not scroll away.
    return figure(element("div", grid, class_="scroll", tabindex=0, role="region", aria_label=caption or "table"),
                  caption)


def config_rows(settings, prefix=""):
    """A configuration as a flat list of (dotted name, text).

    Examples
    --------
    >>> config_rows({"seed": 0, "model": {"width": 64, "name": "small"}})
    [('seed', '0'), ('model.width', '64'), ('model.name', 'small')]
    """
    rows = []
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            rows += config_rows(value, prefix=f"{prefix}{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
            rows.append((f"{prefix}{name}", text))
    return rows


def figure(body, *caption):
    """A block with a caption below, if the caption has words.

    Examples
    --------
    >>> figure(element("p", "x"), "A letter.")
    '<figure><p>x</p><figcaption>A letter.</figcaption></figure>'
    """
    return element("figure", body, element("figcaption", *caption) if any(caption) else Markup())


def picture(image, alt):
    """An image inside the page; a small one keeps its pixels crisp.

    Examples
    --------
    >>> picture(np.eye(4), "A diagonal.")[:28]
    '<img src="data:image/png;bas'
    """
    png = data_uri(to_png(image))
    height, width = np.shape(image)[-2:]
    kind = "small" if max(height, width) <= SMALL else None
    return element("img", src=png, alt=alt, width=width, height=height, class_=kind)


def chart(draw, data, label, alt):
    """A chart; or, if it cannot be drawn, what it would show in words, and the package that is missing.

    Examples
    --------
    >>> chart(lambda data, label, alt: element("svg", aria_label=alt), {}, "epoch", "Loss falls.")
    '<svg aria-label="Loss falls."></svg>'
    """
    try:
        return draw(data, label, alt)
    except ImportError as error:
        return absence(error, alt)


def absence(error, instead):
    """The sentence that stands where something could not be shown.

    Examples
    --------
    >>> absence(ImportError("draw a chart: needs matplotlib"), "Loss falls.")
    '<p class="absent">Loss falls. (draw a chart: needs matplotlib)</p>'
    """
    return element("p", f"{instead} ({error})", class_="absent")


def card(number, example):
    """One example of a gallery, as a list item.

    Examples
    --------
    >>> card(1, Example(None, "two dots", right=False))
    '<li><p class="mark wrong">✗ wrong</p><p class="predicted" dir="auto">two dots</p></li>'
    """
    if isinstance(example.references, str):
        raise ValueError(f"gallery: references must be a list of strings; got the string {example.references!r}")
    parts = []
    if example.image is not None:
        alt = f"Example {number}: {example.references[0]}" if len(example.references) else f"Example {number}"
        parts.append(picture(example.image, alt))
    if example.right is not None:
        word, sign = ("right", "✓ right") if example.right else ("wrong", "✗ wrong")
        parts.append(element("p", sign, class_=f"mark {word}"))
    parts.append(element("p", example.predicted, class_="predicted", dir="auto"))
    if len(example.references):
        lines = (element("li", reference, dir="auto") for reference in example.references)
        parts.append(element("ul", *lines, class_="references", aria_label="references"))
    return element("li", *parts)
