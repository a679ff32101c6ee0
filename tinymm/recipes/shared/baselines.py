"""What a classifier has to beat: the commonest class, the nearest neighbour, logistic regression, support vectors."""

import numpy as np
from scipy.optimize import minimize

__all__ = ["linear_svm", "logistic_regression", "majority_class", "nearest_by_cosine", "nearest_neighbour",
           "svm_weights"]


def majority_class(labels, n):
    """The commonest class of `labels`, n times: the best guess without looking.

    Examples
    --------
    >>> majority_class(np.array([2, 0, 2]), 4)
    array([2, 2, 2, 2])
    """
    return np.full(n, np.bincount(labels).argmax())


def nearest_neighbour(train, labels, test, block=1000):
    """For each row of `test` the label of the closest row of `train`.

    Parameters
    ----------
    train : float array (N, D)
    labels : int array (N,)
    test : float array (n, D)
    block : int
        Rows of `test` whose distances are held at a time.

    Returns
    -------
    int array (n,)

    Examples
    --------
    >>> nearest_neighbour(np.array([[0.0], [1.0]]), np.array([7, 8]), np.array([[0.2], [0.9]]))
    array([7, 8])
    """
    norms = np.einsum("nd,nd->n", train, train)
    # ‖x − t‖² = ‖x‖² − 2 x·t + ‖t‖², of which the first term is the same for all t.
    blocks = (test[start:start + block] for start in range(0, len(test), block))
    return np.concatenate([labels[(norms - 2 * (x @ train.T)).argmin(1)] for x in blocks])


def logistic_regression(train, labels, test, classes=None, penalty=1e-3, iterations=200):
    r"""Classes of the rows of `test` by the linear model that fits `train` best.

    $$ \min_{W, b}\; -\frac1N \sum_n \log \operatorname{softmax}(W x_n + b)_{y_n}
       + \frac{\lambda}{2} \lVert W \rVert^2 $$

    Parameters
    ----------
    train : float array (N, D)
    labels : int array (N,)
    test : float array (n, D)
    classes : int, optional
        K; by default the largest label plus one.
    penalty : float
        λ.
    iterations : int
        Of L-BFGS, at most; the problem is convex, so where it starts does not matter.

    Returns
    -------
    int array (n,)

    Examples
    --------
    >>> logistic_regression(np.array([[0.0], [1.0], [3.0], [4.0]]), np.array([0, 0, 1, 1]), np.array([[1.4], [2.6]]))
    array([0, 1])
    """
    n, width = train.shape
    classes = int(labels.max()) + 1 if classes is None else classes
    truth = np.eye(classes, dtype=train.dtype)[labels]                     # (N, K)

    def loss(flat):
        W, b = _unpacked(flat.astype(train.dtype), classes, width)
        z = train @ W.T + b
        z -= z.max(1, keepdims=True)
        p = np.exp(z)
        total = p.sum(1, keepdims=True)
        value = float(np.mean(np.log(total[:, 0]) - (z * truth).sum(1))) + penalty / 2 * float((W * W).sum())
        z_bar = (p / total - truth) / n                                    # softmax and cross-entropy in one
        gradient = np.concatenate([(z_bar.T @ train + penalty * W).ravel(), z_bar.sum(0)])
        return value, gradient.astype(np.float64)

    found = minimize(loss, np.zeros(classes * (width + 1)), jac=True, method="L-BFGS-B",
                     options={"maxiter": iterations})
    W, b = _unpacked(found.x.astype(train.dtype), classes, width)
    return (test @ W.T + b).argmax(1)


def linear_svm(train, labels, test, classes=None, cost=1.0):
    """Classes of the rows of `test` by the machines of `svm_weights`: the one that is surest.

    Parameters
    ----------
    train : float array or sparse array (N, D)
    labels : int array (N,)
    test : float array or sparse array (n, D)
    classes : int, optional
        K; by default the largest label plus one.
    cost : float

    Returns
    -------
    int array (n,)

    Examples
    --------
    >>> linear_svm(np.array([[0.0], [1.0], [3.0], [4.0]]), np.array([0, 0, 1, 1]), np.array([[1.4], [2.6]]))
    array([0, 1])
    """
    W, b = svm_weights(train, labels, int(labels.max()) + 1 if classes is None else classes, cost)
    return (test @ W.T + b).argmax(1)


def svm_weights(train, labels, classes, cost=1.0, iterations=200):
    r"""Support vector machines, one for each class against the rest.

    $$ \min_{W, b}\; \tfrac12 \lVert W \rVert^2 + \tfrac12 \lVert b \rVert^2
       + C \sum_{n,k} \max\big(0,\, 1 - s_{nk} (W x_n + b)_k\big)^2, \qquad
       s_{nk} = \pm 1 \text{ as } k = y_n \text{ or not} $$

    Parameters
    ----------
    train : float array or sparse array (N, D)
    labels : int array (N,)
    classes : int
        K.
    cost : float
        C.
    iterations : int
        Of L-BFGS, at most; the problem is convex, so where it starts does not matter.

    Returns
    -------
    W : array (K, D)
    b : array (K,)

    References
    ----------
    Fan et al. (2008), LIBLINEAR: a library for large linear classification, eq. 1 with the squared hinge.

    Examples
    --------
    >>> W, b = svm_weights(np.array([[-1.0], [1.0]]), np.array([0, 1]), 2, cost=100.0)
    >>> W.round(1), b.round(1)
    (array([[-1.],
           [ 1.]]), array([0., 0.]))
    """
    sign = np.where(np.arange(classes) == labels[:, None], 1, -1).astype(train.dtype)      # s: (N, K)
    columns = train.T.tocsr() if hasattr(train, "tocsr") else train.T

    def loss(flat):
        W, b = _unpacked(flat.astype(train.dtype), classes, train.shape[1])
        short = np.maximum(1 - sign * (train @ W.T + b), 0)                                # (N, K)
        z_bar = -2 * cost * sign * short
        gradient = np.concatenate([(columns @ z_bar).T.ravel(), z_bar.sum(0)])
        return float((flat @ flat) / 2 + cost * (short * short).sum(dtype=float)), flat + gradient

    found = minimize(loss, np.zeros(classes * (train.shape[1] + 1)), jac=True, method="L-BFGS-B",
                     options={"maxiter": iterations})
    return _unpacked(found.x.astype(train.dtype), classes, train.shape[1])


def _unpacked(flat, classes, width):
    return flat[:classes * width].reshape(classes, width), flat[classes * width:]


def nearest_by_cosine(train, labels, test, block=512):
    """For each row of `test` the label of the row of `train` at the smallest angle; rows of length 1, sparse.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> nearest_by_cosine(csr_array([[0.6, 0.8], [1.0, 0.0]]), np.array([7, 8]), csr_array([[0.0, 1.0]]))
    array([7])
    """
    columns = train.T.tocsr()
    blocks = (test[start:start + block] for start in range(0, test.shape[0], block))
    return np.concatenate([labels[(rows @ columns).toarray().argmax(1)] for rows in blocks])
