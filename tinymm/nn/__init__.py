"""Layers: parameters plus one functional call, under PyTorch's names.

    layer = tm.nn.Linear(4, 3, rng=np.random.default_rng(0))
"""

from . import (
    activation, attention, containers, convolution, dropout, embedding, init, linear, module, normalization, observe,
    parameter, pooling, positional, recurrent, summary, transformer,
)

# Before the names below: two files (observe, summary) are called as the function they are about.
__all__ = [
    "init", *activation.__all__, *attention.__all__, *containers.__all__, *convolution.__all__, *dropout.__all__,
    *embedding.__all__, *linear.__all__, *module.__all__, *normalization.__all__, *observe.__all__,
    *parameter.__all__, *pooling.__all__, *positional.__all__, *recurrent.__all__, *summary.__all__, *transformer.__all__,
]

from .activation import *  # noqa: E402
from .attention import *  # noqa: E402
from .containers import *  # noqa: E402
from .convolution import *  # noqa: E402
from .dropout import *  # noqa: E402
from .embedding import *  # noqa: E402
from .linear import *  # noqa: E402
from .module import *  # noqa: E402
from .normalization import *  # noqa: E402
from .observe import *  # noqa: E402
from .parameter import *  # noqa: E402
from .pooling import *  # noqa: E402
from .positional import *  # noqa: E402
from .recurrent import *  # noqa: E402
from .summary import *  # noqa: E402
from .transformer import *  # noqa: E402
