"""Does the tape's gradient agree with another derivative?

First and second order, by differences and by complex steps.
"""

import numpy as np

from ..autograd import grad
from .complexstep import complex_jacobians
from .differences import difference_jacobians
from .failure import Agreement, KinkError, element, failure
from .subject import GradientSubject, as_subject

__all__ = ["check_complex_step", "gradcheck", "gradgradcheck"]


def gradcheck(f, inputs, rng=None, rtol=1e-6, atol=1e-8, jacobian=False):
    r"""Compare the gradient of $\langle g, f(x)\rangle$, g random, with central differences in float64.

    Parameters
    ----------
    f : callable or Module
        Takes Tensors, returns a Tensor, or a tuple of Tensors. The parameters of a Module are examined too.
    inputs : sequence
        Floating-point arrays, and those in lists, are differentiated (in float64); the rest is passed as it is.
    rng : numpy.random.Generator, optional
        Draws the cotangent; default: seed 0.
    rtol, atol : float
        Relative to the largest reference element; absolute.
    jacobian : bool
        Compare the whole Jacobian, one cotangent for each element of the result, in place of one random cotangent.
        A random one misses a wrong element with probability 0; the Jacobian costs more, but names the element of the
        result.

    Returns
    -------
    Agreement
        True in an `if`; its `error` is the worst relative disagreement.

    Raises
    ------
    GradientError
        Naming input, element, both values, and lines that repeat the check; `KinkError` where there is no derivative.

    Notes
    -----
    The step follows the scale of each element, with Richardson's extrapolation of two steps, which leaves an error of
    order $h^4$: about 1e-11 for functions of moderate curvature.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> bool(tm.testing.gradcheck(lambda x: np.sin(x) * x, [np.array([0.3, -2.0])]))
    True
    """
    return _by_differences("gradcheck", as_subject(f, inputs), rng, rtol, atol, jacobian)


def gradgradcheck(f, inputs, rng=None, rtol=1e-6, atol=1e-7):
    r"""`gradcheck` of the gradient itself: second derivatives, through `create_graph`.

    The recorded gradient $\langle w, \bar x(g, x)\rangle$, with random w, is differentiated with respect to x and to
    the cotangent g, and compared with central differences of the gradient that a plain `backward` computes.

    Parameters
    ----------
    f, inputs, rng, rtol, atol
        As for `gradcheck`.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> bool(tm.testing.gradgradcheck(lambda x: np.sin(x) * x, [np.array([0.3, -2.0])]))
    True
    """
    rng = np.random.default_rng(0) if rng is None else rng
    return _by_differences("gradgradcheck", GradientSubject(as_subject(f, inputs), rng), rng, rtol, atol)


def check_complex_step(f, inputs, rng=None, rtol=1e-10, atol=1e-12, order=1):
    r"""Compare the gradient with complex steps:
    $\partial f / \partial x = \operatorname{Im} f(x + ih) / h$, exact to rounding.

    Parameters
    ----------
    f, inputs, rng, rtol, atol
        As for `gradcheck`. f must be a formula that NumPy can evaluate with complex numbers.
    order : int
        1, or 2 for second derivatives: then the VJP itself is evaluated with complex numbers.

    Raises
    ------
    GradientError
        If they disagree. Either the gradient is wrong, or the formula is not analytic: see Notes.

    Notes
    -----
    Nearby values are not subtracted, so no digits are lost, and h may be 1e-30. The price is that
    every function in the formula must be analytic. $|x|$ of a complex number is its modulus, which makes
    the derivative silently wrong, and scipy.special.expit raises an error. So f is given arrays of a class for which
    |z| is z times the sign of its real part, comparisons look at the real part, and expit is $1/(1 + e^{-z})$.
    A function that casts to float or calls `math` remains out of reach.

    References
    ----------
    Squire, Trapp, "Using complex variables to estimate derivatives of real functions", 1998.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> tm.testing.check_complex_step(tm.functional.tanh, [np.array([0.3, -2.0])]).error < 1e-14
    True
    """
    subject = as_subject(f, inputs)
    rng = np.random.default_rng(0) if rng is None else rng
    subject = GradientSubject(subject, rng) if order == 2 else subject
    evaluated = subject.at()
    return _compared("check_complex_step", subject, evaluated, complex_jacobians(subject), "complex step",
                    rng, rtol, atol)


