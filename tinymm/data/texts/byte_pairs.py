"""Byte-pair encoding: frequent pieces of words, learned over bytes, so that no text is unknown."""

import heapq
import json
import re
from collections import Counter, defaultdict
from functools import cache

from ...letters import INNER, fragments
from .tokenizer import BOS, EOS, PAD, SPECIALS, read_vocabulary

__all__ = ["BytePairTokenizer", "learn_merges", "split_chunks"]

FIRST_BYTE = len(SPECIALS)  # number of the piece for byte 0
FIRST_MERGE = FIRST_BYTE + 256
LARGEST_VOCABULARY = 1 << 24  # bytes of all pieces together: 34 merges, each doubling the one before, promise 32 GiB


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
        If a merge joins pieces that do not exist yet, or occurs twice, or the pieces have more than 16 MiB together.

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
        _check_merges(self.merges, self.ranks)
        self.pieces = [b""] * FIRST_BYTE + [bytes([b]) for b in range(256)]
        for first, second in self.merges:
            self.pieces.append(self.pieces[first] + self.pieces[second])
        self.words = (*SPECIALS, *(piece.decode("utf-8", "replace") for piece in self.pieces[FIRST_BYTE:]))
        self._known = {}  # chunk -> its pieces

    @classmethod
    def fit(cls, texts, vocabulary=1024):
        """Learn merges until there are `vocabulary` numbers (at least 260), or no pair occurs twice."""
        if vocabulary < FIRST_MERGE:
            raise ValueError(f"BytePairTokenizer.fit: the specials and bytes alone are {FIRST_MERGE}; got {vocabulary}")
        chunks = Counter(chunk for text in texts for chunk in split_chunks(text))
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
        for chunk in split_chunks(text):
            if chunk not in self._known:
                self._known[chunk] = self._pieces_of(chunk)
            ids += self._known[chunk]
        return [*ids, EOS]

    def _pieces_of(self, chunk):
        """The chunk's bytes, merged in the order in which the merges were learned."""
        row = _Row(chunk)
        queue = []  # of (number of the merge, place): learned first, and of the same merge the leftmost

        def add(place):
            rank = self.ranks.get(row.pair(place))
            if rank is not None:
                heapq.heappush(queue, (rank, place))

        for place in range(len(row.pieces)):
            add(place)
        while queue:
            rank, place = heapq.heappop(queue)
            if self.ranks.get(row.pair(place)) == rank:  # no other merge has taken one of the two meanwhile
                row.join(place, rank)
                add(row.before[place])
                add(place)
        return [piece for piece in row.pieces if piece is not None]

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
        return cls(**read_vocabulary(text, "BytePairTokenizer", merges="[int, int]"))


def split_chunks(text):
    """The parts of a text inside which merges stay, which together are the text: a word with its marks and the space
    before it, a run of other signs, or a run of white space.

    Examples
    --------
    >>> split_chunks("so it's!  no")
    ['so', ' it', "'", 's', '!', '  ', 'no']
    """
    return _chunk().findall(text)


@cache
def _chunk():
    return re.compile(rf" ?\w(?:\w|{fragments().mark}|[{INNER}](?=\w))*| ?[^\w\s]+|\s+")


def _check_merges(merges, ranks):
    """Refuse merges of pieces that do not exist yet, of the same pair twice, or to pieces too large for the memory."""
    sizes = [1] * FIRST_MERGE
    total = 0
    for k, pair in enumerate(merges):
        if len(pair) != 2 or not all(FIRST_BYTE <= piece < FIRST_MERGE + k for piece in pair):
            raise ValueError(f"BytePairTokenizer: merge {k} must join two of the pieces "
                             f"{FIRST_BYTE}..{FIRST_MERGE + k - 1}; got {pair}")
        if ranks[pair] != FIRST_MERGE + k:
            raise ValueError(f"BytePairTokenizer: every merge must be of another pair; got {pair} twice")
        sizes.append(sizes[pair[0]] + sizes[pair[1]])
        total += sizes[-1]
        if total > LARGEST_VOCABULARY:
            raise ValueError(f"BytePairTokenizer: the pieces may have {LARGEST_VOCABULARY:,} bytes together; "
                             f"merge {k} makes them {total:,}")


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
    pairs = _PairCounts(chunks)
    merges = []
    while len(merges) < count:
        best = pairs.most_frequent()
        if best is None:
            break
        pairs.join(best, FIRST_MERGE + len(merges))
        merges.append(best)
    return merges


class _PairCounts:
    """How often each pair of neighbouring pieces occurs, kept up to date while pairs are joined.

    A merge looks at the places where its pair stands, no others; so all merges together take a time that grows with the
    text's length, and not with the length times the number of merges.
    """

    def __init__(self, chunks):
        self.rows = [_Row(chunk) for chunk in chunks]
        self.times = list(chunks.values())
        self.frequency = Counter()
        self.places = defaultdict(list)  # of a pair: (row, place); in some of them it does not stand any more
        self.queue = []  # of (−frequency, pair): the most frequent first, and of equals the pair of smaller numbers
        self._enqueue({self._found(r, place) for r, row in enumerate(self.rows) for place in range(len(row.pieces))})

    def _found(self, r, place):
        """Count the pair at this place, and return it; None if there is none."""
        pair = self.rows[r].pair(place)
        if pair is not None:
            self.frequency[pair] += self.times[r]
            self.places[pair].append((r, place))
        return pair

    def _enqueue(self, pairs):
        for pair in pairs - {None}:
            heapq.heappush(self.queue, (-self.frequency[pair], pair))

    def most_frequent(self):
        """The pair that occurs most often, or None if none occurs twice."""
        while self.queue:
            n, pair = heapq.heappop(self.queue)
            if self.frequency[pair] != -n:  # it has become rarer since it was queued
                heapq.heappush(self.queue, (-self.frequency[pair], pair))
            elif self.frequency[pair] < 2:
                return None
            else:
                return pair
        return None

    def join(self, pair, new):
        """Put the piece `new` in the place of every such pair, in each row from the left."""
        created = set()
        for r, place in sorted(self.places.pop(pair)):
            row = self.rows[r]
            if row.pair(place) == pair:
                for changed in (row.before[place], place, row.after[place]):
                    self.frequency[row.pair(changed)] -= self.times[r]
                row.join(place, new)
                created |= {self._found(r, row.before[place]), self._found(r, place)}
        self._enqueue(created)


class _Row:
    """The pieces of a chunk in a row, joined in place: that takes the same time in a long row as in a short one.

    Attributes
    ----------
    pieces : list of int or None
        By place; None where the piece has become part of the one on its left.
    before, after : list of int or None
        The places of its neighbours.
    """

    def __init__(self, chunk):
        self.pieces = [FIRST_BYTE + b for b in chunk.encode("utf-8")]
        places = range(len(self.pieces))
        self.before = [None, *places[:-1]]
        self.after = [*places[1:], None]

    def pair(self, place):
        """The pieces here and next; None at the end of the row and where there is no piece any more."""
        following = None if place is None else self.after[place]
        return None if following is None else (self.pieces[place], self.pieces[following])

    def join(self, place, new):
        """Put one piece in the place of two."""
        joined = self.after[place]
        following = self.after[joined]
        self.pieces[place] = new
        self.pieces[joined] = self.after[joined] = None
        self.after[place] = following
        if following is not None:
            self.before[following] = place
