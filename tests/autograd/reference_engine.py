"""A naive engine to compare the tape with. It has no tape: derivatives go forward, along with the values.

Every Value keeps its whole Jacobian with respect to every Value it was computed from, itself included. A gradient is
then one sum of products; nothing is walked, accumulated in place, or released. Second derivatives are complex steps
of first ones, for which a Value is computed once more from a leaf that moved.
"""

import numpy as np

STEP = 1e-30


class Value:
    """An array and its Jacobians: Value -> array (elements of that Value, *shape of this one)."""

    def __init__(self, data, variable=False, recipe=None, jacobians=()):
        self.data = np.asarray(data)
        self.recipe = recipe  # (f, push, inputs): how it was computed
        self.jacobians = dict(jacobians)
        if variable or self.jacobians:
            self.jacobians[self] = np.eye(self.data.size).reshape(self.data.size, *self.data.shape)

    @property
    def requires_grad(self):
        return bool(self.jacobians)

    def tangent(self, variable, k):
        """The derivative with respect to element k of a variable."""
        return self.jacobians[variable][k] if variable in self.jacobians else np.zeros(self.data.shape)


def apply(f, push, *inputs):
    """f of Values; `push(inputs, tangents)` is its derivative along a direction."""
    data = [a.data for a in inputs]
    y = np.asarray(f(*data))
    variables = dict.fromkeys(v for a in inputs for v in a.jacobians)
    jacobians = {v: np.array([push(data, [a.tangent(v, k) for a in inputs]) for k in range(v.data.size)]
                             ).reshape(v.data.size, *y.shape) for v in variables}
    return Value(y, recipe=(f, push, inputs) if variables else None, jacobians=jacobians)


def gradient(outputs, cotangents, x):
    """Σ ⟨g, ∂y/∂x⟩ over the outputs y, or None if none of them depends on x."""
    parts = [(y.jacobians[x] * g).reshape(x.data.size, -1).sum(1)
             for y, g in zip(outputs, cotangents) if x in y.jacobians]
    return sum(parts).reshape(x.data.shape) if parts else None


def moved(value, copies):
    """The same Value computed from the copies of some of its leaves."""
    if value not in copies:
        f, push, inputs = value.recipe or (None, None, ())
        copies[value] = apply(f, push, *(moved(a, copies) for a in inputs)) if value.recipe else value
    return copies[value]


def second_derivative(y, g, z, w, leaf, direction):
    """The derivative of ⟨w, gradient of ⟨g, y⟩ with respect to z⟩ as the leaf moves along a direction."""
    copies = {leaf: Value(leaf.data + 1j * STEP * direction, variable=True)}
    found = gradient([moved(y, copies)], [g], moved(z, copies))
    return np.sum(found * w).imag / STEP
