"""Every fusion at one size: what `draw_fusions.py` draws, and `generate_costs.py` counts.

A text of 15 words × 192 features, an image of 64 regions × 128; where vectors enter, one of 192 and one of 128; where
decisions enter, two among 10 classes. Features are 128 wide, everything else is each class's default, unless the table
below says otherwise.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout

from tinymm import fusion  # noqa: E402

WIDTHS = {"text": 192, "image": 128}
WORDS, REGIONS, WIDTH, CLASSES = 15, 64, 128, 10


@dataclass(frozen=True)
class Row:
    """A fusion: how it is built, when one would pick it, and what is left out of its picture to keep it small."""

    when: str
    options: dict = field(default_factory=dict)
    around: type = None  # a fusion of vectors that it wraps
    drawn: dict = field(default_factory=dict)  # options of the picture: fewer layers, fewer chunks


CONCATENATION = fusion.ConcatenationFusion
ROWS = {
    # vectors
    "ConcatenationFusion": Row("nothing is known yet; the bar for all others"),
    "AdditionFusion": Row("the same functions, where the sum's parts shall be looked at or decayed one by one"),
    "GatingFusion": Row("one modality may be bad from example to example, and one number shall say so"),
    "GatedMultimodalUnit": Row("the same, feature by feature"),
    "FiLMFusion": Row("one modality says what to do with the other"),
    "BilinearFusion": Row("combinations count and both vectors are small"),
    "MLBFusion": Row("combinations count; a first compact form", {"hidden": 256}),
    "MFBFusion": Row("the same with fewer layers, and a root that tames large products"),
    "MFHFusion": Row("products of two are not enough"),
    "MUTANFusion": Row("a core is worth its parameters"),
    "BLOCKFusion": Row("the same with a core of blocks, many times smaller", drawn={"chunks": 3}),
    "MCBFusion": Row("nothing may be learned or stored before the classifier", {"width": 2048}),
    "TensorFusion": Row("single features, pairs and triples may all matter, of few small modalities"),
    "LowRankFusion": Row("the same with a tensor of weights of low rank"),
    # decisions
    "MeanOfDecisions": Row("no modality shall be able to forbid a class"),
    "ProductOfExperts": Row("modalities are nearly independent given the class; the bar for fusions of features"),
    "WeightedDecisions": Row("one single model is too sure of itself, or repeats the other"),
    "StackedDecisions": Row("single models take classes for each other in a regular way"),
    # sequences
    "AttentionFusion": Row("one modality looks for something in the other; it may write captions"),
    "HardAttentionFusion": Row("one region shall be looked at, chosen by REINFORCE"),
    "GumbelAttentionFusion": Row("the same, chosen by a relaxation that has a gradient"),
    "AtEachPosition": Row("a caption, by any fusion of vectors", around=CONCATENATION),
    "EarlyFusion": Row("there are data enough to learn all interactions from the ground up",
                       drawn={"layers": 1}),
    "PrefixFusion": Row("the same, and it shall write captions", drawn={"layers": 1}),
    "JoinedChannels": Row("position t is the same moment in all of them"),
    "IntermediateFusion": Row("each modality needs work of its own first"),
    "ParallelCoAttention": Row("one vector of each is wanted, each chosen by looking at all of the other"),
    "AlternatingCoAttention": Row("the same, in time that is linear in the lengths"),
    "CoAttentionBlock": Row("two streams are trained on pairs, with layers of their own in between"),
    "CausalCoAttention": Row("co-attention that may write captions"),
    "GlimpseFusion": Row("the question names several things, or asks how many"),
    "MulTFusion": Row("sequences of different rates that are not aligned", {"heads": 8}, drawn={"layers": 1}),
    "BottleneckFusion": Row("streams are long, and little has to be told",
                            drawn={"layers": 2, "exchange_from": 0}),
    "GatedCrossAttention": Row("an image is to enter a language model that is trained already"),
    "PerceiverResampler": Row("what follows needs a fixed, small number of tokens", drawn={"layers": 1}),
    "QueryingTransformer": Row("a frozen image encoder meets a frozen language model", drawn={"layers": 1}),
    # around another fusion
    "MissingTokens": Row("data lack modalities, in training too", around=CONCATENATION),
    "ModalityDropout": Row("data are complete in training, and will not be in use", {"p": 0.3}, around=CONCATENATION),
}


def made(name, drawn=False):
    """The fusion of a row; `drawn`: as small as its picture shall be."""
    rng, row, kind = np.random.default_rng(0), ROWS[name], getattr(fusion, name)
    if row.around is not None:
        own = {} if name == "AtEachPosition" else {"rng": rng}
        return kind(row.around(WIDTHS, WIDTH, rng=rng), **row.options, **own)
    if kind.kind == "decisions":
        return kind(dict.fromkeys(WIDTHS, CLASSES), rng=rng)
    return kind(WIDTHS, **{"width": WIDTH, **row.options, **(row.drawn if drawn else {})}, rng=rng)


def inputs(model):
    """One example for it: a tuple of arrays."""
    rng = np.random.default_rng(0)
    if model.kind == "decisions":
        return tuple(np.full((1, CLASSES), np.log(1 / CLASSES), np.float32) for _ in WIDTHS)
    lengths = (WORDS, WORDS if isinstance(model, fusion.JoinedChannels) else REGIONS)
    shapes = [(1, *([length] if model.kind == "sequences" else []), width)
              for length, width in zip(lengths, WIDTHS.values())]
    return tuple(rng.standard_normal(shape, np.float32) for shape in shapes)


def names(kind):
    """Those of one kind, in order; what wraps others is of the kind "around"."""
    def of(name):
        return "around" if name in ("MissingTokens", "ModalityDropout") else made(name).kind

    return [name for name in ROWS if of(name) == kind]
