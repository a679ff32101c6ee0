"""Masked language model: BERT learns from texts alone, by hidden words and by which sentence follows (article 2.6).

Without --data it learns from captions of the shapes world: a document is all that is said of one scene, so the next
sentence is another true caption of it. With --data DIR it reads DIR/train.txt, one sentence a line and an empty line
between documents, and val.txt and test.txt where they are there; or tables of texts, train.csv, as BANKING77 has them
(or .tsv, .json, .jsonl), whose rows have no next sentence. `tinymm fill` names hidden words of your own sentences;
`tinymm run text-classification --init` goes on from the checkpoint.
"""

import numpy as np

from .. import functional as F
from ..data import (
    UNCHOSEN, BytePairTokenizer, ShapesWorld, WordTokenizer, check_known_words, pack_pair, pad_packed,
    pieces_by_word, random_split, read_document_folder,
)
from ..data.texts.tokenizer import SPECIALS
from ..pretraining import Bert, BertForPreTraining
from ..training import Selection, TrainingSet
from .shared import OURS, Plan, Results, load, recipe, require
from .shared.checkpoints import checked_config
from .shared.parts import split_off
from .shared.pretraining.colours import BESIDE, colour_scores
from .shared.pretraining.masked_text import MaskedTexts, sentence_places
from .shared.pretraining.report import add_attention, add_ceilings, add_guesses
from .shared.pretraining.testing import (
    counting_models, next_scores, validation_numbers, word_probabilities, word_scores,
)

__all__ = ["FOLDER", "MASK", "SHAPES", "build", "config_of", "drawn_documents", "fill", "read_parts", "run"]

TOKENIZERS = {"word": WordTokenizer, "bpe": BytePairTokenizer}
MASK = "<mask>"
PIECES = 2000  # of the byte-pair vocabulary, at most
MOST_TESTED = 2000  # rows of a part that are validated or tested on
COLOUR_SCENES = 500  # whose hidden colours are asked

SHAPES = {
    "plan": Plan(batch_size=32, steps=4000, peak_rate=1e-3, weight_decay=0.01),
    "width": 128,
    "layers": 3,
    "heads": 4,
    "positions": 48,  # of a row: two captions of 20 words, [CLS] and two [SEP]
    "dropout": 0.0,  # the world draws more captions than a training sees twice
}
FOLDER = {
    "plan": Plan(batch_size=64, steps=6000, peak_rate=1e-3, weight_decay=0.01, select=Selection("val/loss", "min")),
    "width": 128,
    "layers": 3,
    "heads": 4,
    "positions": 128,
    "dropout": 0.1,
}


@recipe
def run(run, tokenizer="word", whole_word=False, no_next_sentence=False, masked=0.15, positions=None):
    """Pre-train BERT on texts, test it beside models that count, write the output folder.

    Parameters
    ----------
    tokenizer : {"word", "bpe"}
        What a token is: a word, or a piece of one.
    whole_word : bool
        With --tokenizer bpe: ask all pieces of a word or none.
    no_next_sentence : bool
        Ask for hidden words only, in one sentence at a time; so it is always with tables.
    masked : float
        The share of the words that are asked: 80 % of them hidden, 10 % replaced, 10 % left.
    positions : int, optional
        How many tokens a row may have, [CLS] and each [SEP] among them; by default 48, with --data 128.
    """
    require(not whole_word or tokenizer == "bpe", "--whole-word", "needs --tokenizer bpe", f"--tokenizer {tokenizer}")
    require(0 < masked <= 0.5, "--masked", "must lie in (0, 0.5]", masked)
    require(positions is None or 8 <= positions <= 1024, "--positions", "must be from 8 to 1024", positions)
    run.say(f"reading {run.data} ..." if run.data else "drawing captions of the shapes world ...")
    parts, notes = read_parts(run.data, run.rng) if run.data else (drawn_documents(run.rng(1)), {})
    setting = FOLDER if run.data else SHAPES
    paired = not no_next_sentence and all(max(map(len, documents)) > 1 for documents in parts.values())
    train = parts["train"]
    tokens = TOKENIZERS[tokenizer].fit((sentence for document in train for sentence in document),
                                       **({"vocabulary": PIECES} if tokenizer == "bpe" else {}))
    config = config_of(setting, len(tokens), positions)
    texts = {name: MaskedTexts(documents, tokens, paired, config["positions"], masked, whole_word)
             for name, documents in parts.items()}
    run.begin(run.data or "shapes", texts, notes | {"next sentence": "asked" if paired else "not asked"})

    val, test = (_asked_once(texts[name], run.rng(key)) for name, key in (("val", 4), ("test", 5)))

    def loss(model, batch, rng):
        return model.loss(*batch)

    def validate(model):
        return validation_numbers(model, val)

    data = TrainingSet(len(texts["train"]), texts["train"].batch, texts["train"].lengths)
    model = run.fit(setting["plan"], build(config, run.rng(0)), loss, data, validate, config=config,
                    tokenizer=tokens).model

    systems = _word_systems(model, texts["train"], val, test)
    results = [Results("test", word_scores(systems, test.labels[test.labels != UNCHOSEN]), "hidden words",
                       lower_is_better=("loss", "perplexity"))]
    if paired:
        results.append(Results("test/next_sentence", next_scores(model, val, test), "pairs"))
    if not run.data and tokenizer == "word":
        results += _colour_results(run, model, tokens, config["positions"], paired)
    return run.finish(_report(run, model, tokens, test, systems[OURS], results), results)


