"""Recurrent networks over a whole sequence, one op each: the equations of `cells`, at the speed of matrix products.

Three things make them fast. W x + b of all T steps is one product, before the loop;
the weights' gradients are one product, after it; and inside the loop the gates of a
step lie in one array (B, gates, H), so that one call computes them all (see `_squash`).
Backward through time, d is the gradient with respect to the argument of σ or tanh.
"""

import math

import numpy as np

from ..autograd import op, saving
from .cells import gru_cell, lstm_cell, rnn_tanh_cell, scan

__all__ = ["gru", "lstm", "rnn_tanh"]


@op
def lstm(input, h, c, w_ih, w_hh, b_ih=None, b_hh=None, mask=None, reverse=False):
    r"""Long short-term memory over a sequence: `lstm_cell` from step to step.

    $$i, f, o = \sigma(W x_t + b + U h_{t-1} + b'), \quad g = \tanh(\cdot), \quad
      c_t = f \odot c_{t-1} + i \odot g, \quad h_t = o \odot \tanh c_t$$

    Parameters
    ----------
    input : Tensor or array, (B, T, D)
    h, c : Tensor or array, (B, H)
        The state before the first step.
    w_ih, w_hh : Tensor or array, (4H, D) and (4H, H)
        W and U; their rows are the gates i, f, g, o.
    b_ih, b_hh : Tensor or array, (4H,), optional
    mask : bool array, (B, T), optional
        False: the step is padding. It keeps the state; its input counts as zero, and gets exactly zero gradient.
    reverse : bool
        From the last step to the first; outputs stay in the order of the inputs.

    Returns
    -------
    (Tensor, Tensor, Tensor)
        The outputs h_t, (B, T, H); h and c after the last step.

    Raises
    ------
    ValueError
        If shapes disagree.

    References
    ----------
    Hochreiter & Schmidhuber (1997); the gradient: Graves & Schmidhuber (2005), appendix A.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> zero = np.zeros((1, 1))
    >>> outputs, h, c = F.lstm(np.ones((1, 3, 2)), zero, zero, np.ones((4, 2)), np.ones((4, 1)))
    >>> outputs.shape, outputs[0, :, 0].round(3)
    ((1, 3, 1), array([0.608, 0.873, 0.935]))
    """
    size = _checked("lstm", 4, input, (h, c), w_ih, w_hh, b_ih, b_hh, mask)
    x, held = _by_time(input, mask, reverse)
    gates = _projected(x, w_ih, b_ih, b_hh).reshape(*x.shape[:2], 4, size)
    hs = _states(h, len(x))
    cs = _states(c, len(x))
    tanh_c = np.empty_like(hs[1:])
    recalled = np.empty_like(gates[0])                              # U hₜ₋₁
    u = w_hh.T if len(x) == 1 else np.ascontiguousarray(w_hh.T)     # for several steps in the order they read it
    scale = np.repeat(np.array([[0.5], [0.5], [1], [0.5]], x.dtype), size, 1)   # σ for i, f and o, tanh for g
    for t, a in enumerate(gates):                                   # (B, 4, H)
        np.matmul(hs[t], u, out=recalled.reshape(len(a), 4 * size))
        a += recalled
        _squash(a, scale)                                           # i, f, o = σ(·),  g = tanh(·)
        i, f, g, o = a.swapaxes(0, 1)
        np.multiply(f, cs[t], out=cs[t + 1])
        cs[t + 1] += np.multiply(i, g, out=tanh_c[t])               # cₜ = f ⊙ cₜ₋₁ + i ⊙ g
        np.tanh(cs[t + 1], out=tanh_c[t])
        np.multiply(o, tanh_c[t], out=hs[t + 1])                    # hₜ = o ⊙ tanh cₜ
        _hold(held, t, hs, cs)
    y = _by_batch(hs[1:], reverse), hs[-1].copy(), cs[-1].copy()
    return saving(y, x=x, held=held, gates=gates, hs=hs, cs=cs, tanh_c=tanh_c)


