"""Byte-pair encoding: frequent pieces of words, learned over bytes, so that no text is unknown."""

import json
import re
from collections import Counter, defaultdict
from itertools import pairwise

from .tokenizer import BOS, EOS, PAD, SPECIALS

__all__ = ["BytePairTokenizer", "learn_merges"]

# Merges stay inside a chunk: a word with the space before it, a run of other signs, or a run of white space.
CHUNK = re.compile(r" ?\w+| ?[^\w\s]+|\s+")
FIRST_BYTE = len(SPECIALS)  # number of the piece for byte 0
FIRST_MERGE = FIRST_BYTE + 256


class BytePairTokenizer:
    r"""Bytes, and pairs of pieces merged one after the other; <pad> = 0, <bos> = 1, <eos> = 2 and <unk> = 3 come first.

    Piece 4 + b is the byte b, and piece 260 + k the k-th merge. Encoding starts from the bytes of the text's UTF-8 and
    applies the merges in the order in which they were learned; decoding puts the bytes back together. Any Unicode text
    comes back exactly, seen in training or not.

    Parameters
    ----------
    merges : sequence of (int, int)
        The pair of pieces that each merge joins; both have smaller numbers than the merge.

    Attributes
    ----------
    words : tuple of str
        What each number stands for; bytes that are no text on their own are shown as U+FFFD.

    Raises
    ------
    ValueError
        If a merge joins pieces that do not exist yet, or occurs twice.

    References
    ----------
    Sennrich et al. (2016), Neural machine translation of rare words with subword units, algorithm 1; over bytes:
    Radford et al. (2019), Language models are unsupervised multitask learners, §2.2.

    Examples
    --------
    >>> tokenizer = BytePairTokenizer.fit(["low lower lowest"], 263)
    >>> [tokenizer.words[i] for i in tokenizer.encode("slow, lower")[1:-1]]
    ['s', 'low', ',', ' low', 'e', 'r']
    >>> tokenizer.decode(tokenizer.encode("Größe 数 🙂"))
    'Größe 数 🙂'
    """

    def __init__(self, merges):
        self.merges = [tuple(map(int, pair)) for pair in merges]
        self.ranks = {pair: FIRST_MERGE + k for k, pair in enumerate(self.merges)}
        self.pieces = [b""] * FIRST_BYTE + [bytes([b]) for b in range(256)]
        for k, pair in enumerate(self.merges):
            if len(pair) != 2 or not all(FIRST_BYTE <= piece < FIRST_MERGE + k for piece in pair):
                raise ValueError(f"BytePairTokenizer: merge {k} must join two of the pieces "
                                 f"{FIRST_BYTE}..{FIRST_MERGE + k - 1}; got {pair}")
            self.pieces.append(self.pieces[pair[0]] + self.pieces[pair[1]])
        if len(self.ranks) != len(self.merges):
            raise ValueError("BytePairTokenizer: every merge must be of another pair; got one twice")
        self.words = (*SPECIALS, *(piece.decode("utf-8", "replace") for piece in self.pieces[FIRST_BYTE:]))
        self._known = {}  # chunk -> its pieces

    @classmethod
    def fit(cls, texts, vocabulary=1024):
        """Learn merges until there are `vocabulary` numbers (at least 260), or no pair occurs twice."""
        if vocabulary < FIRST_MERGE:
            raise ValueError(f"BytePairTokenizer.fit: the specials and bytes alone are {FIRST_MERGE}; got {vocabulary}")
        chunks = Counter(chunk for text in texts for chunk in CHUNK.findall(text))
        return cls(learn_merges(chunks, vocabulary - FIRST_MERGE))

    def __len__(self):
        return len(self.words)

    def encode(self, text):
        """The text's pieces between <bos> and <eos>: list of int.

        Raises
        ------
        ValueError
            If the text holds half of a surrogate pair, which UTF-8 cannot encode.
        """
        ids = [BOS]
        for chunk in CHUNK.findall(text):
            if chunk not in self._known:
                self._known[chunk] = self._pieces_of(chunk)
            ids += self._known[chunk]
        return [*ids, EOS]

    def _pieces_of(self, chunk):
        """The chunk's bytes, merged in the order in which the merges were learned."""
        pieces = [FIRST_BYTE + b for b in chunk.encode("utf-8")]
        while len(pieces) > 1:
            pair = min(pairwise(pieces), key=lambda pair: self.ranks.get(pair, len(self)))  # learned first
            if pair not in self.ranks:
                break
            pieces = _merged(pieces, pair, self.ranks[pair])
        return pieces

    def decode(self, ids):
        """The text up to the first <eos>, without the other specials. Bytes that are not UTF-8 become U+FFFD.

        Raises
        ------
        ValueError
            If a number is not in the vocabulary.
        """
        pieces = []
        for number in map(int, ids):
            if not PAD <= number < len(self):
                raise ValueError(f"BytePairTokenizer.decode: ids must be in 0..{len(self) - 1}; got {number}")
            if number == EOS:
                break
            pieces.append(self.pieces[number])
        return b"".join(pieces).decode("utf-8", "replace")

    def to_json(self):
        """The merges as JSON text, which `from_json` reads."""
        return json.dumps({"merges": self.merges})

    @classmethod
    def from_json(cls, text):
        """The tokenizer that wrote this text.

        Raises
        ------
        ValueError
            If the text is not JSON of the form {"merges": [[int, int], ...]}.
        """
        state = json.loads(text)
        merges = state.get("merges") if isinstance(state, dict) else None
        is_pairs = isinstance(merges, list) \
            and all(isinstance(pair, list) and all(type(n) is int for n in pair) for pair in merges)
        if not is_pairs:
            raise ValueError('BytePairTokenizer.from_json: needs {"merges": [[int, int], ...]}; got ' + text[:80])
        return cls(merges)


