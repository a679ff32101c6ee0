r"""Derivatives from function values alone: central differences, and the search for kinks.

The step is $h = \frac14 \epsilon^{1/5} s$; the scale s of an element is its size, but no less than 1/32 of its array's.
Two steps, h and 2h, give Richardson's extrapolation $(4 d(h) - d(2h)) / 3$, whose error is of order $h^4$; and the jump
between the slopes on the two sides, extrapolated to $h \to 0$. Where h is too long for the curvature, or reaches beyond
a kink nearby, it is divided by eight.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .subject import as_subject

__all__ = ["Kink", "derivatives_along", "difference_jacobians", "find_kinks"]

STEP = 0.25 * np.finfo(np.float64).eps ** 0.2
CUTS = 8  # steps tried: h, h/8, h/64, ...
FAINT = 1e-9  # a jump up to this size counts as none, whatever the slopes: gradients are compared no closer
SMOOTH = 1e-6  # so does a jump between left and right slope up to this size relative to the slopes


@dataclass(frozen=True)
class Kink:
    """A point without a derivative: moving `element` of input `label` bends `output`, from slope `left` to `right`."""

    label: str
    element: tuple
    output: int
    left: float
    right: float

    def __str__(self):
        return (f"{self.label}, element {self.element}: the function has a kink here: "
                f"slope {self.left:.6g} from the left, {self.right:.6g} from the right "
                f"(element {self.output} of the result)")


def find_kinks(f, inputs, kwargs=None):
    """The points among the inputs where one-sided derivatives disagree.

    Parameters
    ----------
    f : callable
        Takes Tensors, returns a Tensor.
    inputs : sequence
        Its arguments; the elements of floating-point arrays are examined.
    kwargs : mapping, optional
        Further arguments of f, constant.

    Returns
    -------
    list of Kink

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> kink, = tm.testing.find_kinks(tm.functional.relu, [np.array([1.0, 0.0, -2.0])])
    >>> print(kink)
    input 0 'x', element (1,): the function has a kink here: slope 0 from the left,
    1 from the right (element 1 of the result)
    """
    return difference_jacobians(as_subject(f, inputs, kwargs))[1]


def difference_jacobians(subject):
    """Per input the Jacobian (outputs, elements) by differences, and the kinks met on the way."""
    middle = subject.value(subject.arrays)
    jacobians = []
    kinks = []
    for i, a in enumerate(subject.arrays):
        usual = float(np.sqrt(np.mean(a * a))) if a.size else 1.0
        lines = [_moving(subject, i, index) for index in np.ndindex(a.shape)]
        scales = [max(abs(v), usual / 32) or 1.0 for v in a.ravel().tolist()]
        columns, found = derivatives_along(lines, middle, scales)
        jacobians.append(columns)
        for j, bend in found:
            kinks.append(Kink(subject.labels[i], tuple(map(int, np.unravel_index(j, a.shape))), *bend))
    return jacobians, kinks


def _moving(subject, i, index):
    """The value as a function of a step of one element."""
    def line(t):
        moved = subject.arrays[i].copy()
        moved[index] += t
        return subject.value([moved if k == i else b for k, b in enumerate(subject.arrays)])
    return line


def derivatives_along(lines, middle, scales):
    r"""$F_j'(0)$ of several vector functions of a number, as columns, and the kinks: (j, (output, left, right)).

    Parameters
    ----------
    lines : sequence of callable
        Each $F_j$, from a float to a flat array.
    middle : ndarray
        Their common value at 0.
    scales : sequence of float
        The step along each is proportional to it.
    """
    columns = np.zeros((middle.size, len(lines)))
    kinks = []
    if not middle.size:
        return columns, kinks
    todo = np.arange(len(lines))
    least = np.full(len(lines), np.inf)  # the smallest bend of each line so far
    for cut in range(CUTS):
        if not todo.size:
            break
        scale = np.array([scales[j] for j in todo])[:, None]
        found = _measured([lines[j] for j in todo], middle, scale, cut)
        worst = found.bend.argmax(1)
        bend = np.take_along_axis(found.bend, worst[:, None], 1)[:, 0]
        better = bend <= least[todo]
        columns[:, todo[better]] = found.slope[better].T
        least[todo[better]] = bend[better]
        rough = ~(bend <= found.allowed)
        kinks = [(int(todo[r]), (int(w), float(found.left[r, w]), float(found.right[r, w])))
                 for r, w in enumerate(worst) if rough[r] and abs(found.jump[r, w]) > found.allowed[r]]
        todo = todo[rough]
    return columns, kinks


class _Measured(NamedTuple):
    """What four steps along each line show, (lines, outputs)."""

    slope: np.ndarray  # extrapolated to step 0
    left: np.ndarray  # the slope on either side
    right: np.ndarray
    jump: np.ndarray  # between them, extrapolated to step 0
    bend: np.ndarray  # jump and curvature together
    allowed: np.ndarray  # the bend of a smooth function, (lines,)


@np.errstate(all="ignore")
def _measured(lines, middle, scale, cut):
    h = 2.0 ** np.rint(np.log2(STEP * scale / 8 ** cut))

    def after(steps):
        return np.array([line(float(steps * t)) for line, t in zip(lines, h[:, 0])])

    up = after(1)
    down = after(-1)
    far_up = after(2)
    far_down = after(-2)
    right = (up - middle) / h
    left = (middle - down) / h
    slope = (up - down) / (2 * h)
    wide = (far_up - far_down) / (4 * h)
    # one-sided slopes differ by h F″ and, at a kink, by its jump: 2·gap(h) − gap(2h) leaves the jump
    jump = 2 * (right - left) - (far_up + far_down - 2 * middle) / (2 * h)
    bend = np.abs(jump) + np.abs(slope - wide) / 100
    size = np.abs(middle).max()
    steepest = np.maximum(np.abs(slope).max(1), size / scale[:, 0])
    allowed = SMOOTH * steepest + FAINT + 32 * np.finfo(float).eps * size / h[:, 0]
    return _Measured(slope=(4 * slope - wide) / 3, left=left, right=right, jump=jump,
                     bend=np.where(np.isnan(bend), np.inf, bend), allowed=allowed)
