"""Attention as Modules: multi-head and grouped, soft, hard and local; scores, caches, reward baselines."""

from . import cache, grouped, hard, local, multihead, relative, reward_baselines, scores, soft
from .cache import *
from .grouped import *
from .hard import *
from .local import *
from .multihead import *
from .relative import *
from .reward_baselines import *
from .scores import *
from .soft import *

__all__ = [
    *cache.__all__, *grouped.__all__, *hard.__all__, *local.__all__, *multihead.__all__, *relative.__all__,
    *reward_baselines.__all__, *scores.__all__, *soft.__all__,
]
