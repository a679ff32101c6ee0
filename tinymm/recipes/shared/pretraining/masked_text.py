"""Sentences as BERT learns from them: one alone or two in a row, some words hidden, the second perhaps a stranger."""

from typing import NamedTuple

import numpy as np

from ....data import UNCHOSEN, Packed, SentencePairs, mask_tokens, pack_pair, pad_packed, pieces_by_word
from ....data.files import quoted
from ....data.texts.tokenizer import BOS, SPECIALS
from ..options import require

__all__ = ["ALONE", "MaskedBatch", "MaskedTexts", "sentence_places"]

ALONE = 0.1  # of the rows of pairs: one sentence alone, so that single texts can be read later as well


class MaskedBatch(NamedTuple):
    """Some rows as they are shown, and what is asked of them: in the order in which `BertForPreTraining.loss` has them.

    Attributes
    ----------
    shown, labels : int array (B, T)
        -100 where nothing is asked.
    mask : bool array (B, T)
    segments : int array (B, T)
    is_next : int array (B,), or None
        0 or 1; -100 for a sentence alone. None if there are no pairs.
    """

    shown: np.ndarray
    labels: np.ndarray
    mask: np.ndarray
    segments: np.ndarray
    is_next: np.ndarray | None

    @property
    def ids(self):
        """The true text (B, T)."""
        return np.where(self.labels == UNCHOSEN, self.shown, self.labels)


class MaskedTexts:
    """Documents as rows to learn from.

    Parameters
    ----------
    documents : list of list of str
    tokens : WordTokenizer or BytePairTokenizer
    paired : bool
        Two sentences in a row, the second the next one or a stranger; else each sentence alone.
    positions : int
        How long a row may be.
    share : float
        Of the words, how many are asked.
    whole_word : bool
        Ask all pieces of a word or none.

    Raises
    ------
    ValueError
        For a sentence that is too long, naming it.
    """

    def __init__(self, documents, tokens, paired, positions, share=0.15, whole_word=False):
        self.tokens, self.positions, self.share, self.whole_word = tokens, positions, share, whole_word
        self.sentences = [sentence for document in documents for sentence in document]
        self.pairs = SentencePairs(documents) if paired else None
        self.pieces = {sentence: pieces_by_word(tokens, sentence) for sentence in self.sentences}
        longest = (positions - 3) // 2 if paired else positions - 2      # beside [CLS] and a [SEP] for each sentence
        for sentence, words in self.pieces.items():
            require(sum(map(len, words)) <= longest, "--positions", f"leaves a sentence {longest} tokens",
                    f"{sum(map(len, words))} in {quoted(sentence)}")

    def __len__(self):
        return len(self.sentences if self.pairs is None else self.pairs)

    @property
    def lengths(self):
        """Of sentences alone, so that little of a batch is padding; None of pairs, which are drawn anew."""
        return None if self.pairs is not None else [sum(map(len, self.pieces[own])) for own in self.sentences]

    @property
    def mask_id(self):
        """What stands for a hidden word: one number more than the tokenizer has."""
        return len(self.tokens)

    def draw(self, row, rng):
        """(Packed, label) of a row; the label is -100 for a sentence alone."""
        if self.pairs is None:
            return self.pack(self.sentences[row]), UNCHOSEN
        first, second, label = self.pairs.draw(row, rng)
        if rng.random() < ALONE:
            return self.pack(first), UNCHOSEN
        return self.pack(first, second), label

    def pack(self, first, second=None) -> Packed:
        """One or two sentences of the documents in a row."""
        return pack_pair(self.pieces[first], None if second is None else self.pieces[second], self.positions)

    def batch(self, rows, rng):
        """A MaskedBatch of some rows; which words are hidden and which sentence is the second is drawn anew."""
        packed, labels = zip(*(self.draw(row, rng) for row in rows))
        return self.masked(packed, None if self.pairs is None else np.array(labels), rng)

    def masked(self, packed, is_next, rng):
        """Rows with some of their words hidden; unknown words are not asked, since nobody could name them."""
        ids, mask, segments, starts = pad_packed(packed)
        shown, labels = mask_tokens(ids, ids >= len(SPECIALS), self.mask_id, np.arange(len(SPECIALS), self.mask_id),
                                    rng, self.share, starts if self.whole_word else None)
        return MaskedBatch(shown, labels, mask, segments, is_next)


def sentence_places(batch):
    """The places that are asked, each within its own sentence: what a model that counts neighbours can use.

    Returns
    -------
    list of (list of int, int)
        [CLS] and the sentence as it is shown, and the place in it; row by row, as the labels lie.
    """
    found = []
    for shown, labels, mask, segments in zip(batch.shown, batch.labels, batch.mask, batch.segments):
        for segment in (0, 1):
            places = np.flatnonzero(mask & (segments == segment))
            row = shown[places].tolist() if segment == 0 else [BOS, *shown[places].tolist()]
            asked = np.flatnonzero(labels[places] != UNCHOSEN) + segment
            found += [(row, int(place)) for place in asked]
    return found