def learn_merges(chunks, count):
    """Join the most frequent pair of neighbouring pieces, again and again.

    Parameters
    ----------
    chunks : mapping of str to int
        How often each chunk of text occurs; pairs across chunks do not count.
    count : int
        Merges to learn, at most; pairs that occur once are left alone.

    Returns
    -------
    list of (int, int)
        In the order in which they were learned. Ties go to the pair with the smaller numbers, so that the result does
        not depend on the order of the texts.

    Examples
    --------
    >>> [(a - FIRST_BYTE, b - FIRST_BYTE) for a, b in learn_merges({"aab": 2, "ab": 1}, 1)] == [(ord("a"), ord("b"))]
    True
    """
    pieces = [[FIRST_BYTE + b for b in chunk.encode("utf-8")] for chunk in chunks]
    times = list(chunks.values())
    frequency = Counter()  # of each pair
    where = defaultdict(set)  # the chunks that hold it, or have held it

    def add_pairs(i, sign):
        for pair in pairwise(pieces[i]):
            frequency[pair] += sign * times[i]
            where[pair].add(i)

    for i in range(len(pieces)):
        add_pairs(i, 1)
    merges = []
    while len(merges) < count and frequency:
        most = max(frequency.values())
        if most < 2:
            break
        best = min(pair for pair, n in frequency.items() if n == most)
        for i in where.pop(best):
            add_pairs(i, -1)
            pieces[i] = _merged(pieces[i], best, FIRST_MERGE + len(merges))
            add_pairs(i, 1)
        del frequency[best]
        merges.append(best)
    return merges


def _merged(pieces, pair, new):
    """The pieces, with `new` in place of every occurrence of the pair, from the left."""
    result = []
    i = 0
    while i < len(pieces):
        is_pair = i + 1 < len(pieces) and (pieces[i], pieces[i + 1]) == pair
        result.append(new if is_pair else pieces[i])
        i += 2 if is_pair else 1
    return result
