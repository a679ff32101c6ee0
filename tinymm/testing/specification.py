"""A spec row: how to call an op, what it must equal, and which function of PyTorch it mirrors.

The rows are in `tinymm/testing/specs/`, one file per file of formulas. Tests,
benchmarks and the table of ops in the docs iterate over `SPECS`.
"""

from dataclasses import dataclass
from typing import Any, Callable

from ..autograd import registry

__all__ = ["SPECS", "Spec", "spec"]

SPECS = {}  # name of the op -> its rows


@dataclass(frozen=True)
class Spec:
    """One way of calling one op.

    Attributes
    ----------
    name : str
        Name in the registry of ops.
    calls : callable
        Returns a hypothesis strategy of `(args, kwargs)`; floating-point arrays among the args, float64, are
        the inputs that are differentiated.
    reference : callable
        The same value from elsewhere: SciPy, a NumPy loop, a closed form. Called with the same `(*args, **kwargs)`.
    torch : callable, optional
        `torch(torch_module, *args, **kwargs)`: PyTorch's function on torch tensors.
    function : callable, optional
        What is called, if not the op itself (a public function around it).
    second_order : bool
        Whether second derivatives exist where `calls` samples.
    complex_step : bool
        Whether the formula can be evaluated with complex numbers (see `check_complex_step`): False if it casts to real
        numbers, say.
    float32 : bool
        Whether float32 inputs give a float32 result: False only for casts.
    public : str, optional
        The public function that the row covers, where `function` is a wrapper that only arranges its arguments.
    op : callable, optional
        What had the name when the row was written; `spec` fills it in.
    """

    name: str
    calls: Callable[[], Any]
    reference: Callable
    torch: Callable | None = None
    function: Callable | None = None
    second_order: bool = True
    complex_step: bool = True
    float32: bool = True
    public: str | None = None
    op: Callable | None = None


def spec(name, calls, reference, torch=None, function=None, second_order=True, **options):
    """Add a row for the op `name`; see `Spec` for the arguments.

    Rows of an earlier op of that name are dropped: a notebook cell with an op and its row may be run again.
    """
    row = Spec(name, calls, reference, torch, function, second_order, op=registry.get(name), **options)
    SPECS[name] = [*(other for other in SPECS.get(name, []) if other.op is row.op), row]
    return row