def _by_differences(check, subject, rng, rtol, atol, jacobian=False):
    evaluated = subject.at()  # first, so that a result without gradients is refused
    references, kinks = difference_jacobians(subject)
    if kinks:
        raise failure(check, subject, "; ".join(map(str, kinks)), KinkError)
    return _compared(check, subject, evaluated, references, "central differences", rng, rtol, atol, jacobian)


def _compared(check, subject, evaluated, references, method, rng, rtol, atol, jacobian=False):
    """Analytic gradients against reference Jacobians, for one random cotangent or for each unit cotangent."""
    rng = np.random.default_rng(0) if rng is None else rng
    y, leaves = evaluated
    cotangents = np.eye(y.size) if jacobian else [rng.standard_normal(y.size)]
    agreement = Agreement(0.0, 0)
    for g in cotangents:
        found = pulled(y, leaves, g.reshape(y.shape))
        for i, (analytic, J) in enumerate(zip(found, references, strict=True)):
            reference = (g @ J).reshape(subject.arrays[i].shape)
            agreement &= agrees(check, subject, i, analytic, reference, method, rtol, atol,
                                lambda at, i=i: _culprit(y, leaves, i, at, references[i], g))
    return agreement


def pulled(y, leaves, g):
    """The gradients of the leaves, zeros where there is no path; the graph is kept."""
    if not y.requires_grad:
        return [np.zeros(t.shape) for t in leaves]
    found = grad(y, leaves, g, retain_graph=True, allow_unused=True)
    return [np.zeros(t.shape) if d is None else d.data for t, d in zip(leaves, found)]


def agrees(check, subject, i, analytic, reference, method, rtol, atol, which=lambda at: ""):
    """The agreement of one gradient (i None: of the result) with its reference,
    or a GradientError that names the worst element."""
    label = "the result" if i is None else subject.labels[i]
    source = "reference" if i is None else "input"
    if analytic.shape != reference.shape:
        raise failure(check, subject, f"{label}: shape {analytic.shape}, the {source} has {reference.shape}")
    if not reference.size:
        return Agreement(0.0, 0)
    with np.errstate(invalid="ignore"):
        error = np.where(analytic == reference, 0, np.abs(analytic - reference))  # infinities of one sign agree
    # finite elements only: relative to an infinite one, every error would be small
    largest = float(np.abs(reference[np.isfinite(reference)]).max(initial=0))
    if not (error <= atol + rtol * largest).all():
        at = element(np.unravel_index(np.argmax(np.where(np.isnan(error), np.inf, error)), error.shape))
        raise failure(check, subject, f"{label}, element {at}: analytic {analytic[at]:.15g}, "
                                      f"{method} {reference[at]:.15g}{which(at)}")
    return Agreement(float(error.max()) / max(largest, atol / rtol), reference.size)


def _culprit(y, leaves, i, at, J, g):
    """Which element of the result contributes most to a wrong element of a gradient."""
    if y.size < 2 or y.size > 1000:
        return ""
    flat = np.ravel_multi_index(at, leaves[i].shape) if at else 0
    parts = np.array([pulled(y, leaves, unit.reshape(y.shape))[i].reshape(-1)[flat] for unit in np.eye(y.size)])
    worst = int(np.argmax(np.abs((parts - J[:, flat]) * g)))
    return (f"; most of it from element {element(np.unravel_index(worst, y.shape))} of the result: "
            f"analytic {parts[worst]:.15g}, reference {J[worst, flat]:.15g}")
