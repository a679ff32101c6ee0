"""Words to numbers and back: a word-level tokenizer and the padding of batches.

A caption's normal form is its lower-case words with punctuation set as in print. Two captions are the same if their
normal forms are; decoding restores exactly the normal form of a caption whose words are all known.
"""

import difflib
import json
import re
from collections import Counter
from functools import cache

import numpy as np

from ...letters import HAN, begins_with_mark, fold, fragments
from ..files import parse_json, quoted

__all__ = ["BOS", "EOS", "PAD", "UNK", "WordTokenizer", "check_known_words", "normalise", "pad_batch", "split_words"]

PAD, BOS, EOS, UNK = range(4)
SPECIALS = ("<pad>", "<bos>", "<eos>", "<unk>")
CLOSING = set(",.:;!?)")
OPENING = set("(")
# Neighbours of these are set without a space: Han and kana, and the full-width marks of Chinese and Japanese.
KANA = "\u3041-\u3096\u309d-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
FULL_WIDTH = "、-〃〈-】〔-〛・！（），．：；？～-･"
UNSPACED = re.compile(rf"(?<=[{HAN}]) (?=[{HAN}{KANA}\d])|(?<=[{KANA}\d]) (?=[{HAN}])"
                      rf"|(?<=[{FULL_WIDTH}]) (?=[\w{FULL_WIDTH}])|(?<=\S) (?=[{FULL_WIDTH}])")


def split_words(text):
    """The lower-case words and punctuation marks of a text.

    A word is what a reader of its script calls one: its vowel signs, combining marks and joiners belong to it, and so
    do its inner hyphens and apostrophes; an emoji is one sign with its skin tone and all that is joined to it. Accents
    written as one code point or as two are the same. In scripts without spaces between words each Han character is a
    word, as in BERT and in SacreBLEU's "zh"; a run of kana, Thai, Lao, Khmer or Burmese letters is one (where its words
    end, only a dictionary knows: put spaces there first).

    Examples
    --------
    >>> split_words("Waving hand: medium-dark skin tone")
    ['waving', 'hand', ':', 'medium-dark', 'skin', 'tone']
    >>> split_words("हिन्दी 👩🏽‍🚀! 你好") == ["हिन्दी", "👩🏽‍🚀", "!", "你", "好"]
    True
    """
    return _word().findall(fold(text))


@cache
def _word():
    """The pattern: a word with its inner hyphens and apostrophes ("medium-dark", "o'clock"), or another sign alone."""
    part = fragments()
    return re.compile(rf"{part.run}(?:[-'’]{part.run})*|{part.han}|{part.emoji}|[^\w\s]{part.mark}*")


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

    Raises
    ------
    ValueError
        If one is no text, empty, holds white space, is one of the specials, or occurs twice.

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
        check_pieces(self.words, "WordTokenizer: words must be distinct and none of the specials")
        self.ids = {word: number for number, word in enumerate(self.words)}

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
            If the text is not JSON of the form {"words": [text, ...]}, or these are no words of a tokenizer.
        """
        return cls(**read_vocabulary(text, "WordTokenizer", words="text"))


def check_known_words(asker, text, known_words):
    """Refuse a text that has no words, or one that is not in a vocabulary: it would be read as <unk>.

    Parameters
    ----------
    asker : str
        Who asks, for the error.
    text : str
    known_words : collection of str
        Such as a `WordTokenizer`'s `words`.

    Raises
    ------
    ValueError
        Naming the word and the nearest known ones.

    Examples
    --------
    >>> check_known_words("draw", "a red sqare", ["a", "red", "circle", "square"])
    Traceback (most recent call last):
    ValueError: draw: every word must be in the vocabulary; got 'sqare' in 'a red sqare' (known words near it: square)
    """
    words = split_words(text)
    if not words:
        raise ValueError(f"{asker}: a text must have words; got {quoted(text)}")
    for word in words:
        if word not in known_words:
            near = difflib.get_close_matches(word, list(known_words), n=3)
            told = f"known words near it: {', '.join(near)}" if near else "no known word is near it"
            raise ValueError(f"{asker}: every word must be in the vocabulary; got {word!r} in {text!r} ({told})")


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
    """Set words as in print: no space before a closing mark, after an opening one, nor where Chinese has none."""
    parts = []
    for word in words:
        opened = parts and parts[-1][-1] in OPENING and not begins_with_mark(word)  # it would attach to the bracket
        attached = not parts or word in CLOSING or opened
        parts.append(word if attached else " " + word)
    text = "".join(parts)
    return text if text.isascii() else UNSPACED.sub("", text)


def check_pieces(pieces, rule):
    """Refuse what cannot be a vocabulary of text: an entry that is no text, is empty, holds white space, or is there
    twice.

    Raises
    ------
    ValueError
        Beginning with the rule.
    """
    seen = set()
    for piece in pieces:
        if not isinstance(piece, str) or piece.split() != [piece]:
            raise ValueError(f"{rule}, without white space, and not empty; got {quoted(piece)}")
        if piece in seen:
            raise ValueError(f"{rule}; got {quoted(piece)} twice")
        seen.add(piece)


def read_vocabulary(text, tokenizer, **lists):
    """What a tokenizer has written as JSON: a dict of lists, and nothing else.

    Parameters
    ----------
    text : str
    tokenizer : str
        Its name, for messages.
    **lists : str
        By name, what each list holds: "text", or "[int, int]".

    Returns
    -------
    dict of str to list

    Raises
    ------
    ValueError
        If the text has another form; it names the list and the first entry that is wrong.

    Examples
    --------
    >>> read_vocabulary('{"words": ["a", 1]}', "WordTokenizer", words="text")
    Traceback (most recent call last):
    ValueError: WordTokenizer.from_json: entry 1 of words must be text; got 1
    """
    where = f"{tokenizer}.from_json"
    if not isinstance(text, str):
        raise ValueError(f"{where}: needs text; got {quoted(text)}")
    state = parse_json(text, where)
    if not isinstance(state, dict) or set(state) != set(lists) or not all(isinstance(v, list) for v in state.values()):
        form = ", ".join(f'"{name}": [{kind}, ...]' for name, kind in lists.items())
        raise ValueError(f"{where}: needs {{{form}}}; got {quoted(state)}")
    for name, kind in lists.items():
        is_right = _is_text if kind == "text" else _is_pair
        for i, entry in enumerate(state[name]):
            if not is_right(entry):
                raise ValueError(f"{where}: entry {i} of {name} must be {kind}; got {quoted(entry)}")
    return state


def _is_text(entry):
    return isinstance(entry, str)


def _is_pair(entry):
    return isinstance(entry, list) and len(entry) == 2 and all(type(number) is int for number in entry)  # no bool
