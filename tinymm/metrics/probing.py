"""What features are good for: a linear classifier learned from a few of them, tested on others."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

__all__ = ["few_shot_probe", "linear_probe"]


def linear_probe(features, labels, others, penalty=1e-3):
    r"""Logistic regression on fixed features: fitted on some, asked about others.

    $$ \min_{W, b} \; \frac1N \sum_n -\log \operatorname{softmax}(W x_n + b)_{y_n} + \lambda \lVert W \rVert^2 $$

    Every feature is first brought to mean 0 and variance 1 over `others`, which needs no labels.

    Parameters
    ----------
    features : (N, D) float array
    labels : (N,) int array
    others : (M, D) float array
        M at least 2.
    penalty : float
        λ, above 0.

    Returns
    -------
    (M,) int64 array
        The predicted labels.

    Raises
    ------
    ValueError
        If the shapes do not fit, there is one class alone, or λ is not positive.

    References
    ----------
    Radford et al. (2021), Learning transferable visual models from natural language supervision, §3.2 (linear probes).

    Examples
    --------
    >>> x = np.array([[0.0, 5.0], [1.0, 5.0], [0.1, 5.0], [0.9, 5.0]])
    >>> linear_probe(x[:2], np.array([3, 7]), x).tolist()
    [3, 7, 3, 7]
    """
    features, others, labels = np.asarray(features, np.float64), np.asarray(others, np.float64), np.asarray(labels)
    if features.ndim != 2 or others.ndim != 2 or features.shape[1] != others.shape[1] or len(others) < 2 or \
            labels.shape != features.shape[:1]:
        raise ValueError("linear_probe: features, labels and others must be (N, D), (N,) and (M, D), M at least 2; "
                         f"got {features.shape}, {labels.shape} and {others.shape}")
    classes, targets = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"linear_probe: needs two classes or more; got {classes.tolist()}")
    if not penalty > 0:
        raise ValueError(f"linear_probe: the penalty must be above 0; got {penalty}")
    mean, spread = others.mean(0), others.std(0)
    scale = np.divide(1, spread, out=np.zeros_like(spread), where=spread > 1e-12)
    x, asked = ((part - mean) * scale for part in (features, others))
    one_hot = np.eye(len(classes))[targets]                              # (N, K)
    shape = (x.shape[1] + 1, len(classes))

    def loss_and_gradient(flat):
        weights = flat.reshape(shape)                                    # the last row is b
        log_p = log_softmax(x @ weights[:-1] + weights[-1], axis=1)
        error = (np.exp(log_p) - one_hot) / len(x)
        gradient = np.concatenate([x.T @ error + 2 * penalty * weights[:-1], error.sum(0, keepdims=True)])
        return -(log_p * one_hot).sum() / len(x) + penalty * (weights[:-1] ** 2).sum(), gradient.ravel()

    found = minimize(loss_and_gradient, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B",
                     options={"maxiter": 200}).x.reshape(shape)
    return classes[(asked @ found[:-1] + found[-1]).argmax(1)]


def few_shot_probe(features, labels, others, other_labels, shots, rng, draws=5, penalty=1e-3):
    """How often a probe of so many examples of each class is right about each of some others.

    Parameters
    ----------
    features : (N, D) float array
        From which the examples are drawn.
    labels : (N,) int array
    others : (M, D) float array
    other_labels : (M,) int array
    shots : int
        Examples of each class.
    rng : numpy.random.Generator
    draws : int
        How often examples are drawn and a probe is fitted.
    penalty : float
        As of `linear_probe`.

    Returns
    -------
    (M,) float64 array
        The share of the draws in which an item was classified right.

    Raises
    ------
    ValueError
        If a class has fewer examples; and as `linear_probe`.

    Examples
    --------
    >>> x, labels = np.repeat(np.eye(3), 4, axis=0), np.repeat([0, 1, 2], 4)
    >>> few_shot_probe(x, labels, x[::4], labels[::4], 2, np.random.default_rng(0)).tolist()
    [1.0, 1.0, 1.0]
    """
    labels, other_labels = np.asarray(labels), np.asarray(other_labels)
    by_class = [np.flatnonzero(labels == one) for one in np.unique(labels)]
    if shots < 1 or min(map(len, by_class), default=0) < shots:
        raise ValueError(f"few_shot_probe: every class needs {shots} examples or more, at least 1; "
                         f"got {[len(rows) for rows in by_class]}")
    right = np.zeros(len(other_labels))
    for _ in range(draws):
        rows = np.concatenate([rng.choice(own, shots, replace=False) for own in by_class])
        right += linear_probe(features[rows], labels[rows], others, penalty) == other_labels
    return right / draws
