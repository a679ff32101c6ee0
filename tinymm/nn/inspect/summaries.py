"""A table of a Module's layers: shapes, parameters and what their matrix products cost."""

from dataclasses import dataclass
from functools import wraps

import numpy as np

from ...autograd import no_grad, tensor, watched
from .flops import FlopCounter
from .observing import replaced_forward

__all__ = ["Summary", "summary"]

GAP = "  "  # between the columns of the table


@dataclass
class _Row:
    """One layer: its own parameters, its own cost, and the shape of its last output."""

    name: str
    kind: str
    parameters: int
    shape: str = "not called"
    flops: int = 0


class Summary:
    """What `summary` returns; it prints as a table.

    Attributes
    ----------
    rows : list
        One entry per layer, with `name`, `kind`, `parameters`, `shape` (of its last output) and `flops`, those of the
        products that it computes itself and not by a layer below.
    parameters, flops : int
        Of the whole Module.
    """

    def __init__(self, rows):
        self.rows = rows
        self.parameters = sum(row.parameters for row in rows)
        self.flops = sum(row.flops for row in rows)

    def __repr__(self):
        head = ("layer", "output", "parameters", "FLOPs")
        body = [(_indented(row), row.shape, f"{row.parameters:,}", f"{row.flops:,}") for row in self.rows]
        total = ("total", "", f"{self.parameters:,}", f"{self.flops:,}")
        widths = [max(map(len, column)) for column in zip(head, *body, total)]
        rule = "-" * (sum(widths) + 3 * len(GAP))
        lines = [_aligned(cells, widths) for cells in (head, *body, total)]
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def summary(module, *inputs):
    """Run a Module once on example inputs and tabulate its layers.

    FLOPs are counted where the products are computed, op by op: 2 for each product of two numbers. `inspect/flops.py`
    says which ops have how many, and what is left out.

    Parameters
    ----------
    module : Module
        Run in evaluation mode, without a tape; afterwards each layer is in the mode it was in.
    *inputs
        What `module` is called with.

    Returns
    -------
    Summary

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> model = tm.nn.Sequential(tm.nn.Linear(4, 8, rng=rng), tm.nn.ReLU(), tm.nn.Linear(8, 2, rng=rng))
    >>> tm.nn.summary(model, np.ones((16, 4), np.float32))
    layer       output   parameters  FLOPs
    --------------------------------------
    Sequential  (16, 2)           0      0
      0 Linear  (16, 8)          40  1,024
      1 ReLU    (16, 8)           0      0
      2 Linear  (16, 2)          18    512
    --------------------------------------
    total                        58  1,536
    """
    sizes = {}                                                  # of each layer's own parameters, by its name
    for name, parameter in module.named_parameters():
        layer = name.rpartition(".")[0]
        sizes[layer] = sizes.get(layer, 0) + parameter.size
    rows = {name: _Row(name, type(layer).__name__, sizes.get(name, 0)) for name, layer in module.named_modules()}
    running = []                                                # the rows of the layers that are being called

    def wrap(name, layer, forward):
        @wraps(forward)
        def counted(*inputs, **kwargs):
            running.append(rows[name])
            try:
                output = forward(*inputs, **kwargs)
            finally:
                running.pop()
            rows[name].shape = _shape(output)
            return output
        return counted

    def add(flops):
        running[-1].flops += flops

    modes = [(layer, layer.training) for layer in module.modules()]
    try:
        with no_grad(), watched(FlopCounter(add)), replaced_forward(module.eval().named_modules(), wrap):
            module(*map(_as_tensors, inputs))
    finally:
        for layer, mode in modes:
            layer.training = mode
    return Summary(list(rows.values()))


def _as_tensors(x):
    """Floating arrays as Tensors, in tuples too, so that what is computed with them is seen; all else as it is."""
    if isinstance(x, tuple):
        return type(x)(map(_as_tensors, x)) if type(x) is tuple else type(x)(*map(_as_tensors, x))
    return tensor(x) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


def _shape(output):
    """Of the first array in what a layer returned."""
    while isinstance(output, (tuple, list)):
        output = output[0]
    return str(getattr(output, "shape", type(output).__name__))


def _aligned(cells, widths):
    """One line of the table: name and shape to the left, the two numbers to the right."""
    name, shape, parameters, flops = cells
    aligned = [name.ljust(widths[0]), shape.ljust(widths[1]), parameters.rjust(widths[2]), flops.rjust(widths[3])]
    return GAP.join(aligned).rstrip()


def _indented(row):
    """The last part of the name and the type, two spaces deeper per level."""
    if not row.name:
        return row.kind
    return "  " * (row.name.count(".") + 1) + f"{row.name.rpartition('.')[2]} {row.kind}"
