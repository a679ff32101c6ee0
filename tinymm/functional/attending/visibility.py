"""Which query may attend to which key: boolean masks (T, S), True = may attend. Sliding windows, blocks, sinks.

Query t is at position `offset` + t and key s at position s, as in `relative_positions`; the causal mask is in
`steps`. Masks are combined with & and |.
"""

import numpy as np

from .positions import relative_positions

__all__ = ["block_mask", "sliding_window_mask", "streaming_mask"]


def sliding_window_mask(T, S=None, before=0, after=0, offset=0):
    r"""Every query sees a stretch around its own position: $-\text{before} \le s - t \le \text{after}$.

    Parameters
    ----------
    T, S, offset : int
        As for `relative_positions`; S is T unless given.
    before, after : int
        How far to the past and to the future; `after=0` is causal.

    Returns
    -------
    ndarray of bool, (T, S)

    Raises
    ------
    ValueError
        If a reach is negative.

    Notes
    -----
    Luong's local-m is `before = after = D`; Longformer's window w has w/2 on each side, Mistral's w − 1 before.

    References
    ----------
    Luong, Pham, Manning (2015), §3.2; Beltagy, Peters, Cohan, "Longformer: the long-document Transformer", 2020, §3.1.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> F.sliding_window_mask(4, before=1).astype(int)
    array([[1, 0, 0, 0],
           [1, 1, 0, 0],
           [0, 1, 1, 0],
           [0, 0, 1, 1]])
    """
    if before < 0 or after < 0:
        raise ValueError("sliding_window_mask: a window reaches 0 or more positions each way; "
                         f"got {before} before and {after} after")
    distance = relative_positions(T, T if S is None else S, offset)
    return (-before <= distance) & (distance <= after)


def block_mask(T, S=None, size=1, causal=False, offset=0):
    r"""Every query sees the block of its own position: $\lfloor s/w\rfloor = \lfloor t/w\rfloor$;
    if causal, the blocks before too.

    Parameters
    ----------
    T, S, offset : int
        As for `relative_positions`; S is T unless given.
    size : int
        w, positions in a block.
    causal : bool
        Let it see all earlier blocks too, and still the whole of its own: for frames that arrive block by block.

    Returns
    -------
    ndarray of bool, (T, S)

    Raises
    ------
    ValueError
        If the size is below 1.

    References
    ----------
    Qiu et al., "Blockwise self-attention for long document understanding", 2020, §3.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> F.block_mask(4, size=2, causal=True).astype(int)
    array([[1, 1, 0, 0],
           [1, 1, 0, 0],
           [1, 1, 1, 1],
           [1, 1, 1, 1]])
    """
    if size < 1:
        raise ValueError(f"block_mask: a block has at least one position; got {size}")
    query = np.arange(offset, offset + T)[:, None] // size
    key = np.arange(T if S is None else S) // size
    return key <= query if causal else key == query


def streaming_mask(T, sinks, window):
    r"""Causal, and of the past only the first positions and the most recent ones.

    $$s \le t \;\text{ and }\; (s < \text{sinks} \;\text{ or }\; t - s < \text{window})$$

    Parameters
    ----------
    T : int
        Number of positions.
    sinks : int
        How many of the first stay visible for ever. A softmax must put its weight somewhere: trained models put the
        weight they do not need on the first positions, and break when these leave the window.
    window : int
        How many of the most recent are visible, the query's own included.

    Returns
    -------
    ndarray of bool, (T, T)

    Raises
    ------
    ValueError
        If `sinks` is negative or `window` below 1.

    Notes
    -----
    `nn.StreamingCache` decodes with this mask in memory that does not grow.

    References
    ----------
    Xiao et al., "Efficient streaming language models with attention sinks", 2023, §3.2.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> F.streaming_mask(5, sinks=1, window=2).astype(int)
    array([[1, 0, 0, 0, 0],
           [1, 1, 0, 0, 0],
           [1, 1, 1, 0, 0],
           [1, 0, 1, 1, 0],
           [1, 0, 0, 1, 1]])
    """
    if sinks < 0 or window < 1:
        raise ValueError(f"streaming_mask: needs 0 or more sinks and a window of 1 or more; got {sinks} and {window}")
    past = sliding_window_mask(T, before=T)
    return past & ((np.arange(T) < sinks) | sliding_window_mask(T, before=window - 1))
