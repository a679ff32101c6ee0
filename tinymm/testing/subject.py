"""What a check examines: a function, and the floating-point arrays it is differentiated by.

A `Subject` is made of any function of Tensors and its arguments; a `ModuleSubject` of a Module, whose parameters count
as inputs too; a `GradientSubject` is the gradient of another subject, so that second derivatives need no second check.
"""

import copy
import inspect
import sys

import numpy as np

from ..autograd import Tensor, grad, registry

__all__ = ["GradientSubject", "ModuleSubject", "Subject", "as_subject"]


def as_subject(f, inputs, kwargs=None, dtype=np.float64):
    """The subject of a check called with `(f, inputs)`."""
    if isinstance(f, Subject):
        return f
    return (ModuleSubject if hasattr(f, "named_parameters") else Subject)(f, inputs, kwargs, dtype)


class Subject:
    """A function of the floating-point arrays among its arguments; the other arguments are constants.

    Attributes
    ----------
    arrays : list of ndarray
        The point: floating-point arguments, and those inside lists, in `dtype`.
    labels : list of str
        What messages call them.
    name : str
    """

    def __init__(self, f, args, kwargs=None, dtype=np.float64, name=None):
        self.f = f
        self.kwargs = dict(kwargs or {})
        self.args = [np.asarray(a) if isinstance(a, np.floating) else a for a in args]
        self.name = name or _name_of(f)
        self.places = [(i, k) for i, arg in enumerate(self.args) for k, a in _enumerate_arrays(arg) if _is_float(a)]
        self.arrays = [np.asarray(self.args[i] if k is None else self.args[i][k], dtype) for i, k in self.places]
        names = _parameter_names(f, len(self.args))
        self.labels = [names[i] if k is None else f"{k} of {names[i]}" for i, k in self.places]

    def cast(self, dtype, arrays=None):
        """The same function at the same point in another precision, or at other arrays of that precision."""
        other = copy.copy(self)
        other.arrays = [a.astype(dtype) for a in self.arrays] if arrays is None else arrays
        return other

    def arguments(self, values):
        """The arguments, with `values` in the places of the arrays."""
        args = list(self.args)
        for i in {i for i, k in self.places if k is not None}:
            args[i] = list(args[i])
        for (i, k), value in zip(self.places, values):
            if k is None:
                args[i] = value
            else:
                args[i][k] = value
        return args

    def run(self, values):
        """The result for these values; of several results, the floating-point ones flattened and joined."""
        y = self.f(*self.arguments(values), **self.kwargs)
        if not isinstance(y, (tuple, list)):
            return y
        parts = [part.reshape(-1) for part in y if part.dtype.kind in "fc"]
        return parts[0] if len(parts) == 1 else registry["concatenate"](parts)

    def at(self, arrays=None):
        """(result, leaves) on the tape, for these arrays or the subject's own."""
        leaves = [Tensor(a).requires_grad_() for a in (self.arrays if arrays is None else arrays)]
        y = self.run(leaves)
        if not isinstance(y, Tensor) or y.dtype.kind not in "fc":
            raise TypeError(f"{self.name}: the result of a differentiable function is a Tensor of "
                            f"floating-point numbers; got {y.dtype if isinstance(y, Tensor) else type(y).__name__}")
        return y, leaves

    def value(self, arrays):
        """The result as a flat array, without a tape."""
        y = self.run([Tensor(a) for a in arrays])
        return np.asarray(y.data if isinstance(y, Tensor) else y).reshape(-1)

    def complex_value(self, arrays):
        """The result as a flat array, for complex arrays:
        as plain NumPy where the function allows it, else through Tensors."""
        try:
            return np.asarray(self.run(arrays)).reshape(-1)
        except AttributeError:
            return self.value(arrays)

    def spelled(self, source):
        """Names of the arguments and the lines of Python that make them and f, for a message."""
        names = []
        lines = []
        for i, arg in enumerate(self.args):
            arrays = [a for (j, _), a in zip(self.places, self.arrays) if j == i]
            if isinstance(arg, np.ndarray):
                names.append(f"x{i}")
                lines.append(f"x{i} = {source(arrays[0] if arrays else arg)}")
            elif arrays:
                names.append(f"x{i}")
                lines.append(f"x{i} = [{', '.join(map(source, arrays))}]")
            else:
                names.append(_constant_source(arg))
        options = "".join(f", {k}={source(v) if isinstance(v, np.ndarray) else _constant_source(v)}"
                          for k, v in self.kwargs.items())
        text, note = _source_of(self.f)
        lines.append(f"f = lambda *x: {text}(*x{options}){note}" if options else f"f = {text}{note}")
        return names, lines


