"""Layers: parameters plus one functional call, under PyTorch's names.

    layer = tm.nn.Linear(4, 3, rng=np.random.default_rng(0))
"""

from . import (
    activation, attention, containers, convolution, dropout, embedding, init, inspect, linear, lora,
    module, normalization, parameter, pooling, positional, recurrent, transformer,
)
from .activation import *
from .attention import *
from .containers import *
from .convolution import *
from .dropout import *
from .embedding import *
from .inspect import *
from .linear import *
from .lora import *
from .module import *
from .normalization import *
from .parameter import *
from .pooling import *
from .positional import *
from .recurrent import *
from .transformer import *

__all__ = [
    "init", *activation.__all__, *attention.__all__, *containers.__all__, *convolution.__all__, *dropout.__all__,
    *embedding.__all__, *inspect.__all__, *linear.__all__, *lora.__all__, *module.__all__, *normalization.__all__,
    *parameter.__all__, *pooling.__all__, *positional.__all__, *recurrent.__all__, *transformer.__all__,
]
