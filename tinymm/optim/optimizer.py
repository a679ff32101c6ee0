"""What the optimisers share: parameter groups, their state by name, and a pass over memory in cache-sized blocks."""

import numpy as np

from ..autograd import Tensor
from ..cores.threads import parallel_for

__all__ = ["Optimizer", "blocks"]

BLOCK = 65536  # elements; the five arrays of an Adam step take 256 KiB each in float32 and nearly fit a core's cache
COST = 100  # multiplications of a matrix product that take as long as the update of one element


class Optimizer:
    """Base class: holds the parameters in groups, and steps through those that have a gradient.

    A subclass names its defaults and the entries of a parameter's state, and writes `update(p, g, state, group)`, which
    changes the array `p` in place.

    Parameters
    ----------
    params : iterable of Tensor, or list of dict
        All parameters, or groups such as ``{"params": [...], "lr": 0.1}`` whose entries override the defaults.
    defaults : dict
        The hyperparameters of a group that does not name its own.

    Raises
    ------
    ValueError
        If there is no parameter, one comes twice, something is not a leaf Tensor, or a hyperparameter is out of range.
    """

    entries = ()  # of the state of a parameter that was updated: arrays in its shape, or whole numbers

    def __init__(self, params, defaults):
        name = type(self).__name__
        params = list(params)
        groups = params if params and isinstance(params[0], dict) else [{"params": params}]
        self.param_groups = []
        for group in groups:
            unknown = set(group) - set(defaults) - {"params"}
            if unknown:
                raise ValueError(f"{name}: a group has params, {', '.join(defaults)}; got {', '.join(sorted(unknown))}")
            members = [group["params"]] if isinstance(group["params"], Tensor) else list(group["params"])
            self.param_groups.append({**defaults, **group, "params": members})
            self.check(self.param_groups[-1])
        self.parameters = [p for group in self.param_groups for p in group["params"]]
        self.state = [{} for _ in self.parameters]  # by position, as the names in `state_dict` are
        if not self.parameters:
            raise ValueError(f"{name}: needs at least one parameter; got none")
        for p in self.parameters:
            if not isinstance(p, Tensor) or not p.is_leaf:
                raise ValueError(f"{name}: parameters must be leaf Tensors; got {p!r:.60}")
        if len({id(p) for p in self.parameters}) < len(self.parameters):
            raise ValueError(f"{name}: a parameter may come only once; got one twice")

    def check(self, group):
        """Raise ValueError if a hyperparameter of the group is out of range."""

    def zero_grad(self):
        """Forget the gradients: each `.grad` becomes None."""
        for p in self.parameters:
            p.grad = None

    def step(self):
        """Update every parameter that has a gradient, in place; if there are large ones, the cores share them."""
        states = iter(self.state)
        due = [(p, state, group) for group in self.param_groups for p, state in zip(group["params"], states)
               if p.grad is not None]
        for p, _, _ in due:
            if np.shape(p.grad) != p.shape:
                raise ValueError(f"{type(self).__name__}: a gradient must have the shape of its parameter, {p.shape}; "
                                 f"got {np.shape(p.grad)}")
        # The parameters lie end to end on a line, which the cores divide; a core updates those that begin in its part.
        # Each counts one more than its size: an empty last one would otherwise begin where the line ends.
        begins = np.cumsum([0, *(1 + p.size for p, _, _ in due)])

        def update_part(start, stop):
            for (p, state, group), begin in zip(due, begins):
                if start <= begin < stop:
                    if p.dtype != np.float16:
                        self.update(p.data, p.grad, state, group)
                        continue
                    wide = p.data.astype(np.float32)    # float16 would round ε and most squares to 0
                    self.update(wide, p.grad.astype(np.float32), state, group)
                    p.data[...] = wide

        large = sum(p.size for p, _, _ in due if p.size >= BLOCK)   # small ones are not worth another thread
        parallel_for(begins[-1], update_part, work=COST * large)

    def update(self, p, g, state, group):
        """One step of one parameter: changes `p` and `state`, reads the gradient `g`."""
        raise NotImplementedError(f"{type(self).__name__}: an Optimizer needs a method `update`")

    def state_dict(self):
        """All that a resumed run needs: flat dict of str to ndarray.

        ``state.3.exp_avg`` belongs to the fourth parameter, ``param_groups.0.lr`` to the first group, which has
        ``param_groups.0.params`` parameters.
        """
        groups = [{**group, "params": len(group["params"])} for group in self.param_groups]
        tables = {"state": self.state, "param_groups": groups}
        return {f"{table}.{i}.{key}": np.array(value) for table, rows in tables.items()
                for i, row in enumerate(rows) for key, value in row.items()}

    def load_state_dict(self, flat):
        """Go on from where `state_dict` was taken, with parameters of the same shapes in the same order.

        The state may come from before or after a schedule was made: a group's `initial_lr` is taken over if it is
        there, else kept.

        Raises
        ------
        ValueError
            If the state is of other parameters or groups, or holds something else than numbers. Then nothing is
            changed.
        """
        state = [{} for _ in self.state]
        groups = [{} for _ in self.param_groups]
        tables = {"state": state, "param_groups": groups}
        for name, value in flat.items():
            table, _, rest = name.partition(".")
            i, _, key = rest.partition(".")
            if table not in tables or not i.isdecimal() or int(i) >= len(tables[table]):
                raise ValueError(f"load_state_dict: this {type(self).__name__} has {len(self.state)} parameters in "
                                 f"{len(self.param_groups)} groups; got {name!r}")
            array = np.array(value)
            if array.dtype.kind not in "biuf":
                raise ValueError(f"load_state_dict: {name} must be a real number or an array of them; "
                                 f"got {array.dtype}")
            # the other entries are numbers, such as a step count
            is_moment = table == "state" and array.dtype.kind == "f"
            if table == "state" and array.shape != (self.parameters[int(i)].shape if is_moment else ()):
                raise ValueError(f"load_state_dict: {name} must have the shape of its parameter, "
                                 f"{self.parameters[int(i)].shape}; got {array.shape}")
            tables[table][int(i)][key] = array if is_moment else array.tolist()
        self._require_entries(state)
        merged = [self._merged(i, saved) for i, saved in enumerate(groups)]
        self.state = state
        for group, taken in zip(self.param_groups, merged):
            group.update(taken)

    def _require_entries(self, state):
        """Raise ValueError if the state of a parameter is not what `update` leaves there."""
        for i, row in enumerate(state):
            if row and set(row) != set(self.entries):
                raise ValueError(f"load_state_dict: the state of parameter {i} of this {type(self).__name__} has "
                                 f"{', '.join(self.entries)}; got {', '.join(row)}")

    def _merged(self, i, saved):
        """The settings of group i with those of a saved state in their place; ValueError if they do not fit."""
        group = self.param_groups[i]
        settings = {key: value for key, value in saved.items() if key != "params"}
        required = group.keys() - {"params", "initial_lr"}
        if settings.keys() - {"initial_lr"} != required or saved.get("params") != len(group["params"]):
            raise ValueError(f"load_state_dict: group {i} of this {type(self).__name__} has {len(group['params'])} "
                             f"parameters and {', '.join(key for key in group if key in required)}; the state is of "
                             "another")
        try:
            self.check({**group, **settings})
        except TypeError as error:  # a list where a number belongs, or the other way round
            raise ValueError(f"load_state_dict: the settings of group {i} are not those of this "
                             f"{type(self).__name__}: {error}") from None
        return settings


def blocks(*arrays):
    """Walk through arrays of one shape together, a cache-sized piece of each at a time.

    An update is a dozen passes of NumPy over the same few arrays. Block by block, every pass but the first finds its
    numbers in the cache.

    Parameters
    ----------
    arrays : ndarray
        Of one shape. If one of them is not C-contiguous, all are given whole.

    Yields
    ------
    list of ndarray
        A view of each array, and as the last item an uninitialised scratch array of the first view's shape and dtype.

    Examples
    --------
    >>> p, g = np.zeros(80000), np.ones(80000)
    >>> [scratch.size for _, _, scratch in blocks(p, g)]
    [65536, 14464]
    """
    if arrays[0].size <= BLOCK or not all(a.flags.c_contiguous for a in arrays):
        yield [*arrays, np.empty_like(arrays[0])]
        return
    scratch = np.empty(BLOCK, arrays[0].dtype)
    flat = [a.reshape(-1) for a in arrays]
    for start in range(0, arrays[0].size, BLOCK):
        pieces = [a[start:start + BLOCK] for a in flat]
        yield [*pieces, scratch[:pieces[0].size]]
