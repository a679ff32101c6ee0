"""What a network looks for first: the weights of its first convolution, as small images."""

from ..convolution import Conv1d, Conv2d, Conv3d

__all__ = ["first_layer_filters"]


def first_layer_filters(module):
    """The filters of the first convolution, in the order in which layers are registered.

    Only the first layer's filters live in the space of the input, so only they can be looked at as pictures.

    Parameters
    ----------
    module : Module
        Holds a `Conv2d`, `Conv1d` or `Conv3d`; a patch embedding holds one too.

    Returns
    -------
    ndarray (O, C, kh, kw), (O, C, k) or (O, C, kt, kh, kw)
        A copy of the weights: O filters.

    Raises
    ------
    ValueError
        If there is no convolution.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> model = tm.nn.Sequential(tm.nn.Conv2d(3, 8, 5, rng=rng), tm.nn.ReLU(), tm.nn.Conv2d(8, 4, 3, rng=rng))
    >>> first_layer_filters(model).shape
    (8, 3, 5, 5)
    """
    for _, layer in module.named_modules():
        if isinstance(layer, Conv1d | Conv2d | Conv3d):
            return layer.weight.data.copy()
    raise ValueError("first_layer_filters: the module must hold a Conv1d, Conv2d or Conv3d; got none")
