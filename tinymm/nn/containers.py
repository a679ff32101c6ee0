"""Modules that hold Modules: a chain, a list, a dictionary by name."""

from .module import Module

__all__ = ["ModuleDict", "ModuleList", "Sequential"]


class ModuleList(Module):
    """A list of Modules that is a Module itself, so that their parameters are found; it has no `forward`.

    Parameters
    ----------
    modules : iterable of Module
        They are named "0", "1", ... in this order.

    Examples
    --------
    >>> import tinymm as tm
    >>> layers = tm.nn.ModuleList(tm.nn.ReLU() for _ in range(3))
    >>> len(layers), layers[-1]
    (3, ReLU())
    """

    def __init__(self, modules=()):
        for module in modules:
            self.append(module)

    def append(self, module):
        """Add a Module at the end; returns the list itself."""
        if not isinstance(module, Module):
            raise ValueError(f"{type(self).__name__}: holds Modules only; got {type(module).__name__}")
        setattr(self, str(len(self)), module)
        return self

    def __len__(self):
        return sum(1 for _ in self.children())

    def __iter__(self):
        return self.children()

    def __getitem__(self, index):
        return list(self.children())[index]


class Sequential(ModuleList):
    r"""One Module after the other: $y = f_n(\dots f_2(f_1(x)))$.

    Examples
    --------
    >>> import tinymm as tm
    >>> tm.nn.Sequential(tm.nn.ReLU(), tm.nn.Tanh())(tm.tensor([-1.0, 0.0])).tolist()
    [0.0, 0.0]
    """

    def __init__(self, *modules):
        super().__init__(modules)

    def forward(self, x):
        """What the first Module takes, to what the last one returns."""
        for module in self.children():
            x = module(x)
        return x


class ModuleDict(Module):
    """Modules by name, such as one encoder per modality; it has no `forward`.

    Parameters
    ----------
    modules : mapping of str to Module

    Examples
    --------
    >>> import tinymm as tm
    >>> encoders = tm.nn.ModuleDict({"image": tm.nn.ReLU(), "text": tm.nn.Tanh()})
    >>> encoders["text"], list(encoders)
    (Tanh(), ['image', 'text'])
    """

    def __init__(self, modules=()):
        for name, module in dict(modules).items():
            self[name] = module

    def __setitem__(self, name, module):
        if not isinstance(name, str) or "." in name or hasattr(ModuleDict, name) or not isinstance(module, Module):
            raise ValueError("ModuleDict: needs a name without a dot that is not a method's, and a Module; "
                             f"got {name!r} and {type(module).__name__}")
        setattr(self, name, module)

    def __getitem__(self, name):
        return dict(self.named_children())[name]

    def __contains__(self, name):
        return name in dict(self.named_children())

    def __len__(self):
        return len(dict(self.named_children()))

    def __iter__(self):
        return (name for name, _ in self.named_children())

    def items(self):
        """Iterator of (name, Module)."""
        return self.named_children()
