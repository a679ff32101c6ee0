"""Characters to numbers and back: the smallest vocabulary, the longest sequences."""

import json
from collections import Counter

from ..files import quoted
from .tokenizer import BOS, EOS, PAD, SPECIALS, UNK, read_vocabulary

__all__ = ["CharTokenizer"]


class CharTokenizer:
    """A vocabulary of characters, with <pad> = 0, <bos> = 1, <eos> = 2 and <unk> = 3 before them.

    Text whose characters are all known comes back exactly, case and white space included. A character is a code point
    here, an accent of its own too: where texts write é in one and in two, bring them to one form first
    (`unicodedata.normalize`).

    Parameters
    ----------
    characters : sequence of str
        Distinct, one character each, in the order of their numbers; the first gets 4.

    Attributes
    ----------
    words : tuple of str
        What each number stands for.

    Examples
    --------
    >>> tokenizer = CharTokenizer.fit(["noon", "no"])
    >>> tokenizer.encode("on")
    [1, 5, 4, 2]
    >>> tokenizer.decode([1, 4, 5, 3, 2, 0])
    'no�'
    """

    def __init__(self, characters):
        characters = list(characters)
        seen = set()
        for c in characters:
            if not isinstance(c, str) or len(c) != 1 or c in seen:
                twice = " twice" if c in seen else ""
                raise ValueError(f"CharTokenizer: needs distinct single characters; got {quoted(c)}{twice}")
            seen.add(c)
        self.words = (*SPECIALS, *characters)
        self.ids = {c: number for number, c in enumerate(characters, len(SPECIALS))}

    @classmethod
    def fit(cls, texts, min_count=1):
        """The tokenizer of all characters that occur at least `min_count` times, frequent ones first."""
        counts = Counter(c for text in texts for c in text)
        return cls(sorted((c for c in counts if counts[c] >= min_count), key=lambda c: (-counts[c], c)))

    def __len__(self):
        return len(self.words)

    def encode(self, text):
        """The numbers of the text's characters between <bos> and <eos>: list of int."""
        return [BOS, *(self.ids.get(c, UNK) for c in text), EOS]

    def decode(self, ids):
        """The text up to the first <eos>; <bos> and <pad> are left out, <unk> becomes U+FFFD.

        Raises
        ------
        ValueError
            If a number is not in the vocabulary.
        """
        characters = []
        for number in map(int, ids):
            if not 0 <= number < len(self.words):
                raise ValueError(f"CharTokenizer.decode: ids must be in 0..{len(self.words) - 1}; got {number}")
            if number == EOS:
                break
            if number not in (PAD, BOS):
                characters.append("\N{REPLACEMENT CHARACTER}" if number == UNK else self.words[number])
        return "".join(characters)

    def to_json(self):
        """The vocabulary as JSON text, which `from_json` reads."""
        return json.dumps({"characters": self.words[len(SPECIALS):]})

    @classmethod
    def from_json(cls, text):
        """The tokenizer that wrote this text.

        Raises
        ------
        ValueError
            If the text is not JSON of the form {"characters": [text, ...]}, or these are not distinct characters.
        """
        return cls(**read_vocabulary(text, "CharTokenizer", characters="text"))