@lstm.vjp
def lstm_vjp(g, x, held, gates, hs, cs, tanh_c, w_ih, w_hh, reverse):
    gy, dh, dc = g                                                  # of all outputs, of the last h and c
    gy = _by_time(gy, None, reverse)[0]
    ds = np.empty_like(gates)                                       # (T, B, 4, H)
    for t in reversed(range(len(x))):
        dh, kept_h = _release(held, t, dh + gy[t])
        dc, kept_c = _release(held, t, dc)
        i, f, g, o = gates[t].swapaxes(0, 1)                        # from here on g is the gate
        d = ds[t]
        np.multiply(gates[t], gates[t], out=d)
        np.subtract(gates[t], d, out=d)                             # σ′ = σ − σ²
        d[:, 2] = 1 - g * g                                         # tanh′ = 1 − tanh²
        passed = dh * o
        dc = dc + (passed - passed * tanh_c[t] * tanh_c[t])         # c̄ₜ += h̄ₜ ⊙ o (1 − tanh² cₜ)
        d[:, :3] *= dc[:, None]                                     # cₜ = f ⊙ cₜ₋₁ + i ⊙ g: c̄ₜ reaches i, f and g
        d[:, 0] *= g
        d[:, 1] *= cs[t]
        d[:, 2] *= i
        d[:, 3] *= dh * tanh_c[t]                                   # hₜ = o ⊙ tanh cₜ: h̄ₜ reaches o
        dc *= f                                                     # c̄ₜ₋₁ = c̄ₜ ⊙ f
        dc += kept_c
        dh = d.reshape(len(d), len(w_hh)) @ w_hh                    # h̄ₜ₋₁ = d U
        dh += kept_h
    dx, dw_ih, db_ih = _pulled(ds, x, w_ih, reverse)
    _, dw_hh, db_hh = _pulled(ds, hs[:-1], w_hh, reverse)
    return dx, dh, dc, dw_ih, dw_hh, db_ih, db_hh


@lstm.composite
def lstm_composite(input, h, c, w_ih, w_hh, b_ih=None, b_hh=None, mask=None, reverse=False):
    return scan(lambda x, state: lstm_cell(x, state, w_ih, w_hh, b_ih, b_hh), input, (h, c), mask, reverse)


@op
def gru(input, h, w_ih, w_hh, b_ih=None, b_hh=None, mask=None, reverse=False):
    r"""Gated recurrent unit over a sequence: `gru_cell` from step to step.

    $$r, z = \sigma(\cdot), \quad n = \tanh(W_n x_t + b_n + r \odot (U_n h_{t-1} + b'_n)), \quad
      h_t = (1 - z) \odot n + z \odot h_{t-1}$$

    Parameters
    ----------
    input : Tensor or array, (B, T, D)
    h : Tensor or array, (B, H)
        The state before the first step.
    w_ih, w_hh : Tensor or array, (3H, D) and (3H, H)
        W and U; their rows are the gates r, z, n.
    b_ih, b_hh : Tensor or array, (3H,), optional
    mask, reverse
        As in `lstm`.

    Returns
    -------
    (Tensor, Tensor)
        The outputs h_t, (B, T, H); h after the last step.

    Raises
    ------
    ValueError
        If shapes disagree.

    References
    ----------
    Cho et al. (2014), equations 5 to 8, with r applied after the product, as in cuDNN.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.gru(np.zeros((1, 3, 2)), np.ones((1, 1)), np.zeros((3, 2)), np.zeros((3, 1)))[0].ravel()
    array([0.5  , 0.25 , 0.125])
    """
    size = _checked("gru", 3, input, (h,), w_ih, w_hh, b_ih, b_hh, mask)
    x, held = _by_time(input, mask, reverse)
    gates = _projected(x, w_ih, b_ih).reshape(*x.shape[:2], 3, size)
    hs = _states(h, len(x))
    recalled = np.empty_like(hs[1:])                                # Uₙ hₜ₋₁ + b′ₙ
    for t, a in enumerate(gates):                                   # (B, 3, H)
        part = _projected(hs[t], w_hh, b_hh).reshape(a.shape)
        recalled[t] = part[:, 2]
        rz = a[:, :2]
        rz += part[:, :2]
        _squash(rz, 0.5)                                            # r, z = σ(·)
        r, z, n = a.swapaxes(0, 1)
        n += r * recalled[t]
        np.tanh(n, out=n)                                           # n = tanh(Wₙ xₜ + bₙ + r ⊙ (Uₙ hₜ₋₁ + b′ₙ))
        np.subtract(hs[t], n, out=hs[t + 1])
        hs[t + 1] *= z
        hs[t + 1] += n                                              # hₜ = n + z ⊙ (hₜ₋₁ − n)
        _hold(held, t, hs)
    return saving((_by_batch(hs[1:], reverse), hs[-1].copy()), x=x, held=held, gates=gates, hs=hs, recalled=recalled)


