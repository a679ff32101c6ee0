"""Every formula, each with its vector-Jacobian product directly below it.

`import tinymm.functional as F`. Called with Tensors these record themselves on
the tape; called with arrays they are plain NumPy.
"""

from . import (
    activations, arithmetic, attention, cells, convolution, cross_entropy, dropout, einsum, elementwise, embedding,
    extremes, indexing, joining, linalg, losses, normalization, pooling, recurrent, reductions, selection, shape,
    softmax, sorting,
)

# Before the names below: some files (softmax, dropout, ...) are called as the function they are about.
__all__ = [
    *activations.__all__, *arithmetic.__all__, *attention.__all__, *cells.__all__, *convolution.__all__,
    *cross_entropy.__all__, *dropout.__all__, *einsum.__all__, *elementwise.__all__, *embedding.__all__,
    *extremes.__all__, *indexing.__all__, *joining.__all__, *linalg.__all__, *losses.__all__,
    *normalization.__all__, *pooling.__all__, *recurrent.__all__, *reductions.__all__, *selection.__all__,
    *shape.__all__, *softmax.__all__, *sorting.__all__,
]

from .activations import *  # noqa: E402
from .arithmetic import *  # noqa: E402
from .attention import *  # noqa: E402
from .cells import *  # noqa: E402
from .convolution import *  # noqa: E402
from .cross_entropy import *  # noqa: E402
from .dropout import *  # noqa: E402
from .einsum import *  # noqa: E402
from .elementwise import *  # noqa: E402
from .embedding import *  # noqa: E402
from .extremes import *  # noqa: E402
from .indexing import *  # noqa: E402
from .joining import *  # noqa: E402
from .linalg import *  # noqa: E402
from .losses import *  # noqa: E402
from .normalization import *  # noqa: E402
from .pooling import *  # noqa: E402
from .recurrent import *  # noqa: E402
from .reductions import *  # noqa: E402
from .selection import *  # noqa: E402
from .shape import *  # noqa: E402
from .softmax import *  # noqa: E402
from .sorting import *  # noqa: E402

from . import methods, protocol  # noqa: E402,F401  (bind the operators and methods of Tensor, and NumPy's functions)