def _word_systems(model, train, val, test):
    """The probabilities of all words at the places that are asked, by the model and by those that count."""
    counted = counting_models(train, val)
    places = sentence_places(test)
    return {OURS: word_probabilities(model, test), **{name: own.probabilities(places) for name, own in counted.items()}}


def _colour_results(run, model, tokens, positions, paired):
    """Hidden colours in captions of new scenes, beside what can be known of them."""
    world = ShapesWorld()
    captions = world.captions(world.sample(COLOUR_SCENES, run.rng(6)), run.rng(7), n=2)
    found = colour_scores(model, tokens, captions, world, positions, paired)
    return [Results(f"test/colour/{name}", scores, "hidden colours", ways=("ceiling",))
            for name, scores in found.items()]


# The data ---------------------------------------------------------------------------------------------------------


def drawn_documents(rng, train=8000, held=400):
    """Captions of the shapes world, five of a scene, by part; no caption of training is in another part.

    Captions of a held-out scene that happen to be said of a training scene too are left out, and scenes with fewer
    than two others.
    """
    world = ShapesWorld()
    parts = {"train": world.captions(world.sample(train, rng), rng)}
    known = {caption for document in parts["train"] for caption in document}
    for name in ("val", "test"):
        drawn = world.captions(world.sample(held, rng), rng)
        unseen = [[caption for caption in document if caption not in known] for document in drawn]
        parts[name] = [document for document in unseen if len(document) > 1]
    return parts


def read_parts(directory, rng):
    """The documents of a folder by part; what is missing is split off train, rows of a table as other recipes do."""
    def split(train, share, rng):
        require(len(train) >= 20, "masked-language", f"{directory} needs at least 20 documents to split some off",
                len(train))
        return ([train[i] for i in rows] for rows in random_split(len(train), (1 - share, share), rng))

    return split_off(read_document_folder(directory), {"test": 0.15, "val": 0.1}, split, rng, "of train at random")


def _asked_once(texts, rng):
    """Rows of a held-out part, hidden words and second sentences drawn once for all."""
    rows = np.sort(rng.permutation(len(texts))[:MOST_TESTED])
    return texts.batch(rows, rng)


# The model --------------------------------------------------------------------------------------------------------


def config_of(setting, vocabulary, positions=None):
    """What `build` makes a model of: plain JSON."""
    sizes = {name: setting[name] for name in ("width", "layers", "heads", "positions", "dropout")}
    return {"vocabulary": vocabulary, **sizes} | ({"positions": positions} if positions else {})


def build(config, rng):
    """The model of a config, its weights drawn from `rng`; its table has a row more than the tokenizer, for <mask>."""
    checked_config(config, vocabulary=int, width=int, layers=int, heads=int, positions=int, dropout=float)
    bert = Bert(config["vocabulary"] + 1, config["width"], config["layers"], config["heads"],
                positions=config["positions"], dropout=config["dropout"], rng=rng)
    return BertForPreTraining(bert, rng=rng)


# `tinymm fill` ----------------------------------------------------------------------------------------------------


def fill(text, *, checkpoint, beside=None, n_best=5):
    """Name the hidden words of a sentence of your own, the likeliest first.

        tinymm fill "a small <mask> circle above a blue square" --checkpoint runs/masked-language/checkpoint.npz

    Parameters
    ----------
    text : str
        A sentence with <mask> in place of each hidden word.
    checkpoint : path
        checkpoint.npz of `tinymm run masked-language`.
    beside : str, optional
        A second sentence, which follows it.
    n_best : int
        Words to name for each place.

    Returns
    -------
    list of list of (str, float)
        For each place the words and their probabilities.
    """
    require(n_best >= 1, "--n-best", "must be at least 1", n_best)
    require(MASK in text, "fill", f"needs a text with {MASK} in it", text)
    loaded = load(checkpoint, "masked-language")
    model, tokens = loaded.model, loaded.tokenizer
    if isinstance(tokens, WordTokenizer):
        for known in filter(str.strip, (*text.split(MASK), beside or "")):
            check_known_words("fill", known, tokens.words)
    words = []
    for k, part in enumerate(text.split(MASK)):
        words += [[len(tokens)]] if k else []
        words += pieces_by_word(tokens, part.rstrip(" "))
    packed = pack_pair(words, pieces_by_word(tokens, beside) if beside else None, loaded.config["positions"])
    ids, mask, segments, _ = pad_packed([packed])
    p = F.softmax(model(ids, mask, segments)[0], -1).data[0]                              # (T, V + 1)
    found = []
    for place in np.flatnonzero(ids[0] == len(tokens)):
        likeliest = [int(i) for i in np.argsort(-p[place], kind="stable")
                     if len(SPECIALS) <= i < len(tokens)][:n_best]
        found.append([(tokens.words[i].strip(), float(p[place, i])) for i in likeliest])
        print(", ".join(f"{word} ({share:.1%})" for word, share in found[-1]))
    return found


# The report -------------------------------------------------------------------------------------------------------


def _report(run, model, tokens, test, p, results):
    report = run.report("Masked language model", f"{len(run.parts['train'])} rows of {len(tokens)} different tokens")
    titles = {"test": "Test: hidden words of unseen sentences",
              "test/next_sentence": "Does the second sentence follow?"}
    titles |= {f"test/colour/{name}": f"Hidden colours beside {what}" for name, what in BESIDE.items()}
    for found in results:
        found.add_to(report, titles[found.part])
    if any(found.part.startswith("test/colour") for found in results):
        add_ceilings(report)
    add_guesses(report, tokens, test, p)
    add_attention(report, model, tokens, test)
    return report
