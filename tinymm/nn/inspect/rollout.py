"""Attention across layers: how much of each input position is in each position of the last layer."""

import numpy as np

__all__ = ["attention_relevance", "attention_rollout", "joint_attention"]


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


def attention_relevance(weights, gradients):
    r"""Follow attention, weighed by what it does for a score, from the last layer back to the input.

    Where the score s would fall if a head looked more at a position, that look is left out; the others count by how
    much it would rise:

    $$ \bar A^{(l)} = \frac1H \sum_h \Big(\frac{\partial s}{\partial A^{(l)}_h} \odot A^{(l)}_h\Big)^{\!+}, \qquad
       R \leftarrow R + \bar A^{(l)} R, \quad R = I \text{ at first} $$

    Parameters
    ----------
    weights, gradients : sequences of L arrays (B, H, T, T)
        The weights of each layer, first layer first, and the gradient of the score with respect to them.

    Returns
    -------
    ndarray (B, T, T)
        R; row t says how much each input position matters to what position t of the last layer does for the score.

    Raises
    ------
    ValueError
        If there is no layer, or the arrays do not have one shape (B, H, T, T).

    Notes
    -----
    Of two streams, `joint_attention` makes one of T + N positions, and every layer follows this one rule. The paper
    multiplies the part between the streams by both streams' own relevance once more (its equation 10).

    References
    ----------
    Chefer, Gur & Wolf (2021), Generic attention-model explainability, equations 5 and 6.

    Examples
    --------
    >>> A = np.array([[0.0, 1.0], [0.0, 1.0]])[None, None]
    >>> attention_relevance([A], [np.array([[0.0, 0.5], [0.0, -3.0]])[None, None]])
    array([[[1. , 0.5],
            [0. , 1. ]]])
    """
    shapes = {np.shape(a) for a in (*weights, *gradients)}
    if len(weights) != len(gradients) or {len(shape) for shape in shapes} != {4} \
            or len({(shape[0], *shape[2:]) for shape in shapes}) != 1:
        raise ValueError("attention_relevance: weights and gradients must be (B, H, T, T) for each layer; "
                         f"got {', '.join(map(str, sorted(shapes))) or 'none'}")
    relevance = np.broadcast_to(np.eye(weights[0].shape[-1]), (len(weights[0]), *weights[0].shape[2:])).copy()
    for A, gradient in zip(weights, gradients):
        relevance = relevance + np.maximum(gradient * A, 0).mean(1) @ relevance
    return relevance


def joint_attention(kind, weights, lengths, own=1.0):
    r"""Attention inside one of two streams, or between them, as a map over the positions of both, laid end to end.

    $$ \begin{pmatrix} A & 0 \\ 0 & I \end{pmatrix}, \quad \begin{pmatrix} I & 0 \\ 0 & A \end{pmatrix}, \quad
       \begin{pmatrix} 0 & A_{xy} \\ A_{yx} & 0 \end{pmatrix} $$

    for a layer of the first stream, of the second, and a co-attention block. What a layer leaves alone keeps to itself.

    Parameters
    ----------
    kind : {"first", "second", "between"}
    weights : array (B, H, T, T) or (B, H, N, N), or two arrays (B, H, T, N) and (B, H, N, T)
    lengths : tuple of int
        T, N.
    own : float
        On the diagonal of what is left alone; 0 where the arrays are gradients.

    Returns
    -------
    ndarray (B, H, T + N, T + N)
        For `attention_rollout` and `attention_relevance`.

    Examples
    --------
    >>> joint_attention("first", np.full((1, 1, 2, 2), 0.5), (2, 1))[0, 0]
    array([[0.5, 0.5, 0. ],
           [0.5, 0.5, 0. ],
           [0. , 0. , 1. ]])
    """
    first = weights[0] if kind == "between" else weights
    length = lengths[0]
    joint = np.zeros((*first.shape[:2], sum(lengths), sum(lengths)), first.dtype)
    if kind == "between":
        joint[..., :length, length:], joint[..., length:, :length] = weights
    else:
        here, there = (slice(length), slice(length, None)) if kind == "first" else (slice(length, None), slice(length))
        joint[..., here, here] = weights
        joint[..., there, there] = own * np.eye(lengths[1 if kind == "first" else 0], dtype=first.dtype)
    return joint
