"""What every VJP must be besides right: linear, deterministic, and careful with memory that is not its own.

Numbers alone do not show these faults. A VJP that returns a saved array passes every comparison, until somebody adds to
that gradient.
"""

import gc
import warnings
from itertools import combinations

import numpy as np

from ..autograd import Tensor, grad, identity
from ..autograd.tape import Node
from .failure import Agreement, failure
from .gradcheck import pulled
from .subject import as_subject

__all__ = ["check_structure"]

ROUNDING = 1e-11  # sums in another order, relative to the largest term


def check_structure(f, inputs, rng=None):
    r"""Check what a gradient must be like, whatever its values.

    - linear in the cotangent, $\bar x(a g + b h) = a\,\bar x(g) + b\,\bar x(h)$;
      exactly zero for a zero cotangent;
    - inputs, constants, cotangent and result are left unchanged, and a retained graph gives the same gradient again;
    - no gradient shares memory with another, a saved array or an input where adding to it would corrupt those;
    - every subset of the inputs that asks for gradients gets the same bits;
    - the same Tensor passed twice gets the sum of both gradients;
    - a second run gives the same bits;
    - nothing is left for the garbage collector: no reference cycles.

    Parameters
    ----------
    f, inputs, rng
        As for `gradcheck`.

    Returns
    -------
    Agreement
        Its `error` is the worst departure from linearity.

    Raises
    ------
    GradientError
        Naming the property and the input.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> bool(tm.testing.check_structure(tm.functional.multiply, [np.array([1.0, 2.0]), np.array([3.0, 4.0])]))
    True
    """
    subject = as_subject(f, inputs)
    rng = np.random.default_rng(0) if rng is None else rng
    y, _ = subject.at()
    g = rng.standard_normal(y.shape)
    agreement = Agreement(0.0, 0)
    for rule in (_linear_in_the_cotangent, _nothing_is_changed, _no_memory_is_shared, _subsets_agree,
                 _same_tensor_twice, _repeats_exactly, _nothing_is_left):
        agreement &= rule(subject, g, rng) or Agreement(0.0, 1)
    return agreement


def _broken(subject, sentence):
    return failure("check_structure", subject, sentence)


def _linear_in_the_cotangent(subject, g, rng):
    """The VJP of a sum is the sum of VJPs; of zero, exactly zero."""
    y, leaves = subject.at()
    h = rng.standard_normal(y.shape)
    alpha, beta = rng.uniform(0.5, 2, 2)
    of_g = pulled(y, leaves, g)
    of_h = pulled(y, leaves, h)
    of_both = pulled(y, leaves, alpha * g + beta * h)
    of_zero = pulled(y, leaves, np.zeros(y.shape))
    worst = 0.0
    for label, a, b, both, zero in zip(subject.labels, of_g, of_h, of_both, of_zero):
        if zero.any() or np.isnan(zero).any():
            raise _broken(subject, f"{label}: a zero cotangent gives a gradient that is not zero: {zero.ravel()[:4]}")
        # where every true gradient is 0, as of a softmax of one score, what is left is rounding of the cotangent
        scale = float(np.abs(a).max(initial=0) + np.abs(b).max(initial=0)
                      + 1e-3 * (np.abs(g) + np.abs(h)).max(initial=0)) or 1.0
        error = float(np.abs(alpha * a + beta * b - both).max(initial=0)) / scale
        if not error <= ROUNDING:
            raise _broken(subject, f"{label}: the VJP is not linear in its cotangent: "
                                  f"x̄(αg + βh) and αx̄(g) + βx̄(h) differ by {error:.3g} of their size")
        worst = max(worst, error)
    return Agreement(worst, 2 * len(leaves))


def _nothing_is_changed(subject, g, rng):
    """Inputs, constants, cotangent and result are the same before and after a walk, and a second walk of a retained
    graph gives the same gradients."""
    watched = {label: a for label, a in zip(subject.labels, subject.arrays)}
    watched |= {f"constant {i}": a for i, a in enumerate([*subject.args, *subject.kwargs.values()])
                if isinstance(a, np.ndarray)}
    before = {label: a.copy() for label, a in watched.items()}
    cotangent = g.copy()
    y, leaves = subject.at()
    watched |= {"the result": y.data, "the cotangent": cotangent}
    before |= {"the result": y.data.copy(), "the cotangent": g}
    first = pulled(y, leaves, cotangent)
    second = pulled(y, leaves, cotangent)
    for label, a in watched.items():
        if not _same(a, before[label]):
            raise _broken(subject, f"{label} is changed by the forward or the backward pass")
    for label, a, b in zip(subject.labels, first, second):
        if not _same(a, b):
            raise _broken(subject, f"{label}: a second walk of the retained graph gives another gradient")


def _no_memory_is_shared(subject, g, rng):
    """Neither between what single VJPs return, nor visibly in the sum of two gradients."""
    y, leaves = subject.at()
    if not y.requires_grad:
        return
    for node in _nodes_below(y):
        _raw_gradients_stand_alone(subject, node, rng)
    once = pulled(y, leaves, g)
    entrances = [identity(t) for t in leaves[:len(subject.places)]]  # each gathers two gradients, in place where it may
    twice = subject.run([*entrances, *leaves[len(entrances):]]) + subject.run([*entrances, *leaves[len(entrances):]])
    for walk in ("adding two gradients up", "adding two gradients up a second time"):
        for label, a, b in zip(subject.labels, pulled(twice, leaves, g), once):
            if not np.allclose(a, 2 * b, rtol=1e-12, atol=1e-12 * np.abs(b).max(initial=0), equal_nan=True):
                raise _broken(subject, f"{label}: {walk} does not give twice one of them: memory is shared")


