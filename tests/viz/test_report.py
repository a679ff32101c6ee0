"""The report is one sound, safe file: balanced, escaped, fetching nothing, whole or absent,
with or without the extras."""

import base64
import io
import os
import re
import sys
from html.parser import HTMLParser
from importlib.util import find_spec

import numpy as np
import pytest

from tinymm.viz import Example, Report

HOSTILE = "<script>alert('x')</script> & \"quotes\" </td><img src=http://evil.example/x.png onerror=alert(1)>"
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Parses a page strictly: every tag closed by its own, and everything seen kept for questions."""

    def __init__(self, markup):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(markup)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self):
        return "".join(self.texts)


def full_report(word="red"):
    """One of every block, with the word wherever text may go."""
    rng = np.random.default_rng(0)
    report = Report(f"Title {word}", f"Subtitle {word}")
    report.heading(f"Heading {word}")
    report.text(f"Text {word}")
    report.metrics({word: {word: (0.9, 0.8, 0.95), "wer": 0.1}, "b": {word: 0.5}},
                   lower_is_better=["wer"], caption=word)
    report.table([[word, 1, 2.5], ["b", 20, None]], [word, "n", "x"], caption=word)
    report.curves([{"step": i, f"{word.replace('/', '')}/loss": 1 / i, "val/loss": 2 / i} for i in (1, 2, 3)])
    report.bars({word: [0.5, 0.6], "b": [0.4]}, word)
    report.gallery(
        [Example(rng.random((3, 5, 7)), word, [word], right=True), Example(None, "no picture", right=False),
         Example(np.zeros((200, 150), np.uint8), "large")],
        caption=word,
    )  # fmt: skip
    report.attention(rng.random((16, 24)), [word, "circle"], np.full((2, 2, 3), 1 / 6), caption=word)
    report.strip([(word, [word, "circle"], [0.25, 0.75])], caption=word)
    report.histogram({word: [0.5, 0.6], "b": [0.4]}, word)
    report.intervals({word: (0.1, -0.1, 0.3), "b": (0.5, 0.4, 0.6)}, word)
    report.scatter({word: np.eye(2), "b": np.zeros((1, 2))}, word)
    report.alignment(rng.random((8, 6)), ["–", word, "–"], np.eye(4)[:, :3], caption=word)
    report.config({"seed": 0, word: word, "model": {"width": 64}, "data": None})
    return report


@pytest.mark.parametrize("word", ["red", HOSTILE])
def test_the_page_is_balanced_and_fetches_and_runs_nothing(word):
    page = Page(full_report(word).html())
    assert not page.all("script") and not page.all("link") and not page.all("iframe")
    for _, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "xlink:href", "srcset", "action"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/png;base64,"))
    assert not re.search(r"url\((?!#)|@import", full_report(word).html())
    assert "default-src 'none'" in page.all("meta")[2]["content"]


def test_hostile_text_is_shown_as_it_is_everywhere():
    pytest.importorskip("PIL")
    page = Page(full_report(HOSTILE).html())
    # title twice, subtitle, heading, text; metrics 3, table 3, gallery 3, attention 2, config 2
    assert page.text.count(HOSTILE) >= 5 + 3 + 3 + 3 + 2 + 2
    assert any(HOSTILE in (image["alt"] or "") for image in page.all("img"))


def test_it_is_accessible():
    page = Page(full_report().html())
    assert page.all("html")[0]["lang"] == "en"
    assert all(image["alt"] for image in page.all("img"))
    assert all(cell["scope"] in ("col", "row") for cell in page.all("th"))
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in page.all("svg"))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)


def test_charts_say_their_course_in_words():
    pytest.importorskip("matplotlib")
    labels = [chart["aria-label"] for chart in Page(full_report().html()).all("svg")]
    assert labels[0] == "loss by step: red from 1 to 0.3333, val from 2 to 0.6667."
    assert labels[1] == "red, mean over seeds: red 0.55 (0.5 to 0.6, n = 2), b 0.4 (0.4 to 0.4, n = 1)."


def test_pictures_decode_to_their_size():
    pillow = pytest.importorskip("PIL.Image")
    images = Page(full_report().html()).all("img")
    sizes = [pillow.open(io.BytesIO(base64.b64decode(image["src"].partition(",")[2]))).size for image in images]
    assert sizes == [(int(image["width"]), int(image["height"])) for image in images]
    assert sizes[:3] == [(7, 5), (150, 200), (24, 16)]
    assert sizes[3][0] >= 192
    assert [image.get("class") for image in images[:2]] == ["small", None]


def test_results_have_the_best_in_bold_and_intervals_beside():
    report = Report("r")
    report.metrics({"ours": {"accuracy": (0.96, 0.94, 0.97), "wer": 0.3}, "base": {"accuracy": 0.5, "wer": 0.2}},
                   ["wer"])
    html = report.html()
    assert re.findall(r"<strong>(.*?)</strong>", html) == ["0.960", "0.200"]
    assert '<td class="interval">[0.940, 0.970]</td>' in html
    assert '<th scope="col" class="number" colspan="2">accuracy</th><th scope="col" class="number">wer ↓</th>' in html


def test_every_row_of_a_table_spans_all_columns():
    for table in re.findall(r"<table.*?</table>", full_report().html()):
        rows = [Page(row) for row in re.findall(r"<tr>.*?</tr>", table)]
        widths = {sum(int(cell.get("colspan") or 1) for cell in row.all("th") + row.all("td")) for row in rows}
        assert len(widths) == 1


def test_marks_are_signs_and_words_not_colours_alone():
    text = Page(full_report().html()).text
    assert text.count("✓ right") == 1 and text.count("✗ wrong") == 1


def test_the_same_report_is_the_same_file():
    assert full_report().html() == full_report().html()


@pytest.mark.parametrize("missing", [["matplotlib"], ["PIL"], ["matplotlib", "PIL"]])
def test_without_an_extra_the_rest_is_there_and_a_sentence_names_it(monkeypatch, missing):
    for package in missing:
        for name in [name for name in sys.modules if name.partition(".")[0] == package]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, package, None)
    page = Page(full_report().html())
    for package, extra, tag in [("matplotlib", "viz", "svg"), ("PIL", "media", "img")]:
        present = package not in missing and find_spec(package) is not None
        assert bool(page.all(tag)) == present
        assert (f'python -m pip install "tinymm[{extra}]"' in page.text) == (not present)
    assert "no picture" in page.text and "max 0.17, 2.6 bits" in page.text and "0.900" in page.text
    if "PIL" in missing:
        assert page.text.count("Pictures are left out.") == 2  # once for the gallery, once for the attention figure
    if "matplotlib" in missing:
        assert "loss by step: red from 1 to 0.3333" in page.text


def test_it_is_saved_as_utf8_and_replaces_what_was_there(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    report = Report("标题", "lone surrogate \ud800 in a caption")
    report.save(path)
    assert "标题" in path.read_text(encoding="utf-8")
    assert os.listdir(tmp_path) == ["report.html"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_midway_leaves_the_old_file_and_nothing_else(monkeypatch, tmp_path, step):
    path = tmp_path / "report.html"
    path.write_text("old")

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="disk full"):
        Report("r").save(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


def test_points_of_a_plane_have_two_numbers_each():
    report = Report("Run")
    report.scatter({"text": np.eye(2)}, "two directions")
    assert "text around (0.5, 0.5)" in report.html()
    for points in (np.zeros((0, 2)), np.eye(3), np.full((1, 2), np.nan)):
        with pytest.raises(ValueError, match="scatter: each kind needs finite points"):
            report.scatter({"text": points}, "plane")


def test_wrong_input_is_refused_in_words():
    report = Report("r")
    with pytest.raises(ValueError, match="2 cells"):
        report.table([[1]], ["a", "b"])
    with pytest.raises(ValueError, match="references must be a list"):
        report.gallery([Example(None, "a", "one string")])
    with pytest.raises(ValueError, match="needs a value"):
        report.bars({"ours": []}, "accuracy")
    for values in ({}, {"a": (0.1, np.nan, 0.2)}):
        with pytest.raises(ValueError, match="intervals: needs a value and its interval, finite, for each name; got"):
            report.intervals(values, "gain")
    for numbers in ([], [np.nan]):
        with pytest.raises(ValueError, match="histogram: each kind needs numbers, all of them finite; got"):
            report.histogram({"text": [1.0], "image": numbers}, "gates")
    for shares in ([1.0], [0.5, 0.6], [1.5, -0.5], [np.nan, 1.0]):
        with pytest.raises(ValueError, match="strip: the shares of 'image' must be at least 0 and sum to 1"):
            report.strip([("image", ["a", "b"], shares)])
    with pytest.raises(ValueError, match="float image must lie in"):
        report.gallery([Example(np.full((3, 2, 2), 2.0), "a")])


def test_an_empty_log_says_so():
    report = Report("r")
    report.curves([])
    assert "Nothing was logged." in report.html()
