"""Every formula, each with its vector-Jacobian product directly below it.

`import tinymm.functional as F`. Called with Tensors these record themselves on
the tape; called with arrays they are plain NumPy.
"""

from . import arithmetic, elementwise
from .arithmetic import *
from .elementwise import *

__all__ = [*arithmetic.__all__, *elementwise.__all__]

from . import methods  # noqa: E402,F401  (binds the operators and methods of Tensor)
