"""Recurrent networks: each layer is one scan over the sequence, or two in opposite directions; padding is masked.

The batch always comes first. Sequences of different lengths are padded, and a boolean mask (B, T) says which steps
are real; it takes the place of PyTorch's packed sequences and gives the same numbers.
"""

import math

import numpy as np

from .. import functional as F
from ..autograd import Tensor
from . import init
from .module import Module
from .parameter import Parameter

__all__ = ["GRU", "LSTM", "RNN"]


class _Recurrent(Module):
    """Layers and directions around `scan`, an op that runs one direction of one layer over the sequence."""

    def __init__(self, input_size, hidden_size, num_layers=1, bias=True, dropout=0.0, bidirectional=False, *, rng):
        if min(input_size, hidden_size, num_layers) < 1:
            raise ValueError(f"{type(self).__name__}: input_size, hidden_size and num_layers are at least 1; "
                             f"got {input_size}, {hidden_size} and {num_layers}")
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.bidirectional = bidirectional
        self.rng = rng
        bound = 1 / math.sqrt(hidden_size)
        rows = self.gates * hidden_size
        width = input_size
        for layer in range(num_layers):
            shapes = {"weight_ih": (rows, width), "weight_hh": (rows, hidden_size)}
            if bias:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            for suffix in self._suffixes(layer):
                for name, shape in shapes.items():
                    weight = init.uniform_(Parameter(np.empty(shape, np.float32)), -bound, bound, rng=rng)
                    setattr(self, name + suffix, weight)
            width = self._directions * hidden_size              # the next layer reads this one's outputs

    @property
    def _directions(self):
        return 2 if self.bidirectional else 1

    def _suffixes(self, layer):
        """How the names of a layer's parameters end, direction by direction."""
        return (f"_l{layer}", f"_l{layer}_reverse") if self.bidirectional else (f"_l{layer}",)

    def _run(self, input, states, mask):
        """The last layer's outputs, and the last states: an array for h, and for an LSTM one for c."""
        mask = mask.data if isinstance(mask, Tensor) else None if mask is None else np.asarray(mask)
        states = [self._initial(input, state) for state in states]
        last_states = []                                        # one entry for each layer and direction so far
        for layer in range(self.num_layers):
            if layer:
                input = F.dropout(input, self.dropout, self.training, self.rng)
            outputs = []
            for suffix in self._suffixes(layer):
                row = len(last_states)
                first = [state[row] for state in states]        # (B, H) each
                weights = [getattr(self, name + suffix, None)
                           for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
                y, *last = self.scan(input, *first, *weights, mask=mask, reverse=suffix.endswith("reverse"))
                outputs.append(y)
                last_states.append(last)
            input = F.concatenate(outputs, -1) if self.bidirectional else y     # (B, T, directions · H)
        if mask is not None:
            input = F.where(mask[..., None], input, 0.0)
        return input, [F.stack(kind) for kind in zip(*last_states)]             # (layers · directions, B, H)

    def _initial(self, input, state):
        """The state before the first step; zeros by default."""
        shape = (self._directions * self.num_layers, input.shape[0], self.hidden_size)
        if state is None:
            return np.zeros(shape, input.dtype)
        if state.shape != shape:
            raise ValueError(f"{type(self).__name__}: an initial state is (layers · directions, B, H) = {shape}; "
                             f"got {state.shape}")
        return state

    def extra_repr(self):
        settings = {"num_layers": self.num_layers, "dropout": self.dropout, "bidirectional": self.bidirectional}
        return ", ".join([str(self.weight_ih_l0.shape[1]), str(self.hidden_size),
                          *(f"{k}={v}" for k, v in settings.items())])


class RNN(_Recurrent):
    r"""Elman network: $h_t = \tanh(W x_t + b + U h_{t-1} + b')$.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    num_layers : int
        Each further layer reads the outputs of the one below.
    bias : bool
        Whether b and b' exist.
    dropout : float
        Applied to what passes from one layer to the next, in training.
    bidirectional : bool
        Whether each layer also reads from the last step to the first; the two outputs lie side by side.
    rng : numpy.random.Generator
        Draws all parameters from $U(-k, k)$, $k = H^{-1/2}$; kept for dropout.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0 : Parameter (H, D), (H, H), (H,), (H,)
        W, U, b, b' of the first layer; the names of further layers end in _l1, _l2, ..., those of the backward
        direction in _reverse.

    References
    ----------
    Elman (1990), Finding structure in time; Schuster & Paliwal (1997), Bidirectional recurrent neural networks.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> layer = tm.nn.RNN(3, 4, rng=np.random.default_rng(0))
    >>> output, h_n = layer(tm.tensor(np.ones((2, 5, 3), np.float32)))
    >>> output.shape, h_n.shape
    ((2, 5, 4), (1, 2, 4))
    """

    gates = 1
    scan = staticmethod(F.rnn_tanh)

    def forward(self, input, hx=None, mask=None):
        """Run over a batch of sequences.

        Parameters
        ----------
        input : Tensor (B, T, D)
        hx : Tensor (layers · directions, B, H), optional
            State before the first step; default: zeros.
        mask : boolean array (B, T), optional
            False where a step is padding: it keeps the state, its output is zero, its input gets no gradient.

        Returns
        -------
        tuple of (Tensor (B, T, directions · H), Tensor (layers · directions, B, H))
            Outputs of the last layer, and the state after the last real step.
        """
        output, (h_n,) = self._run(input, (hx,), mask)
        return output, h_n


class GRU(RNN):
    r"""Gated recurrent unit.

    $$r, z = \sigma(\cdot), \quad n = \tanh(W_n x_t + b_n + r \odot (U_n h_{t-1} + b'_n)), \quad
      h_t = (1 - z) \odot n + z \odot h_{t-1}$$

    Parameters, masks and results are those of `RNN`, but its weights are (3 H, ...): H rows for each of the gates
    r, z, n, in this order.

    References
    ----------
    Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, eq. 5-8.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> layer = tm.nn.GRU(3, 4, num_layers=2, rng=np.random.default_rng(0))
    >>> output, h_n = layer(tm.tensor(np.ones((2, 5, 3), np.float32)))
    >>> output.shape, h_n.shape
    ((2, 5, 4), (2, 2, 4))
    """

    gates = 3
    scan = staticmethod(F.gru)


class LSTM(_Recurrent):
    r"""Long short-term memory.

    $$i, f, o = \sigma(W x_t + b + U h_{t-1} + b'), \quad g = \tanh(\cdot), \quad
      c_t = f \odot c_{t-1} + i \odot g, \quad h_t = o \odot \tanh c_t$$

    Parameters and masks are those of `RNN`, but its weights are (4 H, ...): H rows for each of the gates i, f, g, o,
    in this order. Its state is the pair (h, c).

    References
    ----------
    Hochreiter & Schmidhuber (1997), Long short-term memory; Gers et al. (2000), Learning to forget.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> layer = tm.nn.LSTM(3, 4, bidirectional=True, rng=np.random.default_rng(0))
    >>> output, (h_n, c_n) = layer(tm.tensor(np.ones((2, 5, 3), np.float32)))
    >>> output.shape, h_n.shape, c_n.shape
    ((2, 5, 8), (2, 2, 4), (2, 2, 4))
    """

    gates = 4
    scan = staticmethod(F.lstm)

    def forward(self, input, hx=None, mask=None):
        """Run over a batch of sequences.

        Parameters
        ----------
        input : Tensor (B, T, D)
        hx : tuple of two Tensors (layers · directions, B, H), optional
            h and c before the first step; default: zeros.
        mask : boolean array (B, T), optional
            False where a step is padding: it keeps the state, its output is zero, its input gets no gradient.

        Returns
        -------
        tuple of (Tensor (B, T, directions · H), (Tensor, Tensor))
            Outputs of the last layer, and h and c, (layers · directions, B, H), after the last real step.
        """
        output, (h_n, c_n) = self._run(input, (None, None) if hx is None else hx, mask)
        return output, (h_n, c_n)