@gru.vjp
def gru_vjp(g, x, held, gates, hs, recalled, w_ih, w_hh, reverse):
    gy, dh = g                                                      # of all outputs, of the last h
    gy = _by_time(gy, None, reverse)[0]
    ds = np.empty_like(gates)                                       # inside the gates, (T, B, 3, H)
    ds_hh = np.empty_like(gates)                                    # of U h + b′
    for t in reversed(range(len(x))):
        dh, kept = _release(held, t, dh + gy[t])
        r, z, n = gates[t].swapaxes(0, 1)
        d = ds[t]
        d[:, 1] = dh * (hs[t] - n) * z * (1 - z)
        d[:, 2] = dh * (1 - z) * (1 - n * n)
        d[:, 0] = d[:, 2] * recalled[t] * r * (1 - r)
        ds_hh[t] = d
        ds_hh[t, :, 2] *= r                                         # n sees U h through r
        dh = dh * z + ds_hh[t].reshape(len(d), len(w_hh)) @ w_hh + kept  # h̄ₜ₋₁ = h̄ₜ ⊙ z + d U
    dx, dw_ih, db_ih = _pulled(ds, x, w_ih, reverse)
    _, dw_hh, db_hh = _pulled(ds_hh, hs[:-1], w_hh, reverse)
    return dx, dh, dw_ih, dw_hh, db_ih, db_hh


@gru.composite
def gru_composite(input, h, w_ih, w_hh, b_ih=None, b_hh=None, mask=None, reverse=False):
    return scan(lambda x, state: (gru_cell(x, state[0], w_ih, w_hh, b_ih, b_hh),), input, (h,), mask, reverse)


@op
def rnn_tanh(input, h, w_ih, w_hh, b_ih=None, b_hh=None, mask=None, reverse=False):
    r"""Simple recurrent network over a sequence: $h_t = \tanh(W x_t + b + U h_{t-1} + b')$.

    Parameters
    ----------
    input : Tensor or array, (B, T, D)
    h : Tensor or array, (B, H)
        The state before the first step.
    w_ih, w_hh : Tensor or array, (H, D) and (H, H)
        W and U.
    b_ih, b_hh : Tensor or array, (H,), optional
    mask, reverse
        As in `lstm`.

    Returns
    -------
    (Tensor, Tensor)
        The outputs h_t, (B, T, H); h after the last step.

    Raises
    ------
    ValueError
        If shapes disagree.

    References
    ----------
    Elman (1990), "Finding structure in time"; the gradient: Werbos (1990), "Backpropagation through time".

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.rnn_tanh(np.ones((1, 2, 1)), np.zeros((1, 1)), np.ones((1, 1)), np.ones((1, 1)))[0].ravel().round(3)
    array([0.762, 0.943])
    """
    _checked("rnn_tanh", 1, input, (h,), w_ih, w_hh, b_ih, b_hh, mask)
    x, held = _by_time(input, mask, reverse)
    hs = _states(h, len(x))
    for t, a in enumerate(_projected(x, w_ih, b_ih, b_hh)):         # (B, H)
        a += hs[t] @ w_hh.T
        np.tanh(a, out=hs[t + 1])
        _hold(held, t, hs)
    return saving((_by_batch(hs[1:], reverse), hs[-1].copy()), x=x, held=held, hs=hs)


@rnn_tanh.vjp
def rnn_tanh_vjp(g, x, held, hs, w_ih, w_hh, reverse):
    gy, dh = g                                                      # of all outputs, of the last h
    gy = _by_time(gy, None, reverse)[0]
    ds = np.empty_like(hs[1:])                                      # inside the tanh
    for t in reversed(range(len(x))):
        dh, kept = _release(held, t, dh + gy[t])
        ds[t] = dh * (1 - hs[t + 1] * hs[t + 1])
        dh = ds[t] @ w_hh + kept                                    # h̄ₜ₋₁ = d U
    dx, dw_ih, db_ih = _pulled(ds, x, w_ih, reverse)
    _, dw_hh, db_hh = _pulled(ds, hs[:-1], w_hh, reverse)
    return dx, dh, dw_ih, dw_hh, db_ih, db_hh


