"""Axes by number, counted from 0 and checked.
The errors say which axis; the engine puts the name of the op in front."""

import numpy as np

__all__ = ["axis_of", "reduced"]


def axis_of(axis, ndim):
    """The axis, counted from 0."""
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return axis % ndim


def reduced(axis, ndim):
    """The axes that a reduction goes over.
    A number has one for the asking, 0 or -1, as in PyTorch; there is nothing in it."""
    if axis is None:
        return range(ndim)
    named = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = {axis_of(k, ndim or 1) for k in named}
    if len(axes) < len(named):
        raise np.exceptions.AxisError(f"an axis is named twice; got {axis}")
    return axes if ndim else ()
