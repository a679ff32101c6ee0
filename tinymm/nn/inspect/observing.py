"""Look inside a Module while it runs: observe every call, or watch or collect the attention weights."""

import inspect
from contextlib import contextmanager
from functools import wraps

from ..attention.multihead import MultiheadAttention

__all__ = ["observe", "record_attention", "watch_attention"]


@contextmanager
def observe(module, callback):
    """Context manager: after each call of the Module or one below it, call `callback(name, layer, inputs, output)`.

    Parameters
    ----------
    module : Module
    callback : callable
        Gets the dotted name, the layer, the list of its inputs, and what it returned.

    Examples
    --------
    >>> import tinymm as tm
    >>> model = tm.nn.Sequential(tm.nn.ReLU(), tm.nn.Tanh())
    >>> with observe(model, lambda name, layer, inputs, output: print(repr(name), output.shape)):
    ...     y = model(tm.tensor([1.0, 2.0]))
    '0' (2,)
    '1' (2,)
    '' (2,)
    """
    def wrap(name, layer, forward):
        @wraps(forward)
        def watched(*inputs, **kwargs):
            output = forward(*inputs, **kwargs)
            arguments = inspect.signature(forward).bind(*inputs, **kwargs).arguments
            callback(name, layer, list(arguments.values()), output)
            return output
        return watched

    with replaced_forward(module.named_modules(), wrap):
        yield


@contextmanager
def record_attention(module):
    """Context manager: collect the weights of every `MultiheadAttention` below, head by head.

    Yields
    ------
    dict of str to list of ndarray (B, H, T, S)
        Dotted name of the layer to its weights, one array per call.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> layer = tm.nn.TransformerEncoderLayer(8, 2, 16, rng=np.random.default_rng(0)).eval()
    >>> with record_attention(layer) as maps:
    ...     y = layer(tm.tensor(np.ones((1, 5, 8), np.float32)))
    >>> maps["self_attn"][0].shape
    (1, 2, 5, 5)
    """
    maps = {name: [] for name, layer in module.named_modules() if isinstance(layer, MultiheadAttention)}
    with watch_attention(module, lambda name, weights: maps[name].append(weights.data)):
        yield maps


@contextmanager
def watch_attention(module, callback):
    """Context manager: at each call of a `MultiheadAttention` below, call `callback(name, weights)`.

    Parameters
    ----------
    module : Module
    callback : callable
        Gets the dotted name of the layer and its weights head by head, a Tensor (B, H, T, S): what is computed from it
        can be differentiated with respect to it.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> layer = tm.nn.TransformerEncoderLayer(8, 2, 16, rng=np.random.default_rng(0)).eval()
    >>> found = []
    >>> with watch_attention(layer, lambda name, weights: found.append(weights)):
    ...     y = layer(tm.tensor(np.ones((1, 5, 8), np.float32)))
    >>> tm.grad((y * y).sum(), found)[0].shape
    (1, 2, 5, 5)
    """
    def wrap(name, layer, forward):
        @wraps(forward)
        def watched(*inputs, **kwargs):
            given = inspect.signature(forward).bind(*inputs, **kwargs).arguments
            output, weights = forward(**{**given, "need_weights": True, "average_attn_weights": False})
            callback(name, weights)
            # The caller gets what it asked for.
            if not given.get("need_weights", True):
                weights = None
            elif given.get("average_attn_weights", True):
                weights = weights.mean(axis=1)
            return output, weights
        return watched

    attentions = [(name, layer) for name, layer in module.named_modules() if isinstance(layer, MultiheadAttention)]
    with replaced_forward(attentions, wrap):
        yield


@contextmanager
def replaced_forward(named_layers, wrap):
    """Context manager: within it, each layer's `forward` is what `wrap(name, layer, forward)` returned."""
    layers = [(name, layer, vars(layer).get("forward")) for name, layer in named_layers]
    for name, layer, _ in layers:
        layer.forward = wrap(name, layer, layer.forward)
    try:
        yield
    finally:
        for _, layer, before in layers:
            del layer.forward
            if before is not None:
                layer.forward = before
