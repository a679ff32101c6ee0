"""Texts: tokenizers, labelled tables, a generator of opinions, and models that count words."""

from . import (
    byte_pairs, characters, corruption, documents, labelled, neighbours, ngram_model, opinions, sentence_pairs,
    subwords, tfidf, tokenizer,
)
from .byte_pairs import *
from .characters import *
from .corruption import *
from .documents import *
from .labelled import *
from .neighbours import *
from .ngram_model import *
from .opinions import *
from .sentence_pairs import *
from .subwords import *
from .tfidf import *
from .tokenizer import *

__all__ = [
    *byte_pairs.__all__, *characters.__all__, *corruption.__all__, *documents.__all__, *labelled.__all__,
    *neighbours.__all__, *ngram_model.__all__, *opinions.__all__, *sentence_pairs.__all__, *subwords.__all__,
    *tfidf.__all__, *tokenizer.__all__,
]
