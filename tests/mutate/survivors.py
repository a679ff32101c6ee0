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
DIVIDES = "divides without a rest, or is refused"
SQUARE = "the grid is square"

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
    ("causal.CausalLSTM.forward", "if state and state.length:", TRUE_ANYWAY),
    ("convolutional.ConvEncoder.__init__",
     "self.patch, self.pooled_width = -(-self.grid[0] // glance), glance**2 * self.width", DIVIDES),
    ("vision_transformer.VisionTransformer.forward",
     'mask = checked_mask("VisionTransformer", mask, (len(images), self.grid[1] * self.grid[1]))', SQUARE),
    ("vision_transformer.VisionTransformer.forward",
     'mask = checked_mask("VisionTransformer", mask, (len(images), self.grid[-1] * self.grid[1]))', SQUARE),
    ("recurrent.TextRNN.__init__", "self.recurrence = CELLS[cell](embedding, -(-width // 2), layers, dropout=dropout, "
                                   "bidirectional=True, rng=rng)", DIVIDES),
    ("grouped.GroupedQueryAttention._split_heads",
     "return x.reshape(batch, length, -(-width // head_width), head_width).transpose(1, 2)", DIVIDES),
    ("rollout.attention_rollout", "batch = weights[-1].shape[0]", "all layers have one batch"),
    ("summaries._indented", "return '  ' + f\"{row.name.rpartition('.')[2]} {row.kind}\"", OPEN),
    ("normalization.RMSNorm.__init__", "self.normalized_shape = normalized_shape", OPEN),
    ("transformer.TransformerEncoder.forward", "return src if not self.norm else self.norm(src)", TRUE_ANYWAY),
    ("calling.caller_for", "if False:", OPEN),
    ("calling._binary_caller", "if True:", SPEED),
    ("calling._binary_caller", "return Tensor(y, Node(record, (first, second), record.pick((a, b, y)), (a, b),",
     "keeps memory longer: inputs that no composite reads"),
    ("calling._sequence_caller", "arity = len(record.names) if record.starred is None else 1", OPEN),
    ("calling._sequence_caller", "values = list(bind(args, kwargs))", SPEED),
    ("calling._plain_argument",
     "return _array_beside(a, args) if record.operands and isinstance(args, (list, tuple)) else a", SAME_VALUES),
    ("calling.lay_results", "port = Node(node.op, (node,), None, (), part.shape, part.dtype)", "a port keeps nothing"),
    ("debug._Watch.unlock", "if entry[1] == 0 and (array.base is None or id(array.base) in self.locked):", OPEN),
    ("debug._arrays_in", "if False:", OPEN),
    ("op.Op.miss", "missing = [name for name in self.places if name not in extras]", MESSAGE),
    ("op.Op.pull_recorded", "if self.composite:", TRUE_ANYWAY),
    ("tape.grad", "wanted.update((node, g) for node, g in cotangents.items())", "more entries, which nobody reads"),
    ("tape._one_each",
     "listed = g is None or isinstance(g, Tensor) or np.shape(g) == outputs[0].shape", SAME_VALUES),
    ("op.Op._pull_composite",
     "return tuple(np.zeros_like(a.data) if p is not None and d is None else d", "the walk makes it a Tensor"),
    ("tape._reachable", "seen", SPEED),
    ("tape._arrivals", "cotangents[node] = g", "found at the end of the walk instead"),
    ("tape._walk", "if d is not ndarray:", SPEED),
    ("tape._walk", "if watch:", TRUE_ANYWAY),
    ("tape._walk_recorded", "if not parent or parent not in useful:", TRUE_ANYWAY),
    ("tape._unbroadcast", "if extra >= -1:", "refused one line later"),
    ("tape._unbroadcast", "stretched = [k + extra for k, n in enumerate(shape) if n == 1 and d.shape[k + extra] != 0]",
     "a sum over an axis of length 1"),
]
