"""Rows for `tinymm.functional.audio.frames`: one sample at a time."""

import numpy as np

from ...specification import spec
from ...strategies import arrays, shapes, st


@st.composite
def to_cut(draw):
    """A waveform that holds at least one frame."""
    n = draw(st.integers(1, 5))
    lead = draw(shapes(0, 2, max_side=2))
    return (draw(arrays((*lead, n + draw(st.integers(0, 7))))), n, draw(st.integers(1, 6))), {}


@st.composite
def to_add(draw):
    lead = draw(shapes(0, 2, max_side=2))
    T = draw(st.integers(1, 4))
    N = draw(st.integers(1, 5))
    return (draw(arrays((*lead, T, N))), draw(st.integers(1, 6))), {}


def cut(x, n, hop):
    starts = range(0, x.shape[-1] - n + 1, hop)
    return np.stack([x[..., start:start + n] for start in starts], -2)


def added(frames, hop):
    *lead, T, N = frames.shape
    x = np.zeros((*lead, (T - 1) * hop + N))
    for t, n in np.ndindex(T, N):
        x[..., t * hop + n] += frames[..., t, n]
    return x


def folded(torch, frames, hop):
    """PyTorch's fold of columns (B, N, T) into images of one row."""
    *lead, T, N = frames.shape
    columns = frames.reshape(-1, T, N).mT
    return torch.nn.functional.fold(columns, (1, (T - 1) * hop + N), (1, N), stride=(1, hop)).reshape(*lead, -1)


spec("frame", to_cut, cut, lambda torch, x, n, hop: x.unfold(-1, n, hop))
spec("overlap_add", to_add, added, folded)
