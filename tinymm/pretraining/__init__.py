"""BERT, ViLBERT, CLIP: model and objective, one file each."""

from . import bert, clip, siglip, single_stream, vilbert
from .bert import *
from .clip import *
from .siglip import *
from .single_stream import *
from .vilbert import *

__all__ = [*bert.__all__, *clip.__all__, *siglip.__all__, *single_stream.__all__, *vilbert.__all__]
