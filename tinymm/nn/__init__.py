"""Layers: parameters plus one functional call, under PyTorch's names.

    layer = tm.nn.Linear(4, 3, rng=np.random.default_rng(0))
"""

from . import (
    activation, attention, attribution, baselines, cache, containers, convolution, dropout, embedding, filters,
    grouped_attention, hard_attention, init, linear, local_attention, module, normalization, observe, parameter,
    pooling, positional, recurrent, relative, rollout, scores, soft_attention, summary, transformer,
)

# Before the names below: two files (observe, summary) are called as the function they are about.
__all__ = [
    "init", *activation.__all__, *attention.__all__, *attribution.__all__, *baselines.__all__, *cache.__all__,
    *containers.__all__, *convolution.__all__, *dropout.__all__, *embedding.__all__, *filters.__all__,
    *grouped_attention.__all__, *hard_attention.__all__, *linear.__all__, *local_attention.__all__, *module.__all__,
    *normalization.__all__, *observe.__all__, *parameter.__all__, *pooling.__all__, *positional.__all__,
    *recurrent.__all__, *relative.__all__, *rollout.__all__, *scores.__all__, *soft_attention.__all__,
    *summary.__all__, *transformer.__all__,
]

from .activation import *  # noqa: E402
from .attention import *  # noqa: E402
from .attribution import *  # noqa: E402
from .baselines import *  # noqa: E402
from .cache import *  # noqa: E402
from .containers import *  # noqa: E402
from .convolution import *  # noqa: E402
from .dropout import *  # noqa: E402
from .embedding import *  # noqa: E402
from .filters import *  # noqa: E402
from .grouped_attention import *  # noqa: E402
from .hard_attention import *  # noqa: E402
from .linear import *  # noqa: E402
from .local_attention import *  # noqa: E402
from .module import *  # noqa: E402
from .normalization import *  # noqa: E402
from .observe import *  # noqa: E402
from .parameter import *  # noqa: E402
from .pooling import *  # noqa: E402
from .positional import *  # noqa: E402
from .recurrent import *  # noqa: E402
from .relative import *  # noqa: E402
from .rollout import *  # noqa: E402
from .scores import *  # noqa: E402
from .soft_attention import *  # noqa: E402
from .summary import *  # noqa: E402
from .transformer import *  # noqa: E402
