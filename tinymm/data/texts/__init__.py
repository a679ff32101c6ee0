"""Texts: tokenizers, labelled tables, a generator of opinions, and models that count words."""

from . import byte_pairs, characters, labelled, ngram_model, opinions, subwords, tfidf, tokenizer
from .byte_pairs import *
from .characters import *
from .labelled import *
from .ngram_model import *
from .opinions import *
from .subwords import *
from .tfidf import *
from .tokenizer import *

__all__ = [
    *byte_pairs.__all__, *characters.__all__, *labelled.__all__, *ngram_model.__all__, *opinions.__all__,
    *subwords.__all__, *tfidf.__all__, *tokenizer.__all__,
]
