"""Two views of the same things: one latent vector, shown by two modalities that know nothing of each other's code."""

import numpy as np

__all__ = ["TwoViews"]

KINDS = ("linear", "curved", "folded")
MEAN_FOLDED, SPREAD_FOLDED = np.sqrt(2 / np.pi), np.sqrt(1 - 2 / np.pi)  # of |s|, s normal


class TwoViews:
    r"""Pairs of vectors that show the same latent s, each in its own way.

    $$x = f(s, p) + \text{noise}, \qquad y = g(s, q) + \text{noise}$$

    p and q are what each modality alone has: nothing of them is in the other. What f and g are is the kind of world:

    - "linear": random linear maps;
    - "curved": $B \tanh(2 A (s, p))$ with random A and B, and likewise of the other;
    - "folded": linear maps again, but the second modality shows $|s|$, entry by entry. The two are uncorrelated: no
      linear map of the first tells anything linear of the second, although the first tells all of $|s|$.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws the maps.
    kind : {"linear", "curved", "folded"}
    shared, private : int
        Entries of s, and of p and of q.
    width : int
        Of x and of y.
    noise : float
        Its standard deviation; that of each entry of f and g is about 1.

    Attributes
    ----------
    maps : list of (array, array)
        Of each modality A (shared + private, 2·width) and B (2·width, width).

    Raises
    ------
    ValueError
        For another kind.

    Examples
    --------
    >>> world = TwoViews(np.random.default_rng(0))
    >>> x, y = world.sample(5, np.random.default_rng(1))
    >>> x.shape, y.shape, x.dtype
    ((5, 24), (5, 24), dtype('float32'))
    """

    def __init__(self, rng, kind="curved", shared=6, private=2, width=24, noise=0.1):
        if kind not in KINDS:
            raise ValueError(f"TwoViews: kind must be one of {', '.join(KINDS)}; got {kind!r}")
        self.kind, self.shared, self.private, self.noise = kind, shared, private, noise
        hidden = 2 * width
        self.maps = [(rng.standard_normal((shared + private, hidden)) / np.sqrt(shared + private),
                      rng.standard_normal((hidden, width)) / np.sqrt(hidden)) for _ in range(2)]

    def sample(self, n, rng):
        """Pairs: two float32 arrays (n, width), row i of one belongs to row i of the other."""
        first = second = rng.standard_normal((n, self.shared))
        if self.kind == "folded":
            second = (np.abs(first) - MEAN_FOLDED) / SPREAD_FOLDED
        return tuple(self._shown(shared, own, rng) for shared, own in zip((first, second), self.maps))

    def _shown(self, shared, maps, rng):
        latent = np.concatenate([shared, rng.standard_normal((len(shared), self.private))], 1)
        inner = latent @ maps[0]                                         # (n, hidden), of variance 1
        shown = (np.tanh(2 * inner) if self.kind == "curved" else inner) @ maps[1]
        return (shown + self.noise * rng.standard_normal(shown.shape)).astype(np.float32)
