r"""Checks whose cost does not grow with the number of inputs: for layers and whole models, all parameters at once."""

import numpy as np

from ..autograd import Tensor, grad
from .differences import Kink, derivatives_along
from .failure import Agreement, GradientError, KinkError, failure
from .gradcheck import pulled
from .subject import as_subject

__all__ = ["check_directional", "check_taylor"]

POINTS = 3  # a slope is fitted to so many remainders: the smallest ones, where the next term counts least


def check_directional(f, inputs, rng=None, directions=3, rtol=1e-6, atol=1e-8):
    r"""Compare $\langle u, J^\top v\rangle$ with $\langle J u, v\rangle$,
    for random signed directions u over all inputs together.

    Parameters
    ----------
    f : callable or Module
        Takes Tensors, returns a Tensor or a tuple of them. A Module's trainable parameters are inputs too; it is
        examined on a copy in float64, as it stands: in training or evaluation mode, with the same dropout each time.
    inputs : sequence
        Floating-point arrays are differentiated (in float64); the rest is passed as it is.
    rng : numpy.random.Generator, optional
        Draws u, of −1 and 1, and the normal v; default: seed 0.
    directions : int
        How many pairs.
    rtol, atol : float
        Relative to $\sum |u \odot J^\top v|$, the terms of the left side; absolute.

    Returns
    -------
    Agreement

    Raises
    ------
    GradientError
        With both numbers, and for which input the disagreement is largest.

    Notes
    -----
    $Ju$ is a central difference along u: five evaluations of f per pair, however many the inputs. Every element is
    moved, so a wrong one shows, but is not named; `gradcheck` names it.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> model = tm.nn.Sequential(tm.nn.Linear(100, 30, rng=rng), tm.nn.Tanh(), tm.nn.Linear(30, 5, rng=rng))
    >>> bool(tm.testing.check_directional(model, [rng.normal(size=(8, 100))]))
    True
    """
    subject = as_subject(f, inputs)
    rng = np.random.default_rng(0) if rng is None else rng
    y, leaves = subject.at()
    middle = y.data.reshape(-1)
    agreement = Agreement(0.0, 0)
    for _ in range(directions):
        u = [rng.choice((-1.0, 1.0), a.shape) for a in subject.arrays]
        v = rng.standard_normal(middle.size)
        backward = pulled(y, leaves, v.reshape(y.shape))
        terms = [float(np.vdot(a, d)) for a, d in zip(u, backward)]
        forward = float(v @ _along(subject, u, middle, "check_directional"))
        size = sum(float(np.abs(d).sum()) for d in backward)
        error = abs(sum(terms) - forward)
        if not error <= atol + rtol * max(size, abs(forward)):
            raise failure("check_directional", subject, f"⟨u, Jᵀv⟩ = {sum(terms):.15g}, ⟨Ju, v⟩ = {forward:.15g}"
                                                        + _guilty(subject, u, v, middle, terms))
        agreement &= Agreement(error / max(size, abs(forward), atol / rtol), 1)
    return agreement


def _along(subject, u, middle, check):
    """Ju by differences; a KinkError if f bends there."""
    def line(t):
        return subject.value([a + t * d for a, d in zip(subject.arrays, u)])

    size = max((float(np.abs(a).max(initial=0)) for a in subject.arrays), default=1.0) or 1.0
    J, kinks = derivatives_along([line], middle, [min(size, 1.0)])
    if kinks:
        kink = Kink("all inputs, along a random direction", (), *kinks[0][1])
        raise failure(check, subject, str(kink), KinkError)
    return J[:, 0]


def _guilty(subject, u, v, middle, terms):
    """The input for which the two sides differ most, each moved alone."""
    if len(subject.arrays) < 2:
        return ""
    alone = [[d if k == i else np.zeros_like(d) for k, d in enumerate(u)] for i in range(len(u))]
    parts = [float(v @ _along(subject, d, middle, "check_directional")) for d in alone]
    worst = int(np.argmax(np.abs(np.array(parts) - terms)))
    return f"; most of it from {subject.labels[worst]}: {terms[worst]:.15g} against {parts[worst]:.15g}"


