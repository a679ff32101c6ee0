"""Attention across layers: how much of each input position is in each position of the last layer."""

import numpy as np

__all__ = ["attention_rollout"]


def attention_rollout(weights):
    r"""Follow attention from the last layer back to the input, through the residual connections.

    What a position holds after layer l is half itself, through the residual connection, and half what it attends to,
    with A the mean over the heads. Layers are applied one after the other, so their matrices are multiplied:

    $$ \tilde A^{(l)} = \tfrac12 A^{(l)} + \tfrac12 I \ \text{(rows normalised)}, \qquad
       R = \tilde A^{(L)} \cdots \tilde A^{(2)} \tilde A^{(1)} $$

    Parameters
    ----------
    weights : sequence of L arrays (B, H, T, T)
        The weights of each self-attention, first layer first, as `record_attention` collects them.

    Returns
    -------
    ndarray (B, T, T)
        R; row t holds the share of each input position in position t of the last layer. Rows sum to 1.

    Raises
    ------
    ValueError
        If there is no layer, or the weights are not (B, H, T, T) with the same B and T in every layer.

    Notes
    -----
    It follows the weights alone: values and feed-forward networks may amplify or drop what attention brings. The rows
    of A sum to 1, but for those of fully masked positions, which are zero: normalised, such a position keeps to itself.

    References
    ----------
    Abnar & Zuidema (2020), Quantifying attention flow in transformers, eq. 1.

    Examples
    --------
    >>> A = np.array([[0.0, 1.0], [0.0, 1.0]])[None, None]       # both look at the second position
    >>> attention_rollout([A, A])
    array([[[0.25, 0.75],
            [0.  , 1.  ]]])
    """
    weights = [np.asarray(A) for A in weights]
    if not weights:
        raise ValueError("attention_rollout: needs the weights of at least one layer; got none")
    batch = weights[0].shape[0]
    length = weights[0].shape[-1]
    rolled = None
    for A in weights:
        if A.ndim != 4 or (A.shape[0], *A.shape[2:]) != (batch, length, length):
            raise ValueError("attention_rollout: the weights of each layer must be (B, H, T, T), of the same B and T; "
                             f"got {', '.join(str(w.shape) for w in weights)}")
        A = 0.5 * A.mean(1) + 0.5 * np.eye(length, dtype=A.dtype)          # (B, T, T)
        A = A / A.sum(-1, keepdims=True)
        rolled = A if rolled is None else A @ rolled
    return rolled
