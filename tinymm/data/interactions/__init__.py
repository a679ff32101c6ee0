"""Worlds in which it is known how two modalities tell of a label: joint tables, and what shows their symbols.

`tables` says what goes with what, p(a, b, y), with the best accuracy of each modality and of both in closed form.
`vectors` shows the symbols as vectors; `balls`, a clip of moving shapes with its sound. `views` has no label: two
modalities show the same things.
"""

from . import balls, tables, vectors, views
from .balls import *
from .tables import *
from .vectors import *
from .views import *

__all__ = [*balls.__all__, *tables.__all__, *vectors.__all__, *views.__all__]
