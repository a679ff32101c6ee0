"""Rows for `tinymm.functional.attending.products`."""

import numpy as np

from ...specification import spec
from ...strategies import arrays, st

sides = st.integers(1, 3)


@st.composite
def factors(draw, of_values):
    """(B, T, S) and (S, E) or (B, S, E), or (B, T, D) and (B, S, D)."""
    B, T, S, D = (draw(sides) for _ in range(4))
    if of_values:
        return (draw(arrays((B, T, S))), draw(arrays(draw(st.sampled_from(((S, D), (B, S, D))))))), {}
    return (draw(arrays((B, T, D))), draw(arrays((B, S, D)))), {}


def term_by_term(letters):
    return lambda a, b: np.einsum(letters, a, b, optimize=False)


spec("weighted_sum", lambda: factors(True), term_by_term("...ts,...se->...te"), lambda torch, a, b: a @ b)
spec("pair_products", lambda: factors(False), term_by_term("...td,...sd->...ts"), lambda torch, a, b: a @ b.mT)
