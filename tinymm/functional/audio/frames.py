r"""Frames: a waveform cut into overlapping pieces, and the adjoint, which adds the pieces where they were cut.

$\langle g, \operatorname{frame} x\rangle = \langle\operatorname{overlap\_add} g, x\rangle$: each is the other's VJP.
"""

import numpy as np

from ...autograd import op, saving
from ...cores import ceil_div
from ..joining import pad

__all__ = ["frame", "overlap_add"]


@op
def frame(x, frame_length, hop_length):
    r"""Cut into overlapping frames: $y_{t,n} = x_{t h + n}$.

    Parameters
    ----------
    x : Tensor or ndarray, (..., L)
    frame_length, hop_length : int
        N, the samples of a frame, and h, those from the start of one to the start of the next.

    Returns
    -------
    Tensor, (..., T, N)
        $T = \lfloor (L - N) / h\rfloor + 1$; samples at the end that do not fill a frame are left out.

    Raises
    ------
    ValueError
        If not even one frame fits.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.frame(np.arange(6.0), 3, 2)
    array([[0., 1., 2.],
           [2., 3., 4.]])
    """
    if frame_length < 1 or hop_length < 1:
        raise ValueError(f"frame: needs frames and hops of at least 1 sample; got {frame_length} and {hop_length}")
    if x.ndim < 1 or x.shape[-1] < frame_length:
        raise ValueError(f"frame: a frame of {frame_length} samples must fit into the waveform; got {x.shape}")
    windows = np.lib.stride_tricks.sliding_window_view(x, frame_length, -1, subok=True)
    return saving(windows[..., ::hop_length, :].copy(), length=x.shape[-1])


@frame.vjp
def frame_vjp(g, hop_length, length):   # x̄ = the frames of g, added where they were cut; 0 after the last
    x = overlap_add(g, hop_length)
    return pad(x, (0, length - x.shape[-1]))


@op
def overlap_add(frames, hop_length):
    r"""Add frames, each h samples after the one before: $x_k = \sum_{t h + n = k} y_{t,n}$.

    Parameters
    ----------
    frames : Tensor or ndarray, (..., T, N)
    hop_length : int
        h of the formula.

    Returns
    -------
    Tensor, (..., (T − 1) h + N)

    Raises
    ------
    ValueError
        If there is no frame.

    Notes
    -----
    Each frame is cut into pieces of one hop. The k-th pieces of all frames lie side by side in the result, and are
    added at once: ⌈N / h⌉ additions of arrays, however long the waveform.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.overlap_add(np.ones((2, 3)), 2)
    array([1., 1., 2., 1., 1.])
    """
    if hop_length < 1 or frames.ndim < 2 or 0 in frames.shape[-2:]:
        raise ValueError(f"overlap_add: needs frames (..., T, N) and a hop of at least 1; "
                         f"got {frames.shape} and {hop_length}")
    *lead, T, N = frames.shape
    pieces = ceil_div(N, hop_length)
    x = np.zeros_like(frames, shape=(*lead, T + pieces - 1, hop_length))
    for k in range(pieces):
        piece = frames[..., k * hop_length:(k + 1) * hop_length]
        x[..., k:k + T, :piece.shape[-1]] += piece
    return saving(x.reshape(*lead, (T + pieces - 1) * hop_length)[..., :(T - 1) * hop_length + N], frame_length=N)


@overlap_add.vjp
def overlap_add_vjp(g, hop_length, frame_length):  # ȳ = g, cut into frames
    return frame(g, frame_length, hop_length)
