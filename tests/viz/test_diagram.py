"""Boxes and arrows: whatever flows where, arrows point down and boxes keep apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.viz import Box, Diagram
from tinymm.viz.diagram import FILLS
from tinymm.viz.layers import crossings, nearest, ordered


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
    half = [box.width / 2 for box in diagram.boxes]
    for row in set(rows):
        here = sorted((places[i], half[i]) for i in range(len(rows)) if rows[i] == row)
        assert all(b - a > left + right for ((a, _), left), ((b, _), right) in zip(here, here[1:]))
        lanes = [x for route in routes for x, y in route[1:-1] if y == here[0][0][1]]
        assert all(abs(lane - x) > room for lane in lanes for (x, _), room in here)


@st.composite
def layers(draw):
    """Rows of things, and links from each row to the next."""
    rows = [[(r, k) for k in range(draw(st.integers(1, 4)))] for r in range(draw(st.integers(1, 4)))]
    pairs = [(a, b) for above, below in zip(rows, rows[1:]) for a in above for b in below]
    return rows, draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []


@given(layers())
def test_ordering_keeps_the_rows_and_never_adds_crossings(drawn):
    rows, links = drawn
    found = ordered(rows, links)
    assert [sorted(items) for items in found] == rows
    assert crossings(found, links) <= crossings(rows, links)


def test_a_tangle_that_can_be_undone_is_undone():
    """Two trees whose leaves come mixed."""
    rows = [["a", "b"], [0, 1, 2, 3, 4, 5]]
    links = [("ab"[k % 2], k) for k in range(6)]
    assert crossings(rows, links) > 0 and crossings(ordered(rows, links), links) == 0


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(0.1, 3), st.floats(0.1, 9)), min_size=1, max_size=7))
def test_the_nearest_places_leave_room_and_no_step_is_better(drawn):
    wanted, rooms, weights = (dict(enumerate(column)) for column in zip(*drawn))
    found = nearest(range(len(drawn)), wanted, rooms, weights)
    x = np.array(list(found.values()))
    least = np.array([(rooms[i] + rooms[i + 1]) / 2 for i in range(len(x) - 1)])
    assert (np.diff(x) >= least - 1e-9).all()

    def cost(x):
        return sum(weights[i] * (x[i] - wanted[i])**2 for i in range(len(x)))

    rng = np.random.default_rng(0)
    for _ in range(50):                                                  # the problem is convex: no neighbour is better
        other = x + rng.normal(0, 0.1, len(x))
        if (np.diff(other) >= least).all():
            assert cost(other) >= cost(x) - 1e-9


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
