r"""The rectified flow of a mixture of Gaussians, in closed form: what a network that learns it must come to.

For $x \sim \sum_k \pi_k\, \mathcal N(m_k, s_k^2 I)$ and $x_\sigma = (1 - \sigma)\,x + \sigma\,\varepsilon$, component k
alone gives $x_\sigma \sim \mathcal N((1 - \sigma)\,m_k,\, d_k I)$ with $d_k = (1 - \sigma)^2 s_k^2 + \sigma^2$.
Everything is jointly Gaussian, so that with $\delta_k = x_\sigma - (1 - \sigma)\,m_k$

$$ v_k = E[\varepsilon - x \mid x_\sigma, k] = \frac{\sigma - (1 - \sigma)\,s_k^2}{d_k}\,\delta_k - m_k, \qquad
   \mathrm{Var}[\varepsilon - x \mid x_\sigma, k] = \frac{s_k^2}{d_k}\, I, $$

and the field of the mixture weighs these by the posterior $r_k \propto \pi_k\, \mathcal N(x_\sigma;\,
(1-\sigma)\,m_k,\, d_k I)$.
"""

import numpy as np

__all__ = ["GaussianMixtureFlow"]


class GaussianMixtureFlow:
    r"""A mixture of Gaussians, each the same in all directions, and the flow from noise to it.

    Parameters
    ----------
    means : float array (K, D)
    stds : float array (K,)
        $s_k$, positive or 0.
    weights : float array (K,), optional
        $\pi_k$, summing to 1; by default equal.

    Raises
    ------
    ValueError
        If shapes disagree, a deviation is negative, or the weights are no distribution.

    Examples
    --------
    Two points: far out at σ = 1 nothing is known, and the field leads away from their mean.

    >>> flow = GaussianMixtureFlow(np.array([[-1.0], [3.0]]), np.zeros(2))
    >>> flow.field(np.array([[0.5]]), np.array([1.0]))           # ε − E[x] = 0.5 − 1
    array([[-0.5]])
    """

    def __init__(self, means, stds, weights=None):
        self.means, self.stds = np.asarray(means, float), np.asarray(stds, float)
        K = len(self.means)
        self.weights = np.full(K, 1 / K) if weights is None else np.asarray(weights, float)
        if self.means.ndim != 2 or self.stds.shape != (K,) or self.weights.shape != (K,):
            raise ValueError("GaussianMixtureFlow: means must be (K, D), stds and weights (K,); "
                             f"got {self.means.shape}, {self.stds.shape} and {self.weights.shape}")
        if (self.stds < 0).any() or (self.weights < 0).any() or abs(self.weights.sum() - 1) > 1e-6:
            raise ValueError("GaussianMixtureFlow: stds must not be negative, weights must sum to 1; "
                             f"got {self.stds} and {self.weights}")

    def sample(self, n, rng):
        """Draw x: float64 (n, D)."""
        k = rng.choice(len(self.weights), n, p=self.weights)
        return self.means[k] + self.stds[k, None] * rng.standard_normal((n, self.means.shape[1]))

    def field(self, x, sigma):
        r"""$v(x, \sigma) = \sum_k r_k v_k$ at points x (n, D) and levels sigma (n,) above 0: float64 (n, D)."""
        r, v, _ = self._components(x, sigma)
        return (r[..., None] * v).sum(1)

    def variance(self, x, sigma):
        r"""The variance of ε − x at points x_σ, the mean over coordinates: float64 (n,).

        $$ \tfrac1D \operatorname{tr} \mathrm{Var}[\varepsilon - x \mid x_\sigma]
           = \sum_k r_k \Bigl(\frac{s_k^2}{d_k} + \tfrac1D \lVert v_k - v \rVert^2\Bigr) $$

        Its mean over $x_\sigma$ is what `flow_loss` comes down to at best.
        """
        r, v, own = self._components(x, sigma)
        mean = (r[..., None] * v).sum(1, keepdims=True)
        return (r * (own + ((v - mean) ** 2).mean(-1))).sum(1)

    def _components(self, x, sigma):
        """r (n, K), v_k (n, K, D), s_k²/d_k (n, K)."""
        s = np.asarray(sigma, float)[:, None]                            # (n, 1)
        if (s <= 0).any():
            raise ValueError(f"GaussianMixtureFlow: sigma must be above 0; got {s.min()}")
        d = (1 - s) ** 2 * self.stds ** 2 + s ** 2                       # (n, K)
        delta = np.asarray(x, float)[:, None] - (1 - s)[..., None] * self.means          # (n, K, D)
        dimension = self.means.shape[1]
        with np.errstate(divide="ignore"):
            log_r = np.log(self.weights) - (delta ** 2).sum(-1) / (2 * d) - dimension / 2 * np.log(d)
        r = np.exp(log_r - log_r.max(1, keepdims=True))
        slope = (s - (1 - s) * self.stds ** 2) / d
        return r / r.sum(1, keepdims=True), slope[..., None] * delta - self.means, self.stds ** 2 / d
