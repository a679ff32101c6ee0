"""Words to numbers and back: a word-level tokenizer and the padding of batches.

A caption's normal form is its lower-case words with punctuation set as in print. Two captions are the same if their
normal forms are; decoding restores exactly the normal form of a caption whose words are all known.
"""

import json
import re
from collections import Counter

import numpy as np

__all__ = ["BOS", "EOS", "PAD", "UNK", "WordTokenizer", "normalise", "pad_batch", "split_words"]

PAD, BOS, EOS, UNK = range(4)
SPECIALS = ("<pad>", "<bos>", "<eos>", "<unk>")
# A word keeps its inner hyphens and apostrophes ("medium-dark", "o'clock"); any other sign stands alone.
WORD = re.compile(r"\w+(?:[-'’]\w+)*|[^\w\s]")
CLOSING = set(",.:;!?)")
OPENING = set("(")


def split_words(text):
    """The lower-case words and punctuation marks of a text.

    Examples
    --------
    >>> split_words("Waving hand: medium-dark skin tone")
    ['waving', 'hand', ':', 'medium-dark', 'skin', 'tone']
    """
    return WORD.findall(text.lower())


def normalise(text):
    """The normal form of a text; normalising twice changes nothing.

    Examples
    --------
    >>> normalise("Waving  hand :medium-dark skin tone")
    'waving hand: medium-dark skin tone'
    """
    return _join(split_words(text))


class WordTokenizer:
    """A vocabulary of words, with <pad> = 0, <bos> = 1, <eos> = 2 and <unk> = 3 before them.

    Parameters
    ----------
    words : sequence of str
        Distinct words, as `split_words` yields them, in the order of their numbers; the first gets 4.

    Examples
    --------
    >>> tokenizer = WordTokenizer.fit(["a red circle", "a blue cross"])
    >>> tokenizer.encode("A red cross!")
    [1, 4, 8, 7, 3, 2]
    >>> tokenizer.decode([1, 4, 8, 7, 2, 0])
    'a red cross'
    """

    def __init__(self, words):
        self.words = (*SPECIALS, *words)
        self.ids = {word: number for number, word in enumerate(self.words)}
        if len(self.ids) != len(self.words):
            twice = sorted(word for word, count in Counter(self.words).items() if count > 1)
            raise ValueError(f"WordTokenizer: words must be distinct and none of the specials; got {twice[:5]} twice")

    @classmethod
    def fit(cls, captions, min_count=1):
        """The tokenizer of all words that occur at least `min_count` times, frequent words first."""
        counts = Counter(word for caption in captions for word in split_words(caption))
        known = [word for word in counts if counts[word] >= min_count]
        return cls(sorted(known, key=lambda word: (-counts[word], word)))

    def __len__(self):
        return len(self.words)

    def encode(self, caption):
        """The caption's word numbers between <bos> and <eos>: list of int."""
        return [BOS, *(self.ids.get(word, UNK) for word in split_words(caption)), EOS]

    def decode(self, ids):
        """The normal form of the words with these numbers, up to the first <eos>; <bos> and <pad> are left out.

        Raises
        ------
        ValueError
            If a number is not in the vocabulary.
        """
        words = []
        for number in map(int, ids):
            if not 0 <= number < len(self.words):
                raise ValueError(f"WordTokenizer.decode: ids must be in 0..{len(self.words) - 1}; got {number}")
            if number == EOS:
                break
            if number not in (PAD, BOS):
                words.append(self.words[number])
        return _join(words)

    def to_json(self):
        """The vocabulary as JSON text, which `from_json` reads."""
        return json.dumps({"words": self.words[len(SPECIALS) :]}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text):
        """The tokenizer that wrote this text.

        Raises
        ------
        ValueError
            If the text is not JSON of the form {"words": [...]}.
        """
        state = json.loads(text)
        words = state.get("words") if isinstance(state, dict) else None
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError('WordTokenizer.from_json: needs {"words": [text, ...]}; got ' + text[:80])
        return cls(words)


def pad_batch(sequences):
    """Bring sequences to the length of the longest.

    Parameters
    ----------
    sequences : sequence of sequence of int

    Returns
    -------
    ids : numpy.ndarray
        int64 (B, T), filled up with <pad>.
    mask : numpy.ndarray
        bool (B, T), True where there is a token.

    Raises
    ------
    ValueError
        If there are no sequences.

    Examples
    --------
    >>> ids, mask = pad_batch([[1, 5, 2], [1, 2]])
    >>> ids.tolist(), mask.tolist()
    ([[1, 5, 2], [1, 2, 0]], [[True, True, True], [True, True, False]])
    """
    if len(sequences) == 0:
        raise ValueError("pad_batch: needs at least one sequence; got none")
    lengths = np.array([len(sequence) for sequence in sequences])
    mask = np.arange(lengths.max()) < lengths[:, None]  # (B, T)
    ids = np.full(mask.shape, PAD, dtype=np.int64)
    for row, sequence in zip(ids, sequences):
        row[: len(sequence)] = sequence
    return ids, mask


def _join(words):
    """Set words as in print: no space before a closing mark nor after an opening one."""
    text = ""
    for word in words:
        attached = not text or word in CLOSING or text[-1] in OPENING
        text += word if attached else " " + word
    return text
