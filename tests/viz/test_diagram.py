"""Boxes and arrows: whatever flows where, arrows point down and boxes keep apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.viz import Box, Diagram
from tinymm.viz.diagram import FILLS, WIDTH


@st.composite
def diagrams(draw):
    n = draw(st.integers(1, 9))
    kinds = draw(st.lists(st.sampled_from(list(FILLS)), min_size=n, max_size=n))
    pairs = [(a, b) for b in range(n) for a in range(b)
             if kinds[a] != "output" and kinds[b] not in ("input", "parameter")]
    arrows = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return Diagram([Box(str(i), kind=kind) for i, kind in enumerate(kinds)], arrows)


@given(diagrams())
def test_arrows_point_down_and_boxes_keep_apart(diagram):
    rows = diagram.rows()
    places, routes = diagram.places()
    for (source, target), route in zip(diagram.arrows, routes, strict=True):
        assert rows[source] < rows[target]
        assert (route[0], route[-1]) == (places[source], places[target])
        heights = [y for _, y in route]
        assert heights == sorted(heights) and len(heights) == rows[target] - rows[source] + 1
    for row in set(rows):
        xs = sorted(places[i][0] for i in range(len(rows)) if rows[i] == row)
        assert all(b - a > WIDTH for a, b in zip(xs, xs[1:]))
        lanes = [x for route in routes for x, y in route[1:-1] if y == dict(zip(rows, (y for _, y in places)))[row]]
        assert all(abs(lane - x) > WIDTH / 2 for lane in lanes for x in xs)


def test_it_is_saved_whole_or_not_at_all(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra viz")
    diagram = Diagram([Box("a long name that is cut in the middle of it", "Linear", "input"), Box("y", kind="output")],
                      [(0, 1)])
    diagram.save(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        diagram.save(tmp_path / "file" / "b.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "file"]


def test_rows_are_centred_on_what_flows_into_them():
    places, _ = Diagram([Box("x"), Box("a"), Box("b"), Box("y")], [(0, 1), (0, 2), (1, 3), (2, 3)]).places()
    np.testing.assert_allclose([places[0][0], places[3][0]], (places[1][0] + places[2][0]) / 2, atol=1e-6)
