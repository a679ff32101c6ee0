"""What flows where inside a Module: its layers and functions as boxes, found by running it once on example inputs."""

import math
from dataclasses import replace
from functools import wraps

import numpy as np

from ...autograd import Tensor, enable_grad, tensor, watched
from ...viz.diagram import Box, Diagram
from ..containers import ModuleDict, ModuleList, Sequential
from ..dropout import Dropout
from ..parameter import Parameter
from .observing import replaced_forward

__all__ = ["wiring"]

# What moves numbers about, or leaves some out, without computing with them: arrows pass through it.
TRANSPARENT = {"reshape", "flatten", "squeeze", "unsqueeze", "permute", "transpose", "moveaxis", "broadcast_to",
               "expand", "getitem", "where", "masked_fill", "astype", "identity", "split", "dropout"}
SYMBOLS = {"add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "concatenate": "join", "relu": "ReLU",
           "contract": "product", "matmul": "product", "fused_attention": "attention", "tiled_attention": "attention",
           "pair_products": "products of pairs"}
ARITHMETIC = {"add", "subtract", "multiply", "divide"}
# What functions in a row, or one beside the thing that both read, are together: `F.count_sketch`, `F.normalize`.
TOGETHER = {("×", "place"): "count sketch"}
BESIDE = {("norm", "clip", "÷"): "normalize"}
CONTAINERS = ModuleList, ModuleDict, Sequential, Dropout


def wiring(module, *inputs, names=(), whole=()):
    """Draw how a Module is wired.

    A layer of `tinymm.nn` is one box for each time it is called, with as much of its name in the Module as tells it
    from others; so is a function outside of layers, but for reshaping and masking. Parameters that no layer owns have
    boxes too. What leads to no result is left out, such as weights that are only shown.

    Parameters
    ----------
    module : Module
        Run once, in evaluation mode. What it returns, or a named tuple's `features`, is what flows out.
    *inputs
        What `module` is called with: floating-point arrays, or tuples of them, flow in.
    names : sequence of str
        Of the arrays that flow in, in order.
    whole : type or tuple of types
        Classes whose objects are drawn as one box, layers of `tinymm.nn` or not.

    Returns
    -------
    Diagram
        Its `boxes` and `arrows`; `save(path)` draws them.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> layer = tm.nn.Sequential(tm.nn.Linear(2, 3, rng=np.random.default_rng(0)), tm.nn.ReLU())
    >>> diagram = tm.nn.wiring(layer, np.ones((4, 2)), names=["x"])
    >>> [box.label for box in diagram.boxes]
    ['x', '0', '1', 'result']
    >>> diagram.arrows
    [(0, 1), (1, 2), (2, 3)]
    """
    leaves = []
    arguments = [_as_leaves(x, leaves) for x in inputs]
    tracer = _Tracer(module, leaves, names or [f"input {i}" for i in range(1, len(leaves) + 1)])
    modes = [(layer, layer.training) for layer in module.modules()]
    layers = [(name, layer) for name, layer in module.named_modules() if name and _is_box(layer, whole)]
    try:
        with enable_grad(), watched(tracer), replaced_forward(layers, tracer.wrap):
            result = module.eval()(*arguments)
    finally:
        for layer, mode in modes:
            layer.training = mode
    return tracer.diagram(getattr(result, "features", result))


def _as_leaves(x, leaves):
    """Arrays of floats as leaves of a tape, in tuples too; all else as it is."""
    if isinstance(x, tuple | list):
        return tuple(_as_leaves(part, leaves) for part in x)
    if isinstance(x, np.ndarray | Tensor) and x.dtype.kind == "f":
        leaves.append(tensor(x.data if isinstance(x, Tensor) else x, requires_grad=True))
        return leaves[-1]
    return x


def _is_box(layer, whole):
    of_nn = type(layer).__module__.startswith("tinymm.nn.") and not isinstance(layer, CONTAINERS)
    return of_nn or isinstance(layer, whole)


