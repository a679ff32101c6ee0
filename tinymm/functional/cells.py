"""One step of a recurrent network, line by line as in its equations; and the loop over time.

`recurrent` computes the same loops much faster, with gradients written by hand.
It is tested against these explicit forms, and takes its second derivatives from them.
"""

import numpy as np

from .elementwise import sigmoid, tanh
from .joining import split, stack
from .selection import where

__all__ = ["gru_cell", "lstm_cell", "rnn_tanh_cell", "scan"]


def rnn_tanh_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    r"""One step of the simple recurrent network: $h' = \tanh(W x + b + U h + b')$.

    Parameters
    ----------
    input : Tensor or array, (B, D)
    hx : Tensor or array, (B, H)
        The state h.
    w_ih, w_hh : Tensor or array, (H, D) and (H, H)
        W and U.
    b_ih, b_hh : Tensor or array, (H,), optional

    Returns
    -------
    Tensor, (B, H)

    References
    ----------
    Elman (1990), "Finding structure in time".

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.rnn_tanh_cell(np.ones((1, 2)), np.zeros((1, 1)), np.ones((1, 2)), np.ones((1, 1))).round(3)
    array([[0.964]])
    """
    return tanh(_affine(input, w_ih, b_ih) + _affine(hx, w_hh, b_hh))


def lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    r"""One step of the long short-term memory; the rows of the weights are the gates i, f, g, o.

    $$i, f, o = \sigma(\cdot), \quad g = \tanh(\cdot), \quad c' = f \odot c + i \odot g, \quad h' = o \odot \tanh c'$$

    Parameters
    ----------
    input : Tensor or array, (B, D)
    hx : (Tensor, Tensor) or (array, array), (B, H) each
        The state (h, c).
    w_ih, w_hh : Tensor or array, (4H, D) and (4H, H)
    b_ih, b_hh : Tensor or array, (4H,), optional

    Returns
    -------
    (Tensor, Tensor), (B, H) each
        h' and c'.

    References
    ----------
    Hochreiter & Schmidhuber (1997), with the forget gate of Gers et al. (2000).

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> h, c = F.lstm_cell(np.zeros((1, 2)), (np.zeros((1, 1)), np.ones((1, 1))), np.ones((4, 2)), np.ones((4, 1)))
    >>> h.round(3), c
    (array([[0.231]]), array([[0.5]]))
    """
    h, c = hx
    i, f, g, o = split(_affine(input, w_ih, b_ih) + _affine(h, w_hh, b_hh), h.shape[-1], 1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)       # c' = f ⊙ c + i ⊙ g
    h = sigmoid(o) * tanh(c)                        # h' = o ⊙ tanh c'
    return h, c


def gru_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    r"""One step of the gated recurrent unit; the rows of the weights are the gates r, z, n.

    $$r, z = \sigma(W x + b + U h + b'), \quad n = \tanh(W_n x + b_n + r \odot (U_n h + b'_n)), \quad
      h' = (1 - z) \odot n + z \odot h$$

    Parameters
    ----------
    input : Tensor or array, (B, D)
    hx : Tensor or array, (B, H)
        The state h.
    w_ih, w_hh : Tensor or array, (3H, D) and (3H, H)
        W and U.
    b_ih, b_hh : Tensor or array, (3H,), optional

    Returns
    -------
    Tensor, (B, H)

    Notes
    -----
    The paper applies r to h before the product with U; here, as in PyTorch and cuDNN, to the product.

    References
    ----------
    Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder", equations 5 to 8.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.gru_cell(np.zeros((1, 2)), np.ones((1, 1)), np.zeros((3, 2)), np.zeros((3, 1)))
    array([[0.5]])
    """
    size = hx.shape[-1]
    x_r, x_z, x_n = split(_affine(input, w_ih, b_ih), size, 1)
    h_r, h_z, h_n = split(_affine(hx, w_hh, b_hh), size, 1)
    r = sigmoid(x_r + h_r)
    z = sigmoid(x_z + h_z)
    n = tanh(x_n + r * h_n)
    return (1 - z) * n + z * hx                     # h' = (1 − z) ⊙ n + z ⊙ h


def scan(step, input, state, mask=None, reverse=False):
    """Run a step along time: state = step(input[:, t], state).

    Parameters
    ----------
    step : callable
        From (B, D) and a tuple of states to a tuple of states; the first of them is the output.
    input : Tensor or array, (B, T, D)
    state : tuple of Tensor or array, (B, H) each
    mask : bool array, (B, T), optional
        False: the step is padding, and the state is kept.
    reverse : bool
        From the last step to the first.

    Returns
    -------
    tuple
        The outputs (B, T, H), then the last states.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.scan(lambda x, state: (state[0] + x,), np.ones((1, 3, 1)), (np.zeros((1, 1)),))[0].ravel()
    array([1., 2., 3.])
    """
    mask = None if mask is None else np.asarray(mask)
    outputs = [None] * input.shape[1]
    for t in reversed(range(len(outputs))) if reverse else range(len(outputs)):
        x = input[:, t]
        if mask is None:
            state = step(x, state)
        else:
            real = mask[:, t, None]
            proposed = step(where(real, x, 0), state)
            state = tuple(where(real, new, old) for new, old in zip(proposed, state))
        outputs[t] = state[0]
    return stack(outputs, 1), *state


def _affine(x, w, b):
    """x Wᵀ + b."""
    return x @ w.mT if b is None else x @ w.mT + b
