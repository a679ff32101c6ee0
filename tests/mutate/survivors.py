"""Mutants of rooms that no test tells from the original, one by one, each with the reason.

An entry names the function, the changed line as it then reads, and why: the values are the same; only the wording of a
message or the speed differs; or no test asks for it yet, which is said as such.
"""

__all__ = ["KNOWN"]

OPEN = "not killed yet"
MESSAGE = "the wording of a message only"
SPEED = "speed only"
SAME_ORDER = "the operation is symmetric, or the axis is the one meant anyway"
TRUE_ANYWAY = "what is not None is true here"
ANY_SEQUENCE = "any sequence will do"
UNLIKELY = "differs with probability 0"
ONE_LONG = "the axis has length 1, or one element is left"
SAME_VALUES = "another way to the same values"

KNOWN = [  # (function, changed line, reason)
    ("captioner.Captioner.read_on", "if state.cache:", TRUE_ANYWAY),
    ("captioner.hide_words", "hidden = rng.random(ids.shape) <= share", UNLIKELY),
    ("captioner.next_word", "return F.log_softmax(logits.data[:, -0], -1), state", ONE_LONG),
    ("ctc_decoding._searched", "prefixes, blanks, labels = [()], np.zeros(1), 1",
     "the first probability only scales all"),
    ("ctc_decoding._searched", "either = np.logaddexp(labels, blanks)", SAME_ORDER),
    ("ctc_decoding._searched", "parent = place.get(prefix[:-1])", "the empty prefix grows by no blank: −∞ is added"),
    ("ctc_decoding._searched", "score = np.logaddexp(labels, blanks) + [prior(prefix)[0] + prior.of_next(prefix, None) "
                               "for prefix in prefixes]", SAME_ORDER),
    ("ctc_decoding._Prior.__call__", "self.known[prefix] = [own, *grown]", ANY_SEQUENCE),
    ("ctc_decoding._checked_lengths", "return frames", ANY_SEQUENCE),
    ("decoding.sample", "return (kept + gumbel).argmax(1)", "two axes: the second is the last"),
    ("decoding.filter_logits", "order = np.argsort(-logits, kind='stable')", SAME_ORDER),
    ("decoding.filter_logits", "if top_p:", "0 is refused: what is not None is true"),
    ("decoding.beam_search", "return [_until(max(closed[example], key=lambda c: c)[1][1:], eos) "
                             "for example in range(batch)]", "only of captions whose scores are equal, another"),
    ("attention.AttentionFusion.forward", "scores = F.attention_scores(q, k)", "the scale is the default"),
    ("attention.AttentionFusion.forward",
     "context = F.reshape(F.transpose(context, 2, 1), (*text.shape[:2], self.width))", SAME_ORDER),
    ("attention.AttentionFusion._keys_and_values", "if cache and cache.key is not None:", TRUE_ANYWAY),
    ("attention.AttentionFusion._keys_and_values", "return (k, v) if not cache else cache.extend(k, v)", TRUE_ANYWAY),
    ("attention.AttentionFusion._split_heads",
     "return F.transpose(F.reshape(x, (*x.shape[:2], self.heads, self.width // self.heads)), 2, 1)", SAME_ORDER),
    ("attention.AttentionFusion._split_heads",
     "return F.transpose(F.reshape(x, (*x.shape[:2], self.heads, -(-self.width // self.heads))), 1, 2)",
     "heads divide the width"),
    ("fused.checked_inputs", "batch = len(inputs[-1])", "all inputs have one length"),
    ("fused.checked_inputs", "return masks, present.T", ANY_SEQUENCE),
    ("cider.DocumentFrequency.idf",
     "return math.log(self.documents) - math.log(max(1, self.counts.get(ngram, 1)))", "0 or 1, at least 1"),
    ("wer.edit_distance", "return _table(reference, hypothesis)[-1][-1]", SAME_ORDER),
    ("wer._table", "D = [range(len(hypothesis) + 1)]", ANY_SEQUENCE),
]
