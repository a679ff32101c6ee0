"""A look inside a model of texts and regions: who looks at whom, and which of it matters for a word."""

import numpy as np

from .... import functional as F
from ....autograd import enable_grad, grad
from ....data import crop_regions
from ....data.shapes.scene import COLOURS, SHAPES
from ....metrics import principal_plane
from ....nn.inspect import attention_relevance, attention_rollout, joint_attention, watch_attention
from ....viz import Example
from ....viz.regions import boxed
from .pairs import shown
from .region_classifier import CROP

__all__ = ["Followed", "add_inside", "follow"]

DRAWN_WORDS = 150  # in the plane


class Followed:
    """Every attention of one reading, and what it does for a score.

    Attributes
    ----------
    kinds : list of str
        "first", "second", "between" or "joint", in the order of the layers.
    weights : list of lists of arrays
        Of each layer: [(B, H, T, T)], [(B, H, N, N)], two between the streams, or [(B, H, T + N, T + N)].
    rollout, relevance : arrays (B, T + N, T + N)
    lengths : tuple of int
        T, N.
    """

    def __init__(self, kinds, weights, gradients, lengths):
        self.kinds, self.weights, self.lengths = kinds, weights, lengths
        joint = [_joint(*layer, lengths, 1.0) for layer in zip(kinds, weights)]
        self.rollout = attention_rollout(joint)
        self.relevance = attention_relevance(joint, [_joint(*layer, lengths, 0.0) for layer in zip(kinds, gradients)])

    @property
    def across(self):
        """What passes between texts and regions: list of (words over regions (B, H, T, N), regions over words)."""
        T = self.lengths[0]
        return [own if kind == "between" else (own[0][..., :T, T:], own[0][..., T:, :T])
                for kind, own in zip(self.kinds, self.weights) if kind in ("between", "joint")]


def _joint(kind, arrays, lengths, own):
    if kind == "joint":
        return arrays[0]
    return joint_attention(kind, arrays if kind == "between" else arrays[0], lengths, own)


def follow(encoder, given, score):
    """Read texts and pictures, and follow the attention.

    Parameters
    ----------
    encoder : Vilbert or SingleStream
        In eval mode.
    given : Shown
    score : callable
        ``score(streams)`` → Tensor (), whose gradient is taken.

    Returns
    -------
    Followed
    """
    own = {}                                                             # layer to weights: self-attention
    with enable_grad(), watch_attention(encoder, own.__setitem__):
        found = encoder(*given)
        if found.weights:
            steps = [("between", [*found.weights[i]]) if kind == "connection"
                     else ({"text": "first", "image": "second"}[kind], [own[f"{kind}.{i}.self_attn"]])
                     for kind, i in encoder.order]
        else:
            steps = [("joint", [weights]) for weights in own.values()]
        of_score = iter(grad(score(found), [tensor for _, layer in steps for tensor in layer], allow_unused=True))
    kinds, weights, gradients = [], [], []
    for kind, layer in steps:
        kinds.append(kind)
        weights.append([tensor.data for tensor in layer])
        asked = [next(of_score) for _ in layer]                          # None: it comes too late for the score
        gradients.append([np.zeros_like(tensor.data) if gradient is None else gradient.data
                          for tensor, gradient in zip(layer, asked)])
    return Followed(kinds, weights, gradients, (given.ids.shape[1], given.features.shape[1]))


# The report ---------------------------------------------------------------------------------------------------------


def add_inside(report, model, untrained, tokens, names, part, asked):
    """Add to a report what goes on inside, for one pair of a text with a hidden word and its picture.

    Parameters
    ----------
    report : Report
    model, untrained : PairModel
        As trained, and as it began.
    tokens : WordTokenizer
    names : sequence of str
        Of the classes of regions.
    part : Captioned
    asked : Questioned
        About this part.
    """
    holes = asked.colours if len(asked.colours.ids) else asked.words
    most = asked.regions.mask[holes.pictures].sum(1)
    i = int(most.argmax())
    picture, ids, labels = int(holes.pictures[i]), holes.ids[i], holes.labels[i]
    place = int(np.flatnonzero(labels >= 0)[0])
    given = shown(asked.regions.rows(np.array([picture])), [ids.tolist()])
    true = tokens.words[labels[place]]

    def score(found):
        return F.log_softmax(model.pairs.words(found.text.sequence[:, place]), -1)[0, int(labels[place])]

    followed = follow(model.pairs.encoder.eval(), given, score)
    words = [*tokens.words, "[MASK]"]
    words = [f"{k} {words[number]}" for k, number in enumerate(ids)]
    n = int(asked.regions.mask[picture].sum())
    _add_picture(report, part, asked, picture, names, n, true)
    _add_heads(report, followed, words, n)
    _add_followed(report, followed, words, place, n, true)
    _add_vectors(report, model, untrained, tokens, names)


