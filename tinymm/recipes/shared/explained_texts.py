"""Which words a class hangs on: the share of each token in its score, for classifiers of texts."""

import numpy as np

from ... import nn
from ...data import SubwordTokenizer, WordTokenizer, pad_batch, pad_pieces, split_words

__all__ = ["explain", "padded"]


def padded(encoded):
    """Encoded texts as (ids, mask), whether their tokens are numbers or bags of numbers."""
    return pad_pieces(encoded) if isinstance(encoded[0][0], list) else pad_batch(encoded)


def explain(model, tokens, text, target=None):
    r"""The share of each token in the score of a class: $\sum_e \phi_{te}$ over the elements of its vector.

    Integrated gradients start from vectors of zeros, so their shares sum to what the whole text adds to the score.
    Members of an ensemble have vectors of their own; the shares are the mean of theirs.

    Parameters
    ----------
    model : Ensemble
    tokens : tokenizer
        Of one of the classes in `TOKENIZERS`.
    text : str
    target : int, optional
        The class; by default the one predicted.

    Returns
    -------
    words : list of T str
        The tokens as they were read, with the spaces between them.
    shares : dict of str to float array (T,)
        By method: "gradient × input" and "integrated gradients".
    """
    model.eval()
    ids, _ = padded([tokens.encode(text)])                               # (1, T) or (1, T, G)
    target = np.array([model(ids).data[0].argmax() if target is None else target])
    vectors = [member.encoder.embed(ids).data for member in model.members]              # (1, T, E) each
    methods = {"gradient × input": nn.gradient_times_input, "integrated gradients": nn.integrated_gradients}
    shares = {name: np.mean([method(member.judge, x, target=target)[0].sum(-1)
                             for member, x in zip(model.members, vectors)], 0) for name, method in methods.items()}
    if isinstance(tokens, SubwordTokenizer):
        words = [f"{word} " for word in split_words(text)]
    else:
        space = " " if isinstance(tokens, WordTokenizer) else ""
        words = [tokens.words[i] + space for i in ids[0, 1:-1]]          # without <bos> and <eos>
    return words, {name: share[1:-1] for name, share in shares.items()}
