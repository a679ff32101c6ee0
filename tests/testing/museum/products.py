"""Products: of numbers, of matrices, of a kernel with every window; and what has been broadcast, repeated or turned."""

import numpy as np

import tinymm.functional as F

from .blind import all_ones, descent
from .exhibit import Exhibit


class SwappedInputs(Exhibit):
    """ā = g ⊙ a and b̄ = g ⊙ b: each gets the other's gradient."""

    def inputs(rng):
        return [rng.standard_normal(4), rng.standard_normal(4)]

    def harmless(rng):
        """a product x · x"""
        x = rng.standard_normal(4)
        return [x, x.copy()]

    def forward(a, b):
        return a * b

    def right(g, a, b):
        return g * b, g * a

    def wrong(g, a, b):
        return g * a, g * b


class HalfTheProductRule(Exhibit):
    """(x σ(x))′ = σ(x) + x σ′(x), without its second term: σ was taken for a gate that is just there."""
    blind = descent

    def inputs(rng):
        return [rng.standard_normal(5)]

    def forward(x):
        return x * F.sigmoid(x)

    def right(g, x):
        s = F.sigmoid(x)
        return g * (s + x * s * (1 - s))

    def wrong(g, x):
        return g * F.sigmoid(x)


class TransposedWeight(Exhibit):
    """x̄ = G W with W transposed once too often; the shapes fit, since the layer is square."""

    def inputs(rng):
        return [rng.standard_normal((2, 4)), rng.standard_normal((4, 4))]

    def harmless(rng):
        """a symmetric weight"""
        w = rng.standard_normal((4, 4))
        return [rng.standard_normal((2, 4)), w + w.T]

    def forward(x, w):
        return x @ w.mT

    def right(g, x, w):
        return g @ w, g.mT @ x

    def wrong(g, x, w):
        return g @ w.mT, g.mT @ x


class MatrixTimesVector(Exhibit):
    """b̄ = Aᵀ g as A ⊙ g, summed over rows by the tape to fit b: g multiplies columns.

    Ones multiply everything alike.
    """
    blind = all_ones

    def inputs(rng):
        return [rng.standard_normal((4, 4)), rng.standard_normal(4)]

    def forward(a, b):
        return a @ b

    def right(g, a, b):
        return g[:, None] * b, a.mT @ g

    def wrong(g, a, b):
        return g[:, None] * b, a * g


class BroadcastNotUndone(Exhibit):
    """The bias was broadcast over the batch; its gradient is cut to its shape, where it should be summed."""

    def inputs(rng):
        return [rng.standard_normal((3, 4)), rng.standard_normal(4)]

    def harmless(rng):
        """a batch of one"""
        return [rng.standard_normal((1, 4)), rng.standard_normal(4)]

    def forward(x, b):
        return x + b

    def right(g):
        return g, g.sum(0)

    def wrong(g):
        return g, g[0]


class ConvolutionNotFlipped(Exhibit):
    """x̄ correlates g with the kernel as it is; the transpose of a correlation has it turned round."""

    def inputs(rng):
        return [rng.standard_normal(7), rng.standard_normal(3)]

    def harmless(rng):
        """a symmetric kernel"""
        w = rng.standard_normal(3)
        return [rng.standard_normal(7), w + w[::-1]]

    def forward(x, w):
        if len(x) < len(w):
            raise ValueError(f"the kernel must fit into the signal; got {len(w)} and {len(x)}")
        return sum(w[j] * x[j:len(x) - len(w) + 1 + j] for j in range(len(w)))

    def right(g, x, w):
        return (sum(w[j] * F.pad(g, (j, len(w) - 1 - j)) for j in range(len(w))),
                F.stack([(g * x[j:j + len(g)]).sum() for j in range(len(w))]))

    def wrong(g, x, w):
        return (sum(w[-1 - j] * F.pad(g, (j, len(w) - 1 - j)) for j in range(len(w))),
                F.stack([(g * x[j:j + len(g)]).sum() for j in range(len(w))]))


class StrideIgnored(Exhibit):
    """x̄ paints the windows side by side, though they stand `stride` apart."""

    def inputs(rng, stride=2):
        return [rng.standard_normal(7), rng.standard_normal(3), stride]

    def harmless(rng):
        """stride 1"""
        return StrideIgnored.inputs(rng, 1)

    def forward(x, w, stride):
        return sum(w[j] * x[j:len(x) - len(w) + 1 + j:stride] for j in range(len(w)))

    def right(g, x, w, stride):
        windows = [slice(j, j + stride * len(g), stride) for j in range(len(w))]
        windows[-1] = slice(len(w) - 1, len(x), stride)
        return (sum(F.place(w[j] * g, windows[j], x.shape) for j in range(len(w))),
                F.stack([(g * x[window]).sum() for window in windows]))

    def wrong(g, x, w, stride):
        windows = [slice(j, j + len(g)) for j in range(len(w))]
        return (sum(F.place(w[j] * g, windows[j], x.shape) for j in range(len(w))),
                F.stack([(g * x[window]).sum() for window in windows]))


class WeightOfOneStep(Exhibit):
    """A recurrence uses w at every step; in the loop back stands `=` for `+=`, so that only the first step is paid."""

    def inputs(rng, n=4):
        return [rng.standard_normal(n), rng.standard_normal(())]

    def harmless(rng):
        """a sequence of one step"""
        return WeightOfOneStep.inputs(rng, 2)

    def states(x, w):
        h = [x[0]]
        for t in range(1, len(x)):
            h.append(np.tanh(w * h[-1] + x[t]))
        return h

    def forward(x, w):
        return WeightOfOneStep.states(x, w)[-1]

    def right(g, x, w):
        h, x_bar, w_bar = WeightOfOneStep.states(x, w), [], 0 * w
        for t in reversed(range(1, len(x))):
            a_bar = g * (1 - h[t] * h[t])
            x_bar.append(a_bar)
            w_bar = w_bar + a_bar * h[t - 1]
            g = a_bar * w
        return F.stack([g, *x_bar[::-1]]), w_bar

    def wrong(g, x, w):
        h, x_bar, w_bar = WeightOfOneStep.states(x, w), [], 0 * w
        for t in reversed(range(1, len(x))):
            a_bar = g * (1 - h[t] * h[t])
            x_bar.append(a_bar)
            w_bar = a_bar * h[t - 1]
            g = a_bar * w
        return F.stack([g, *x_bar[::-1]]), w_bar


class PermutationNotInverted(Exhibit):
    """x̄ permutes the axes of g as the forward did, not back.

    An exchange is its own inverse; going round three is not.
    """

    def inputs(rng, axes=(2, 0, 1)):
        return [rng.standard_normal((2, 2, 2)), axes]

    def harmless(rng):
        """an exchange of two axes"""
        return PermutationNotInverted.inputs(rng, (0, 2, 1))

    def forward(x, axes):
        return np.transpose(x, axes)

    def right(g, axes):
        return F.permute(g, tuple(map(int, np.argsort(axes))))

    def wrong(g, axes):
        return F.permute(g, axes)
