"""Charts are well-formed, self-contained, repeatable, and leave the caller's matplotlib alone."""

import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from tinymm.viz.figures import BINS, bar_chart, histogram, interval_chart, line_chart, scatter_chart

matplotlib = pytest.importorskip("matplotlib")
HOSTILE = ["$\\frac{", "_hidden", "<script>alert('1')</script>", "a & b", "最近邻", "two\nlines", ""]


def parse(svg):
    return ElementTree.fromstring(svg.replace("xlink:href", "href"))


def texts(svg):
    return ["".join(node.itertext()).strip() for node in parse(svg).iter("text")]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_drawn_as_it_is(name):
    for svg in (line_chart({name: ([1, 2], [3.0, 4.0])}, name, name),
                bar_chart({name: [0.5, 0.7], "x": [0.1]}, name, name), histogram({name: [0.5, 0.7]}, name, name),
                interval_chart({name: (0.1, -0.1, 0.3), "x": (0.5, 0.4, 0.6)}, name, name),
                scatter_chart({name: np.eye(2), "x": -np.eye(2)}, name, name)):
        drawn = " ".join(texts(svg))
        for line in name.split("\n"):
            assert drawn.count(line) >= 2  # the curve's or bar's name, and the axis
        assert parse(svg).get("aria-label").split() == name.split()


def test_a_long_name_leaves_room_for_the_chart():
    name = "a system with a name that goes on " * 5
    for svg in (line_chart({name: ([1, 2], [3.0, 4.0])}, "step", name), bar_chart({name: [0.5]}, "accuracy", name)):
        assert "a system with a name that goes on a…" in texts(svg)
        assert parse(svg).get("aria-label") == name


def test_no_address_and_no_element_that_fetches():
    svg = line_chart({"train": ([1, 2], [3.0, 4.0])}, "step", "falls") + bar_chart({"ours": [1.0]}, "accuracy", "one")
    assert not re.search(r"https?:|<image|<style|<script|<metadata", svg)


def test_ids_differ_between_charts_and_references_resolve():
    data = {"train": ([1, 2], [3.0, 4.0])}
    charts = [line_chart(data, "step", f"chart {i}") for i in range(3)]
    ids = [re.findall(r'\bid="([^"]*)"', svg) for svg in charts]
    assert len(set(sum(ids, []))) == len(sum(ids, []))
    for svg, own in zip(charts, ids, strict=True):
        assert set(re.findall(r'url\(#([^)]*)\)|href="#([^"]*)"', svg)) \
            <= {(i, "") for i in own} | {("", i) for i in own}


def test_colours_follow_the_page():
    svg = bar_chart({"ours": [0.9, 0.8], "chance": [0.5]}, "accuracy", "ours is better")
    bare = re.findall(r"(?:fill|stroke): (#\w+)", svg)
    assert "var(--series-1, " in svg and "var(--bar, " in svg and "var(--ink, " in svg
    assert not bare


def test_same_data_same_bytes():
    assert len({line_chart({"train": ([1, 2], [3.0, 4.0])}, "step", "falls") for _ in range(2)}) == 1


def test_every_curve_has_a_point_even_a_single_one():
    svg = line_chart({"train": ([5], [1.0]), "val": ([5], [1.5])}, "epoch", "one epoch")
    assert svg.count("<use") >= 2


def test_a_histogram_is_a_share_of_each_kind_and_stands_where_the_numbers_are(monkeypatch):
    drawn = {}
    monkeypatch.setattr(matplotlib.axes.Axes, "stairs", lambda axes, shares, edges, label, **_: drawn.update(
        {label.strip(): (shares, edges)}) or axes.plot([0], [0], label=label))
    values = {"text": [0.0] * 3 + [1.0], "image": [1.0] * 6 + [3.0] * 2}
    histogram(values, "gate", "alt")
    for name, numbers in values.items():
        shares, edges = drawn[name]
        assert len(shares) == BINS and (edges[0], edges[-1]) == (0.0, 3.0)
        assert shares[0] == (0.75 if name == "text" else 0) and shares[-1] == (0 if name == "text" else 0.25)
        assert shares.sum() == pytest.approx(1)


def test_settings_of_the_caller_are_neither_used_nor_changed():
    plain = bar_chart({"ours": [0.5]}, "accuracy", "alt")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path",
                                "lines.linewidth": 9}):
        before = dict(matplotlib.rcParams)
        assert bar_chart({"ours": [0.5]}, "accuracy", "alt") == plain
        assert dict(matplotlib.rcParams) == before


def test_no_global_backend_is_chosen():
    code = (
        "import sys; from tinymm.viz import line_chart; assert 'matplotlib' not in sys.modules; "
        "line_chart({'a': ([1], [1.0])}, 'x', 'y'); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