def _nodes_below(y):
    """The nodes of ops in the graph of y."""
    stack = [y._node]
    seen = set()
    while stack:
        node = stack.pop()
        if node is None or node in seen or node.op is None:
            continue
        seen.add(node)
        stack += node.parents
        if node.port is None:
            yield node


def _raw_gradients_stand_alone(subject, node, rng):
    """Among what one VJP returns, arrays that the tape may add to in place share memory with no other array."""
    several = isinstance(node.shape, list)
    g = [rng.standard_normal(shape).astype(dtype) if np.dtype(dtype).kind == "f" else np.zeros(shape, dtype)
         for shape, dtype in (node.shape if several else [(node.shape, node.dtype)])]
    grads = node.op.pull(g if several else g[0], *node.saved)
    grads = grads if isinstance(grads, tuple) else (grads,)
    grads = [d() if callable(d) else d for d, parent in zip(grads, node.parents) if parent is not None]
    saved = [a for s in (*node.saved, *subject.arrays) for a in (s if isinstance(s, (list, tuple)) else [s])
             if isinstance(a, np.ndarray)]
    for k, d in enumerate(grads):
        if not isinstance(d, np.ndarray) or d.base is not None or any(d is c for c in g):
            continue
        others = [e for e in grads[:k] if isinstance(e, np.ndarray)]
        for what, group in (("a saved array or an input", saved), ("another gradient", others)):
            if any(np.may_share_memory(d, a) for a in group):
                raise _broken(subject, f"gradient {k} that the VJP of {node.op.name} returns is {what} itself, "
                                      "not a new array: adding to one would change the other")


def _subsets_agree(subject, g, rng):
    """A gradient does not depend on which other inputs ask for one."""
    n = len(subject.arrays)
    full = _gradients_of(subject, g, range(n))
    sizes = range(1, n) if n <= 4 else (1, n - 1)
    for chosen in (subset for size in sizes for subset in combinations(range(n), size)):
        for i, d in _gradients_of(subject, g, chosen).items():
            if not _same(d, full[i]):
                others = ", ".join(subject.labels[k] for k in chosen)
                raise _broken(subject, f"{subject.labels[i]}: the gradient differs when only {others} ask for one")


def _gradients_of(subject, g, chosen):
    """Input number -> gradient, with only the chosen inputs on the tape."""
    tensors = [Tensor(a) for a in subject.arrays]
    leaves = {i: tensors[i].requires_grad_() for i in chosen}
    y = subject.run(tensors)
    return dict(zip(leaves, pulled(y, list(leaves.values()), g)))


def _same_tensor_twice(subject, g, rng):
    """f(x, x): one leaf in two places gets the sum of what two leaves of equal value get."""
    arrays = subject.arrays[:len(subject.places)]
    for i, j in combinations(range(len(arrays)), 2):
        if arrays[i].shape != arrays[j].shape:
            continue
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            equal = [arrays[i].copy() if k == j else a for k, a in enumerate(subject.arrays)]
            try:
                apart, leaves = subject.at(equal)
            except (ValueError, ArithmeticError):
                continue  # the function does not take such a pair
            separate = pulled(apart, leaves, g)
            shared = [Tensor(a).requires_grad_() for a in equal]
            shared[j] = shared[i]
            together, = pulled(subject.run(shared), [shared[i]], g)
            expected = separate[i] + separate[j]
        scale = np.abs(separate[i]).max(initial=0) + np.abs(separate[j]).max(initial=0)
        if np.isfinite(expected).all() and not np.allclose(together, expected, rtol=0, atol=ROUNDING * scale):
            raise _broken(subject, f"{subject.labels[i]} and {subject.labels[j]}: the same Tensor in both places "
                                  "does not get the sum of both gradients")


def _repeats_exactly(subject, g, rng):
    """The same bits every time."""
    y, leaves = subject.at()
    again, leaves_again = subject.at()
    if not _same(y.data, again.data):
        raise _broken(subject, "a second run gives another result")
    for label, a, b in zip(subject.labels, pulled(y, leaves, g), pulled(again, leaves_again, g)):
        if not _same(a, b):
            raise _broken(subject, f"{label}: a second run gives another gradient")


def _nothing_is_left(subject, g, rng):
    """When the last name is gone, so is the graph: reference counting alone frees everything."""
    running = gc.isenabled()
    gc.disable()
    gc.freeze()  # what exists already is not looked at
    try:
        y, leaves = subject.at()
        if y.requires_grad:
            grad(y, leaves, g, allow_unused=True)
        del y, leaves
        left = [type(o).__name__ for o in gc.get_objects() if isinstance(o, (Node, Tensor))]
        found = gc.collect()
    finally:
        gc.unfreeze()
        if running:
            gc.enable()
    if left or found:
        raise _broken(subject, f"after a backward pass {found} objects are left to the garbage collector"
                              f"{' among them ' + ', '.join(sorted(set(left))) if left else ''}: "
                              "there is a reference cycle")


def _same(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)