class _Tracer:
    """Is told of every node that goes on the tape, and knows which layer is running."""

    def __init__(self, module, leaves, names):
        self.boxes = [Box(name, _size(leaf.shape), "input") for name, leaf in zip(names, leaves, strict=True)]
        self.sources = {leaf._node: {i} for i, leaf in enumerate(leaves)}    # of a node, the boxes that it flows from
        self.parameters = {id(p): (name, p) for name, p in module.named_parameters()}
        self.arrows = {}                                                     # an ordered set
        self.running = []                                                    # the box of the outermost layer running
        self.label = ""                                                      # of the op that runs, None: nothing to see

    def wrap(self, name, layer, forward):
        """A layer's forward with its box around it; layers inside layers have none of their own."""
        @wraps(forward)
        def boxed(*inputs, **kwargs):
            if self.running:
                return forward(*inputs, **kwargs)
            self.running.append(self._new(Box(name, type(layer).__name__, "layer")))
            try:
                return forward(*inputs, **kwargs)
            finally:
                self.running.pop()
        return boxed

    def check_forward(self, op, values, y):
        """Called with the arguments of every op before its node, if there is one, is locked."""
        self.label = None if op.name in TRANSPARENT else _label(op.name, values)

    def lock(self, node):
        """Called for every node in order of creation, its parents before it."""
        flowing = [self._boxes_of(parent) for parent in node.parents if parent is not None]
        came_from = set().union(*flowing) if flowing else set()
        if self.running:
            here = self.running[-1]
        elif self.label is None or node.op.name == "concatenate" and len(node.parents) == 1:
            self.sources[node] = came_from
            return
        else:
            here = self._new(Box(self.label, "", "function"))
        self.arrows |= {(source, here): True for source in sorted(came_from) if source != here}
        self.sources[node] = {here}

    def _boxes_of(self, parent):
        """The boxes that a parent flows from; a parameter outside of layers gets one."""
        if getattr(parent, "port", None) is not None:                        # one of several results of an op
            parent = parent.parents[0]
        if parent not in self.sources:
            owner = getattr(parent, "tensor", None)
            if self.running or not isinstance(owner, Parameter):
                return set()
            name, _ = self.parameters.get(id(owner), ("parameter", owner))
            self.sources[parent] = {self._new(Box(name, _size(owner.shape), "parameter"))}
        return self.sources[parent]

    def _new(self, box):
        self.boxes.append(box)
        return len(self.boxes) - 1

    def diagram(self, results):
        """The Diagram, with a box for each result."""
        results = results if isinstance(results, tuple) else (results,)
        for i, y in enumerate(results, 1):
            label = "result" if len(results) == 1 else f"result {i}"
            here = self._new(Box(label, _size(y.shape), "output"))
            self.arrows |= {(source, here): True for source in sorted(self._boxes_of(y._node))}
        return _shortened(*_reaching(_named(self.boxes), list(self.arrows)))


def _label(name, values):
    """What an op is called in its box: a number that it is done with is part of it; None where that changes nothing."""
    symbol = SYMBOLS.get(name, name.replace("_", " "))
    numbers = [float(x) if np.ndim(x) == 0 else None for x in values[:2]] if name in ARITHMETIC else []
    if all(number is None for number in numbers):
        return symbol
    left, right = numbers
    if {"add": 0, "multiply": 1}.get(name, math.nan) in numbers:              # where a loop of sums or products starts
        return None
    return f"{left:.3g} {symbol}" if left is not None else f"{symbol} {right:.3g}"


def _named(boxes):
    """The boxes, of each layer's and parameter's name only the last parts that no other one ends with."""
    names = {box.label for box in boxes if box.kind in ("layer", "parameter")}

    def short(name):
        parts = name.split(".")
        endings = [".".join(parts[k:]) for k in reversed(range(len(parts))) if not parts[k].isdigit()]
        alone = (end for end in endings if sum(f".{other}".endswith(f".{end}") for other in names) == 1)
        return next(alone, name)

    return [replace(box, label=short(box.label)) if box.kind in ("layer", "parameter") else box for box in boxes]


def _reaching(boxes, arrows):
    """The boxes from which a result is reached, and all inputs; and the arrows between them."""
    kept = {i for i, box in enumerate(boxes) if box.kind == "output"}
    while more := {a for a, b in arrows if b in kept} - kept:
        kept |= more
    kept |= {i for i, box in enumerate(boxes) if box.kind == "input"}
    number = {old: new for new, old in enumerate(sorted(kept))}
    return [boxes[i] for i in number], [(number[a], number[b]) for a, b in arrows if b in kept and a in kept]


def _shortened(boxes, arrows):
    """The Diagram in which a function of one thing alone stands in the box of that thing: "query", "Linear, ReLU"."""
    into = list(range(len(boxes)))                                           # the box that each one is now in
    done = [[box.label] if box.kind == "function" else [] for box in boxes]  # the functions in each, in order

    def sources(here):
        return {into[a] for a, b in arrows if into[b] == here} - {here}

    def targets(here):
        return {into[b] for a, b in arrows if into[a] == here} - {here}

    for here, box in enumerate(boxes):
        if box.kind != "function":
            continue
        beside = [f for f in sources(here) if sources(f) and sources(f) <= sources(here) and targets(f) == {here}
                  and (*done[f], *done[here]) in BESIDE]
        for f in beside:
            done[here] = [BESIDE[(*done[f], *done[here])]]
            into = [here if i == f else i for i in into]
        if len(sources(here)) != 1:
            continue
        source, = sources(here)
        if boxes[source].kind in ("layer", "function") and targets(source) == {here}:
            done[source] += done[here]
            into = [source if i == here else i for i in into]
    kept = sorted(set(into))
    number = {old: new for new, old in enumerate(kept)}
    pairs = dict.fromkeys((number[into[a]], number[into[b]]) for a, b in arrows if into[a] != into[b])
    return Diagram([_with(boxes[i], done[i]) for i in kept], list(pairs))


def _with(box, functions):
    """A box with the functions that stand in it."""
    for pair, name in TOGETHER.items():
        for k in range(len(functions) - 1):
            if tuple(functions[k:k + 2]) == pair:
                functions = [*functions[:k], name, *functions[k + 2:]]
    if box.kind == "function":
        return replace(box, label=functions[0], detail=", ".join(functions[1:]))
    return replace(box, detail=", ".join([box.detail, *functions]))


def _size(shape):
    return " × ".join(map(str, shape))
