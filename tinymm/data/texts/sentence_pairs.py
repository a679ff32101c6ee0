"""Pairs of sentences, half of them one after the other in a document, half of them strangers: next-sentence prediction.

And how a pair becomes one row of numbers: [CLS] a [SEP] b [SEP], where <bos> stands for [CLS] and <eos> for [SEP].
"""

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from ..files import quoted
from .byte_pairs import BytePairTokenizer, split_chunks
from .tokenizer import BOS, EOS, pad_batch

__all__ = ["Packed", "Pair", "SentencePairs", "pack_pair", "pad_packed", "pieces_by_word"]

TRIES = 100  # random draws of a stranger before all sentences are looked through


class Pair(NamedTuple):
    """Two sentences, and whether the second follows the first: 0 if it does, 1 if not, as BERT counts."""

    first: str
    second: str
    label: int


class SentencePairs:
    """Draws pairs of sentences from documents: the second is the next of its document, or comes from another one.

    A stranger is never a true continuation by chance: no document holds both sentences of such a pair.

    Parameters
    ----------
    documents : sequence of sequence of str
        The sentences of each document, in order. Those of a single sentence lend strangers only.

    Raises
    ------
    ValueError
        If no document has two sentences, or there is only one document.

    References
    ----------
    Devlin et al. (2019), BERT, §3.1, task 2.

    Examples
    --------
    >>> pairs = SentencePairs([["it rains", "take a coat"], ["the sun shines", "take a hat", "and water"]])
    >>> len(pairs)
    3
    >>> pairs.draw(0, np.random.default_rng(1))
    Pair(first='it rains', second='and water', label=1)
    """

    def __init__(self, documents):
        self.documents = [list(document) for document in documents]
        self.places = [(d, i) for d, document in enumerate(self.documents) for i in range(len(document) - 1)]
        if not self.places or len(self.documents) < 2:
            raise ValueError("SentencePairs: needs two documents, and one of them with two sentences; got "
                             f"{len(self.documents)} documents, the longest of "
                             f"{max(map(len, self.documents), default=0)} sentences")
        self.holders = defaultdict(set)                                  # sentence -> the documents that hold it
        for d, document in enumerate(self.documents):
            for sentence in document:
                self.holders[sentence].add(d)

    def __len__(self):
        """How many sentences have a next one."""
        return len(self.places)

    def draw(self, row, rng):
        """The pair that begins with sentence number `row` of those that have a next one; its second is drawn.

        Raises
        ------
        ValueError
            If every other sentence shares a document with it.
        """
        d, i = self.places[row]
        first = self.documents[d][i]
        if rng.random() < 0.5:
            return Pair(first, self.documents[d][i + 1], 0)
        for _ in range(TRIES):
            other = self.documents[rng.integers(len(self.documents))]
            second = other[rng.integers(len(other))] if other else first
            if self.are_strangers(first, second):
                return Pair(first, second, 1)
        strangers = [sentence for sentence in self.holders if self.are_strangers(first, sentence)]
        if not strangers:
            raise ValueError(f"SentencePairs: some sentence must share no document with {quoted(first)}; none does")
        return Pair(first, strangers[rng.integers(len(strangers))], 1)

    def are_strangers(self, first, second):
        """Whether no document holds both sentences."""
        return self.holders[first].isdisjoint(self.holders[second])


class Packed(NamedTuple):
    """One or two sentences in a row.

    Attributes
    ----------
    ids : list of T int
    segments : list of T int
        0 for [CLS] and the first sentence with its [SEP], 1 for the second with its own.
    starts : list of T bool
        True at the first piece of each word, and at [CLS] and [SEP].
    """

    ids: list
    segments: list
    starts: list


def pieces_by_word(tokenizer, text):
    """The numbers of a text, word by word: list of list of int; of a `WordTokenizer` each has one.

    Examples
    --------
    >>> tokens = BytePairTokenizer.fit(["low lower lowest"], 263)
    >>> [[tokens.words[i] for i in word] for word in pieces_by_word(tokens, "low lower")]
    [['low'], [' low', 'e', 'r']]
    """
    if isinstance(tokenizer, BytePairTokenizer):
        return [tokenizer.encode(chunk)[1:-1] for chunk in split_chunks(text)]
    return [[number] for number in tokenizer.encode(text)[1:-1]]


def pack_pair(first, second=None, longest=None):
    """Put one or two sentences into a row: [CLS] a [SEP], or [CLS] a [SEP] b [SEP].

    Parameters
    ----------
    first, second : list of list of int
        As `pieces_by_word` gives them; `second` may be missing.
    longest : int, optional
        How many places there are, those of [CLS] and [SEP] among them.

    Returns
    -------
    Packed

    Raises
    ------
    ValueError
        If the row would be longer.

    Examples
    --------
    >>> row = pack_pair([[7], [8, 9]], [[5]])
    >>> row.ids, row.segments, row.starts[:4]
    ([1, 7, 8, 9, 2, 5, 2], [0, 0, 0, 0, 0, 1, 1], [True, True, True, False])
    """
    ids, segments, starts = [BOS], [0], [True]
    for segment, words in enumerate((first,) if second is None else (first, second)):
        for pieces in (*words, [EOS]):
            ids += pieces
            starts += [place == 0 for place in range(len(pieces))]
        segments += [segment] * (len(ids) - len(segments))
    if longest is not None and len(ids) > longest:
        raise ValueError(f"pack_pair: a text may have {longest} tokens, [CLS] and [SEP] included; got {len(ids)}")
    return Packed(ids, segments, starts)


def pad_packed(rows):
    """Bring rows to the length of the longest.

    Parameters
    ----------
    rows : sequence of Packed

    Returns
    -------
    ids : int array (B, T)
        Filled up with <pad>.
    mask : bool array (B, T)
        True where there is a token.
    segments : int array (B, T)
    starts : bool array (B, T)

    Examples
    --------
    >>> ids, mask, segments, starts = pad_packed([pack_pair([[7]], [[5]]), pack_pair([[8, 9]])])
    >>> ids.tolist(), segments.tolist()
    ([[1, 7, 2, 5, 2], [1, 8, 9, 2, 0]], [[0, 0, 0, 1, 1], [0, 0, 0, 0, 0]])
    """
    ids, mask = pad_batch([row.ids for row in rows])
    segments, starts = np.zeros_like(ids), np.ones_like(mask)
    for place, row in enumerate(rows):
        segments[place, :len(row.ids)] = row.segments
        starts[place, :len(row.ids)] = row.starts
    return ids, mask, segments, starts
