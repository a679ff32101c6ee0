"""Module: parameters plus one functional call.

A Module is an ordinary object. What is found among its attributes belongs to it: Parameters, sub-Modules, arrays
announced by `register_buffer`, and the Generators its dropout draws from. Nothing is intercepted on assignment.
"""

import numpy as np

from . import display
from .parameter import Parameter

__all__ = ["Module"]


class Module:
    """Base class of all layers and models: set attributes in `__init__`, compute in `forward`.

    Notes
    -----
    Whatever is random takes a `numpy.random.Generator` as its keyword `rng`. Initial weights are drawn from it at
    once; dropout layers keep it, and usually all share the one that was passed to the model. For an exact resume
    save `state_dict()` and `rng_state()`.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> class Scale(tm.nn.Module):
    ...     def __init__(self, features):
    ...         self.gain = tm.nn.Parameter(np.ones(features, np.float32))
    ...     def forward(self, x):
    ...         return self.gain * x
    >>> layer = Scale(3)
    >>> [name for name, _ in layer.named_parameters()], layer(tm.tensor([1.0, 2.0, 3.0])).shape
    (['gain'], (3,))
    """

    training = True  # train() and eval() set it on each instance

    def forward(self, *inputs, **kwargs):
        """The value of this Module; calling the Module calls this."""
        raise NotImplementedError(f"{type(self).__name__}: a Module needs a method `forward`")

    def __call__(self, *inputs, **kwargs):
        return self.forward(*inputs, **kwargs)

    # What belongs to this Module ------------------------------------------------------------------------------------

    def register_buffer(self, name, array):
        """Keep an ndarray that is saved with the parameters but never trained, as the attribute `name`."""
        if not isinstance(array, np.ndarray):
            raise ValueError(f"register_buffer: {name!r} must be an ndarray; got {type(array).__name__}")
        self.__dict__.setdefault("_buffers", {})[name] = True  # names only, in order: the array is the attribute
        setattr(self, name, array)

    def _own(self, kind):
        """(name, value) of the attributes that are instances of `kind`, in order of assignment."""
        for name, value in list(vars(self).items()):
            if isinstance(value, kind):
                yield name, value
            elif isinstance(value, (list, tuple, dict)):
                held = value.values() if isinstance(value, dict) else value
                if any(isinstance(item, (Module, Parameter)) for item in held):
                    raise ValueError(f"{type(self).__name__}.{name}: "
                                     f"layers and parameters inside a {type(value).__name__} "
                                     "would never be trained or saved; use nn.ModuleList, nn.ModuleDict or attributes")

    def own_parameters(self):
        """Iterator of (name, Parameter), without those of sub-modules."""
        return self._own(Parameter)

    def own_buffers(self):
        """Iterator of (name, ndarray), without those of sub-modules."""
        return ((name, getattr(self, name)) for name in vars(self).get("_buffers", ()))

    def named_children(self):
        """Iterator of (name, Module), the direct sub-modules."""
        return self._own(Module)

    def children(self):
        """Iterator over the direct sub-modules."""
        return (child for _, child in self.named_children())

    def named_modules(self, prefix="", seen=None):
        """Iterator of (dotted name, Module): this one first, then all below; a shared one comes once."""
        seen = set() if seen is None else seen
        if id(self) in seen:
            return
        seen.add(id(self))
        yield prefix, self
        for name, child in self.named_children():
            yield from child.named_modules(_join(prefix, name), seen)

    def modules(self):
        """Iterator over this Module and all below."""
        return (module for _, module in self.named_modules())

    def named_parameters(self):
        """Iterator of (dotted name, Parameter); a shared parameter comes once, under its first name."""
        seen = set()
        for prefix, module in self.named_modules():
            for name, parameter in module.own_parameters():
                if id(parameter) not in seen:
                    seen.add(id(parameter))
                    yield _join(prefix, name), parameter

    def parameters(self):
        """Iterator over the distinct Parameters: what an optimiser is given."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self):
        """Iterator of (dotted name, ndarray)."""
        return ((_join(prefix, name), array) for prefix, module in self.named_modules()
                for name, array in module.own_buffers())

    def buffers(self):
        """Iterator over the buffers."""
        return (array for _, array in self.named_buffers())

    def num_parameters(self, trainable_only=False):
        """How many numbers the parameters hold (int); shared ones count once."""
        return sum(p.size for p in self.parameters() if p.requires_grad or not trainable_only)

    # State ----------------------------------------------------------------------------------------------------------

    def _state(self, prefix=""):
        """Iterator of (dotted name, the array itself); a shared one under each of its names."""
        for name, parameter in self.own_parameters():
            yield prefix + name, parameter.data
        for name, array in self.own_buffers():
            yield prefix + name, array
        for name, child in self.named_children():
            yield from child._state(f"{prefix}{name}.")

    def state_dict(self):
        """Copies of all parameters and buffers: dict of str to ndarray, ready for `np.savez`."""
        return {name: array.copy() for name, array in self._state()}

    def load_state_dict(self, state, strict=True):
        """Copy a state into the parameters and buffers, in place; nothing is touched if it does not fit.

        Parameters
        ----------
        state : mapping of str to array_like
            As `state_dict` gives it. Values are cast to the dtype of this Module.
        strict : bool
            Whether missing or unexpected keys are an error. A wrong shape always is, and so is what cannot be cast:
            strings, None, complex numbers.

        Returns
        -------
        tuple of (list of str, list of str)
            The missing and the unexpected keys: both empty if strict.

        Raises
        ------
        ValueError
            Naming the keys that are missing or unexpected, and both shapes or types where they do not fit.
        """
        own = dict(self._state())
        missing = [name for name in own if name not in state]
        unexpected = [name for name in state if name not in own]
        shapes = [f"{name} is {own[name].shape} here, {np.shape(state[name])} in the state"
                  for name in own if name in state and np.shape(state[name]) != own[name].shape]
        kinds = [f"{name} is {own[name].dtype} here, {np.asarray(state[name]).dtype} in the state" for name in own
                 if name in state and not np.can_cast(np.asarray(state[name]).dtype, own[name].dtype, "same_kind")]
        problems = [f"wrong shapes: {'; '.join(shapes)}"] if shapes else []
        problems += [f"wrong types: {'; '.join(kinds)}"] if kinds else []
        if strict:
            problems += [f"missing keys: {', '.join(missing)}"] if missing else []
            problems += [f"unexpected keys: {', '.join(unexpected)}"] if unexpected else []
        if problems:
            raise ValueError(f"load_state_dict: the state does not fit {type(self).__name__}; {'; '.join(problems)}")
        for name, array in own.items():
            if name in state:
                array[...] = state[name]
        return missing, unexpected

    def generators(self):
        """The distinct Generators that dropout and other random layers keep (list)."""
        found = {id(g): g for module in self.modules() for _, g in module._own(np.random.Generator)}
        return list(found.values())

    def rng_state(self):
        """The states of the distinct Generators that dropout and other random layers keep.

        Returns
        -------
        list of dict
            As `generator.bit_generator.state`; those of `np.random.default_rng` can be written as JSON.
        """
        return [generator.bit_generator.state for generator in self.generators()]

    def load_rng_state(self, states):
        """Set the Generators to what `rng_state` gave for a Module built in the same way.

        Raises
        ------
        ValueError
            If the number of Generators differs.
        """
        generators = self.generators()
        if len(states) != len(generators):
            raise ValueError(f"load_rng_state: {type(self).__name__} keeps {len(generators)} distinct Generators; "
                             f"got {len(states)} states")
        for generator, state in zip(generators, states):
            generator.bit_generator.state = state

    # Switches -------------------------------------------------------------------------------------------------------

    def train(self, mode=True):
        """Switch dropout and batch statistics on (or off) here and below; returns the Module."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self):
        """Switch dropout and batch statistics off here and below; returns the Module."""
        return self.train(False)

    def requires_grad_(self, value=True):
        """Train (or freeze) all parameters; returns the Module."""
        for parameter in self.parameters():
            parameter.requires_grad = value
        return self

    def zero_grad(self):
        """Forget the gradients: each `.grad` becomes None."""
        for parameter in self.parameters():
            parameter.grad = None

    def to(self, dtype):
        """Cast parameters and floating-point buffers; gradients are dropped. Returns the Module."""
        if np.dtype(dtype).kind != "f":
            raise ValueError(f"to: a Module's parameters are floating-point; got {np.dtype(dtype)}")
        for module in self.modules():
            for _, parameter in module.own_parameters():
                parameter.data = parameter.data.astype(dtype, copy=False)
                parameter.grad = None
            for name, array in module.own_buffers():
                if array.dtype.kind == "f":
                    setattr(module, name, array.astype(dtype, copy=False))
        return self

    # Display --------------------------------------------------------------------------------------------------------

    def extra_repr(self):
        """What stands between the parentheses of the layer's `repr`."""
        return ""

    def __repr__(self):
        return display.tree(self)

    def _repr_html_(self):
        return display.html(self)


def _join(prefix, name):
    return f"{prefix}.{name}" if prefix else name