def check_taylor(f, inputs, rng=None, hessian=True, longest=0.1):
    r"""Fit how fast the remainder of Taylor's formula vanishes:
    like $t^2$ without, like $t^3$ with the second-order term.

    $$R_1(t) = |\varphi(x + tu) - \varphi(x) - t\,\nabla\varphi \cdot u|,
      \qquad R_2(t) = |\dots - \tfrac{t^2}{2}\, u^\top H u|$$

    with $\varphi = \langle v, f\rangle$, v and u random. A wrong gradient leaves a term in t, and the slope in the
    log-log plot drops to 1; a wrong Hessian-vector product leaves one in $t^2$.

    Parameters
    ----------
    f, inputs, rng
        As for `check_directional`: a function or a whole model.
    hessian : bool
        Whether to check the second order too.
    longest : float
        The first step; each of the following is half as long.

    Returns
    -------
    Agreement
        Its `error` is by how much the worst slope falls short of 2 or 3.

    Raises
    ------
    GradientError
        With the slope and the remainders.

    Notes
    -----
    Remainders that may be rounding are left out. Where R falls from far above rounding to rounding at once, f is
    linear (quadratic) up to a kink that the longer steps cross, and no wrong term is there. Two right terms may cancel
    at some step, as in $t^3 - t^4 / t_0$, and the slope near it is small; in the direction -u they add up, so that one
    is tried before anything is called wrong. A wrong term shows in both directions. Steps may leave the domain of f,
    if shorter ones do not.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> bool(tm.testing.check_taylor(lambda x: np.sin(x) * x, [np.array([0.3, -2.0])]))
    True
    """
    subject = as_subject(f, inputs)
    rng = np.random.default_rng(0) if rng is None else rng
    y, leaves = subject.at()
    v = rng.standard_normal(y.shape)
    u = [rng.choice((-1.0, 1.0), a.shape) * max(float(np.sqrt(np.mean(a * a))), 1e-3) if a.size else a
         for a in subject.arrays]
    # the size of the terms of φ, and of what a relative error in the inputs changes in it: rounding is ε times this
    size = float(np.vdot(np.abs(v), np.abs(y.data)))
    size += sum(float(np.vdot(np.abs(d), np.abs(a))) for d, a in zip(pulled(y, leaves, v), subject.arrays))
    slope, curvature = _expansion(y, leaves, v, u, hessian)
    middle = float(np.vdot(v, y.data))
    steps = longest * 0.5 ** np.arange(24)

    def slopes(sign):
        with np.errstate(all="ignore"):  # of steps that leave the domain
            values = np.array([v.reshape(-1) @ subject.value([a + sign * t * d for a, d in zip(subject.arrays, u)])
                               for t in steps])
        noise = np.maximum(8 * np.finfo(float).eps * (size + np.abs(values - middle)), _scatter(steps, values))
        first = values - middle - sign * steps * slope
        agreement = _fitted(subject, steps, np.abs(first), noise, 2)
        if not hessian:
            return agreement
        second = first - steps ** 2 / 2 * curvature
        return agreement & _fitted(subject, steps, np.abs(second), noise, 3)

    try:
        return slopes(1)
    except GradientError:
        return slopes(-1)


def _scatter(steps, values, count=8):
    """How far the values of the smallest steps lie from a parabola: rounding inside f that its result does not show."""
    powers = (steps[-count:, None] / steps[-count]) ** np.arange(3)
    return 3 * float(np.abs(values[-count:] - powers @ np.linalg.lstsq(powers, values[-count:], rcond=None)[0]).max())


def _expansion(y, leaves, v, u, hessian):
    """∇φ·u, and uᵀHu by double backward (0 if not asked for)."""
    if not y.requires_grad:
        return 0.0, 0.0
    found = grad(y, leaves, v, create_graph=hessian, allow_unused=True)
    terms = [(d * w).sum() if hessian else Tensor((d.data * w).sum()) for d, w in zip(found, u) if d is not None]
    total = sum(terms, Tensor(np.zeros(())))
    if not hessian or not total.requires_grad:
        return total.item(), 0.0
    second = grad(total, leaves, allow_unused=True)
    return total.item(), sum(float(np.vdot(d.data, w)) for d, w in zip(second, u) if d is not None)


def _fitted(subject, steps, remainder, noise, order):
    """The slope of log R over log t, where R is well above rounding."""
    usable = np.flatnonzero(~(remainder <= 30 * noise))[-POINTS:]
    if usable.size < 2 or remainder[usable[-1]] > 1e5 * noise[usable[-1]] and usable[-1] + 1 < len(steps):
        return Agreement(0.0, 1)
    rule = f"the remainder of order {order - 1} must vanish like t^{order}"
    # where the next term still counts, the smallest two steps are nearer to the limit than the smallest three
    slope = max(float(np.polyfit(np.log(steps[k]), np.log(remainder[k]), 1)[0]) for k in (usable, usable[-2:]))
    if not slope > order - 0.3:
        raise failure("check_taylor", subject,
                      f"{rule}; the slope is {slope:.3f}: {_listed(steps[usable], remainder[usable])}")
    return Agreement(max(order - slope, 0.0), len(usable))


def _listed(steps, remainder):
    return ", ".join(f"R({t:.2g}) = {r:.3g}" for t, r in zip(steps, remainder))