class ModuleSubject(Subject):
    """A Module as a function of its inputs and its parameters; examined on a copy, with the same dropout every time."""

    def __init__(self, module, args, kwargs=None, dtype=np.float64, name=None):
        self.module = copy.deepcopy(module).to(dtype)
        super().__init__(self.module, args, kwargs, dtype, name or type(module).__name__)
        self.inputs = len(self.arrays)
        trained = {key: p for key, p in self.module.named_parameters() if p.requires_grad}
        self.parameters = list(trained.values())
        self.arrays += [p.data.copy() for p in self.parameters]
        self.labels += list(trained)
        self.noise = self.module.rng_state()
        self.buffers = {key: array.copy() for key, array in self.module.named_buffers()}

    def cast(self, dtype, arrays=None):
        other = super().cast(dtype, arrays)
        other.module = other.f = copy.deepcopy(self.module).to(dtype)
        other.parameters = [p for p in other.module.parameters() if p.requires_grad]
        return other

    def run(self, values):
        """As for a function; the values after those of the inputs replace the `data` of the parameters."""
        self.module.load_rng_state(self.noise)
        for key, array in self.module.named_buffers():
            array[...] = self.buffers[key]
        for parameter, value in zip(self.parameters, values[self.inputs:]):
            parameter.data = value.data
        return super().run(values[:self.inputs])

    def at(self, arrays=None):
        """(result, leaves): the leaves are the input Tensors and the Parameters themselves."""
        y, leaves = super().at(arrays)
        return y, [*leaves[:self.inputs], *self.parameters]


class GradientSubject(Subject):
    r"""The gradient of a subject, contracted with fixed w: $(g, x) \mapsto \sum_i \langle w_i, \bar x_i(g, x)\rangle$.

    `at` records the gradient (`create_graph`), `value` takes it from a plain walk: comparing them compares the two.
    """

    def __init__(self, subject, rng):
        self.subject = subject
        self.name = f"gradient of {subject.name}"
        self.f = subject.f
        y, _ = subject.at()
        self.arrays = [rng.standard_normal(y.shape), *subject.arrays]
        self.labels = ["the cotangent g", *subject.labels]
        self.weights = [rng.standard_normal(a.shape) for a in subject.arrays]

    def at(self, arrays=None):
        """(result, leaves) of the recorded gradient."""
        g, *arrays = self.arrays if arrays is None else arrays
        g = Tensor(g).requires_grad_()
        y, leaves = self.subject.at(arrays)
        found = grad(y, leaves, g, create_graph=True, allow_unused=True) if y.requires_grad else [None] * len(leaves)
        terms = [(d * w).sum() for d, w in zip(found, self.weights) if d is not None]
        return sum(terms, Tensor(np.zeros(()))), [g, *leaves]

    def value(self, arrays):
        """The contracted gradient from a walk that records nothing."""
        g, *arrays = arrays
        y, leaves = self.subject.at(arrays)
        found = grad(y, leaves, Tensor(g), allow_unused=True) if y.requires_grad else [None] * len(leaves)
        return np.asarray(sum(np.sum(d.data * w) for d, w in zip(found, self.weights) if d is not None)).reshape(1)

    complex_value = value

    def spelled(self, source):
        """Those of the subject itself: the check draws g."""
        return self.subject.spelled(source)


def _is_float(a):
    return isinstance(a, np.ndarray) and a.dtype.kind == "f"


def _enumerate_arrays(arg):
    """(None, argument), or (position, element) of each element of a list."""
    return enumerate(arg) if isinstance(arg, (list, tuple)) else [(None, arg)]


def _name_of(f):
    record = getattr(f, "op", None)
    return record.name if record is not None else getattr(f, "__name__", None) or type(f).__name__


def _parameter_names(f, count):
    """What f calls its arguments, each with its number."""
    try:
        known = [repr(p.name) for p in inspect.signature(getattr(f, "forward", f)).parameters.values()
                 if p.kind is not p.VAR_POSITIONAL]
    except (TypeError, ValueError):
        known = []
    return [f"input {i} {name}".rstrip() for i, name in zip(range(count), [*known, *[""] * count])]


def _source_of(f):
    """Python text that names f, by its place in the registry or in a module;
    and a comment that says where it was written."""
    record = getattr(f, "op", None)
    if record is not None and registry.get(record.name) is f:
        return f'tm.autograd.registry["{record.name}"]', ""
    module = getattr(f, "__module__", None) or ""
    name = getattr(f, "__qualname__", "")
    if module.startswith("tinymm") and getattr(sys.modules.get(module), name, None) is f:
        return f'importlib.import_module("{module}").{name}', "  # import importlib"
    code = getattr(f, "__code__", None)
    where = f", {code.co_filename}:{code.co_firstlineno}" if code else ""
    return "f", f"  # f is {name or type(f).__name__}{where}"


def _constant_source(value):
    """Python text of an argument that is not an array."""
    if isinstance(value, type) and issubclass(value, np.generic):
        return f"np.{value.__name__}"
    return repr(value).replace("array(", "np.array(")