@rnn_tanh.composite
def rnn_tanh_composite(input, h, w_ih, w_hh, b_ih=None, b_hh=None, mask=None, reverse=False):
    return scan(lambda x, state: (rnn_tanh_cell(x, state[0], w_ih, w_hh, b_ih, b_hh),), input, (h,), mask, reverse)


def _squash(a, scale):
    """In place: σ(a) = ½ tanh(a/2) + ½ where the scale is ½, tanh(a) where it is 1."""
    a *= scale
    np.tanh(a, out=a)
    a *= scale
    a += 1 - scale


def _by_time(input, mask, reverse):
    """The input in the order of the loop, (T, B, D), zero in padding, and where a step is padding, (T, B, 1)."""
    order = slice(None, None, -1 if reverse else 1)
    held = None if mask is None or np.all(mask) else ~np.asarray(mask).T[order, :, None]
    x = np.ascontiguousarray(input.swapaxes(0, 1)[order])
    return (x, None) if held is None else (np.where(held, 0, x), held)


def _by_batch(outputs, reverse):
    """From the order of the loop, (T, B, H), back to (B, T, H)."""
    return np.ascontiguousarray(outputs[::-1 if reverse else 1].swapaxes(0, 1))


def _projected(x, w, *biases):
    """x Wᵀ + b for all steps at once: (..., D) -> (..., G)."""
    y = x.reshape(math.prod(x.shape[:-1]), x.shape[-1]) @ w.T
    given = [b for b in biases if b is not None]
    if given:
        y += sum(given[1:], given[0])
    return y.reshape(*x.shape[:-1], len(w))


def _states(first, steps):
    """Room for the state before, between and after the steps, (T + 1, B, H)."""
    states = np.empty((steps + 1, *first.shape), first.dtype)
    states[0] = first
    return states


def _hold(held, t, *kinds):
    """A padded step keeps the state it found."""
    if held is not None:
        for states in kinds:
            np.copyto(states[t + 1], states[t], where=held[t])


def _release(held, t, d):
    """A state's gradient in two parts: what goes through the step, and what a padded step passes on unchanged."""
    return (d, 0) if held is None else (np.where(held[t], 0, d), np.where(held[t], d, 0))


def _pulled(ds, x, w, reverse):
    """From d, the gradient of x Wᵀ + b, of all steps at once:  x̄ = d W,  W̄ = dᵀ x,  b̄ = Σ d; as thunks."""
    flat = ds.reshape(ds.shape[0] * ds.shape[1], len(w))            # (T·B, G)
    return (lambda: _by_batch((flat @ w).reshape(x.shape), reverse),
            lambda: flat.T @ x.reshape(len(flat), w.shape[1]),
            lambda: np.ones(len(flat), flat.dtype) @ flat)


def _checked(name, gates, input, states, w_ih, w_hh, b_ih, b_hh, mask):
    """The width H of the state; an error if any shape disagrees."""
    if input.ndim != 3 or input.shape[1] < 1:
        raise ValueError(f"{name}: input must be (B, T, D) with at least one step; got {input.shape}")
    batch, steps, width = input.shape
    size = states[0].shape[-1]
    rows = gates * size
    expected = {"w_ih": (w_ih, (rows, width)), "w_hh": (w_hh, (rows, size)), "b_ih": (b_ih, (rows,)),
                "b_hh": (b_hh, (rows,)), "mask": (mask, (batch, steps)),
                **{f"state {k}": (state, (batch, size)) for k, state in enumerate(states)}}
    for part, (array, shape) in expected.items():
        if array is not None and np.shape(array) != shape:
            raise ValueError(f"{name}: {part} must be {shape} for input {input.shape} and state {states[0].shape}; "
                             f"got {np.shape(array)}")
    if mask is not None and np.asarray(mask).dtype != bool:
        raise ValueError(f"{name}: mask must be boolean, True for real steps; got {np.asarray(mask).dtype}")
    return size
