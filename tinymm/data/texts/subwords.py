"""Words together with the runs of letters in them, by which even a word never seen before is known in part."""

import json
from collections import Counter

import numpy as np

from ...letters import graphemes
from .tokenizer import BOS, EOS, PAD, SPECIALS, UNK, check_pieces, read_vocabulary, split_words

__all__ = ["SubwordTokenizer", "letter_runs", "pad_pieces"]


class SubwordTokenizer:
    """Each word as a bag of numbers: its own, or that of <unk>, and then those of its runs of 3 to 5 letters.

    Parameters
    ----------
    words, runs : sequence of str
        Distinct words, and distinct runs as `letter_runs` yields them.

    References
    ----------
    Bojanowski et al. (2017), Enriching word vectors with subword information, §3.2: there the runs have 3 to 6 letters,
    and a word's vector is the sum of theirs and its own.

    Examples
    --------
    >>> tokenizer = SubwordTokenizer.fit(["top up", "top-up", "stop"])
    >>> [[tokenizer.pieces[i] for i in bag] for bag in tokenizer.encode("tops up")]
    [['<bos>'], ['<unk>', '<to', 'top', '<top'], ['up', 'up>'], ['<eos>']]
    """

    def __init__(self, words, runs):
        self.words = tuple(words)
        self.runs = tuple(runs)
        check_pieces((*SPECIALS, *self.words), "SubwordTokenizer: words must be distinct and none of the specials")
        check_pieces(self.runs, "SubwordTokenizer: runs must be distinct")
        self.pieces = (*SPECIALS, *self.words, *self.runs)
        self._word = {word: i for i, word in enumerate(self.words, len(SPECIALS))}
        self._run = {run: i for i, run in enumerate(self.runs, len(SPECIALS) + len(self.words))}

    @classmethod
    def fit(cls, texts, min_count=2):
        """All words, and the runs that occur in at least `min_count` different ones; frequent ones first."""
        words = Counter(word for text in texts for word in split_words(text))
        runs = Counter(run for word in words for run in set(letter_runs(word)))
        frequent = {run: count for run, count in runs.items() if count >= min_count}

        def by_frequency(counts):
            return sorted(counts, key=lambda piece: (-counts[piece], piece))

        return cls(by_frequency(words), by_frequency(frequent))

    def __len__(self):
        return len(self.pieces)

    def encode(self, text):
        """A bag of numbers for each word, between the bags [<bos>] and [<eos>]: list of list of int."""
        bags = []
        for word in split_words(text):
            runs = (self._run[run] for run in letter_runs(word) if run in self._run)
            bags.append([self._word.get(word, UNK), *dict.fromkeys(runs)])
        return [[BOS], *bags, [EOS]]

    def to_json(self):
        """The vocabulary as JSON text, which `from_json` reads."""
        return json.dumps({"words": self.words, "runs": self.runs}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text):
        """The tokenizer that wrote this text.

        Raises
        ------
        ValueError
            If the text is not JSON of the form {"words": [text, ...], "runs": [text, ...]}, or one is there twice.
        """
        return cls(**read_vocabulary(text, "SubwordTokenizer", words="text", runs="text"))


def letter_runs(word, sizes=(3, 4, 5)):
    """The runs of letters in a word; < and > mark where it begins and ends. A letter keeps its marks.

    Examples
    --------
    >>> letter_runs("top")
    ['<to', 'top', 'op>', '<top', 'top>', '<top>']
    """
    marked = ["<", *graphemes(word), ">"]
    return ["".join(marked[i:i + n]) for n in sizes for i in range(len(marked) - n + 1)]


def pad_pieces(sequences):
    """Bring sequences of bags to the length of the longest, and bags to the size of the largest.

    Parameters
    ----------
    sequences : sequence of sequence of sequence of int

    Returns
    -------
    ids : numpy.ndarray
        int64 (B, T, G), filled up with <pad>.
    mask : numpy.ndarray
        bool (B, T), True where there is a token.

    Examples
    --------
    >>> ids, mask = pad_pieces([[[1], [5, 7]], [[1]]])
    >>> ids.tolist(), mask.tolist()
    ([[[1, 0], [5, 7]], [[1, 0], [0, 0]]], [[True, True], [True, False]])
    """
    if not len(sequences):
        raise ValueError("pad_pieces: needs at least one sequence; got none")
    lengths = np.array([len(sequence) for sequence in sequences])
    mask = np.arange(lengths.max(initial=0)) < lengths[:, None]          # (B, T)
    size = max((len(bag) for sequence in sequences for bag in sequence), default=0)
    ids = np.full((*mask.shape, size), PAD, dtype=np.int64)
    for row, sequence in zip(ids, sequences):
        for place, bag in zip(row, sequence):
            place[:len(bag)] = bag
    return ids, mask