def _add_picture(report, part, asked, picture, names, n, true):
    """The picture with its regions, and each region with what the classifier says of it."""
    image, boxes = part.images(np.array([picture]))[0], asked.regions.boxes[picture, :n]
    classes = asked.regions.classes[picture, :n]
    report.heading("Inside: one text beside one picture")
    report.text(f"The text is “{asked.captions[picture][0]}”, its word “{true}” hidden: [MASK]. Region 0 stands for "
                "the whole picture; the others have frames.")
    crops = crop_regions(image, boxes, CROP).repeat(8, 2).repeat(8, 3)
    tiles = [Example(boxed(image, boxes), "the regions")]
    tiles += [Example(crop, f"region {k}: {names[own.argmax()]}, {own.max():.2f}")
              for k, (crop, own) in enumerate(zip(crops, classes), 1)]
    report.gallery(tiles, "What the classifier of regions sees, and the probability that it gives to it.")


def _add_heads(report, followed, words, n):
    """Every head of every layer in which words and regions look at each other, both ways."""
    regions = [str(k) for k in range(n + 1)]
    for layer, (over_regions, over_words) in enumerate(followed.across, 1):
        report.heads(over_regions[0, :, :, :n + 1], words, regions,
                     f"Layer {layer} of {len(followed.across)}: what each word takes from each region. "
                     + ("Rows of a head sum to 1." if followed.kinds[0] != "joint"
                        else "The rest of a row goes to words."))
        report.heads(over_words[0, :, :n + 1].swapaxes(1, 2), words, regions,
                     f"Layer {layer} of {len(followed.across)}, the other way: what each region takes from each word. "
                     + ("Columns sum to 1." if followed.kinds[0] != "joint" else "The rest goes to regions."))


def _add_followed(report, followed, words, place, n, true):
    """What the hidden word's place holds of each position, by attention alone and by attention that matters."""
    kept = np.r_[:len(words), followed.lengths[0]:followed.lengths[0] + n + 1]
    names = [*words, *(f"region {k}" for k in range(n + 1))]
    rollout = followed.rollout[0, place, kept]
    relevance = followed.relevance[0, place, kept] - (kept == place)     # less the identity it begins with
    lines = [("attention rollout: all layers multiplied", names, rollout / rollout.sum())]
    if relevance.sum() > 0:
        lines.append((f"gradient × attention, for log p({true})", names, relevance / relevance.sum()))
    report.text(f"Through all layers: of what the place of [MASK] is made. Rollout follows the weights alone; gradient "
                f"× attention counts what raises the probability of “{true}”.")
    report.strip(lines)


def _add_vectors(report, model, untrained, tokens, names):
    """The table of word vectors in two dimensions, as it began and as it is."""
    kinds = {"colours": COLOURS, "shapes": SHAPES} if set(COLOURS) <= set(tokens.words) else {"classes": names}
    numbers = {kind: [tokens.ids[word] for word in words if word in tokens.ids] for kind, words in kinds.items()}
    known = [number for own in numbers.values() for number in own]
    numbers["other words"] = [k for k in range(4, min(len(tokens), DRAWN_WORDS)) if k not in known]
    if not all(numbers.values()):
        return
    report.heading("Vectors of words, before and after")
    for when, own in (("before training", untrained), ("after", model)):
        table = own.pairs.encoder.words.words.weight.data
        plane = principal_plane(table[known], table[numbers["other words"]])
        places = dict(zip([*known, *numbers["other words"]], np.concatenate([plane.x, plane.y])))
        report.scatter({kind: np.array([places[k] for k in own]) for kind, own in numbers.items()},
                       f"word vectors {when}: the two directions of largest variance ({plane.share:.0%} of it)")
