"""The shapes world: scenes that are drawn, described and judged; and pictures of single shapes."""

from . import captions, judging, scene, single, world
from .captions import *
from .judging import *
from .scene import *
from .single import *
from .world import *

__all__ = [
    *captions.__all__, *judging.__all__, *scene.__all__, *single.__all__, *world.__all__,
]
