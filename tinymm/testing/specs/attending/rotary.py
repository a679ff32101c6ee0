"""Rows for `tinymm.functional.attending.rotary`: a pair of features is a complex number,
a turn a product with a unit number."""

import numpy as np

from ...specification import spec
from ...strategies import arrays, st

sides = st.integers(1, 3)


@st.composite
def rows(draw):
    """(..., T, 2 P) at the first positions, or anywhere."""
    B, T, P = (draw(sides) for _ in range(3))
    positions = draw(st.one_of(st.none(), arrays((T,), low=-50, high=50).map(lambda t: tuple(t.round(1).tolist()))))
    shape = draw(st.sampled_from(((T, 2 * P), (B, 2, T, 2 * P))))
    return (draw(arrays(shape)), positions), {"base": draw(st.sampled_from((1e4, 7.0, 1.0)))}


def turned(real, imaginary, positions, base):
    *_, T, pairs = real.shape
    turn = np.empty((T, pairs), complex)
    for t, i in np.ndindex(T, pairs):
        turn[t, i] = np.exp(1j * (t if positions is None else positions[t]) / base ** (i / pairs))
    return (real + 1j * imaginary) * turn


def interleaved(x, positions, base):
    z = turned(x[..., ::2], x[..., 1::2], positions, base)
    return np.stack([z.real, z.imag], -1).reshape(x.shape)


def half_split(x, positions, base):
    z = turned(*np.split(x, 2, -1), positions, base)
    return np.concatenate([z.real, z.imag], -1)


spec("rotary_interleaved", rows, interleaved)
spec("rotary_half_split", rows, half_split)
