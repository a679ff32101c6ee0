"""Numbers of axes, checked and counted from 0. The errors name the axis; the engine puts the op's name in front."""

import numpy as np

__all__ = ["axis_of", "reduced"]


def axis_of(axis, ndim):
    """The axis, counted from 0."""
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return axis % ndim


def reduced(axis, ndim):
    """The axes that a reduction goes over. As in PyTorch, a 0-d array accepts axis 0 or -1 and reduces over nothing."""
    if axis is None:
        return range(ndim)
    named = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = {axis_of(k, ndim or 1) for k in named}
    if len(axes) < len(named):
        raise np.exceptions.AxisError(f"an axis is named twice; got {axis}")
    return axes if ndim else ()
