"""BERT, ViLBERT, CLIP: model and objective, one file each."""

from . import bert, single_stream, vilbert
from .bert import *
from .single_stream import *
from .vilbert import *

__all__ = [*bert.__all__, *single_stream.__all__, *vilbert.__all__]
