"""Text classification: words, letters or byte pairs → an encoder → a class (article 2.1).

Without --data it learns from embedded opinions with negation and scope: of 60 % of the sentences the words alone leave
the verdict open, so a bag of words gets .70 right and cannot get more. With --data DIR it reads tables as BANKING77 has
them, DIR/train.csv with the columns text and category, and val and test where they are there (or .tsv, .json, .jsonl).
--init starts from the encoder of a `tinymm run masked-language`.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from .. import functional as F
from .. import nn
from ..data import (
    LabelledTexts, TfIdf, bag_limit, draw_opinions, letter_ngrams, random_split, read_text_folder, split_words,
)
from ..data.texts.tokenizer import PAD, UNK
from ..encoders import BagOfWords, TextCNN, TextRNN, TextTransformer
from ..mapping import hide_words
from ..training import Selection, TrainingSet
from .shared import OURS, Plan, Results, over_batches, recipe, require
from .shared.baselines import linear_svm, majority_class, nearest_by_cosine
from .shared.checkpoints import TOKENIZERS, checked_config
from .shared.classification import (
    add_classes, add_worst_errors, answers, scored, validation_scores, worst_errors,
)
from .shared.explained_texts import explain, padded
from .shared.fine_tuning import ByLayer
from .shared.parts import split_off
from .shared.pretraining.starting import (
    BERT_SIZES, bert_of, check_lengths, from_pretrained, linear_probe, pretrained,
)

__all__ = ["Ensemble", "INPUTS", "TextClassifier", "baselines", "build", "by_kind", "drawn_opinions", "explain",
           "fit_tokenizer", "hidden", "mean_loss", "oracle_of_bags", "padded", "parts_of", "predict", "probabilities",
           "read_parts", "run"]

INPUTS = ("text",)
COLUMNS = ("text", "category")  # of a table: of the text and of its class
PIECES = 2000  # of the byte-pair vocabulary, at most
FEW = 200  # validation texts; the best of many epochs on fewer is chosen by chance, so the last epoch is kept
EXPLAINED = 4  # texts of each sort whose words the report colours

BEST = Selection("val/accuracy")
OPINIONS = {
    "encoder": "lstm",
    "plan": Plan(batch_size=32, steps=1250, peak_rate=8e-3, weight_decay=0.01, ema_decay=0.995, select=BEST),
    "width": 64,  # of the features
    "embedding": 32,  # of a token, where the encoder lets it differ
    "dropout": 0.1,  # on the token vectors and inside the encoder
    "head_dropout": 0.0,  # on the pooled vector
    "hidden_words": 0.0,  # share of the tokens that a step does not show
    "smoothing": 0.0,  # of the labels
}
FOLDER = {
    "encoder": "cnn",
    "plan": Plan(batch_size=64, steps=2400, peak_rate=2e-3, weight_decay=0.05, ema_decay=0.995, select=BEST),
    "width": 576,
    "embedding": 128,
    "dropout": 0.2,
    "head_dropout": 0.5,
    "hidden_words": 0.1,
    "smoothing": 0.1,
}
BERT = BERT_SIZES | {
    "encoder": "bert",
    "plan": ByLayer(batch_size=32, steps=2400, peak_rate=1e-3, weight_decay=0.01, select=BEST, decay=0.8),
    "embedding": BERT_SIZES["width"],
    "dropout": 0.1,
    "head_dropout": 0.1,
    "hidden_words": 0.1,
    "smoothing": 0.1,
}


@recipe
def run(run, encoder=None, tokenizer=None, members=1, columns=COLUMNS, init=None):
    """Train a text classifier, test it beside its baselines, write the output folder.

    Parameters
    ----------
    encoder : {"bag", "cnn", "lstm", "gru", "transformer", "bert"}, optional
        What reads the tokens; by default lstm, with --data cnn, with --init bert.
    tokenizer : {"word", "subword", "char", "bpe"}, optional
        What a token is; by default word, with --init what it was pre-trained with.
    members : int
        Train so many classifiers side by side and average them.
    columns : sequence of str
        With --data: the columns of the text and of its class.
    init : path, optional
        checkpoint.npz of `tinymm run masked-language`: start from its encoder, with its tokenizer.
    """
    require(members >= 1, "--members", "must be at least 1", members)
    require(columns == COLUMNS or run.data, "--columns", "needs --data; the embedded opinions are no table",
            ",".join(columns))
    require(len(columns) == 2 and len(set(columns)) == 2, "--columns", "needs two names, TEXT,CLASS", ",".join(columns))
    require(encoder != "bert" or tokenizer in (None, "word", "bpe"), "--tokenizer", "must be word or bpe for "
            "--encoder bert, which reads one number a token", tokenizer)
    loaded = init and pretrained(init, encoder, tokenizer)
    run.say(f"reading {run.data} ..." if run.data else "drawing opinions ...")
    opinions = None if run.data else drawn_opinions(run.rng(1))
    parts, notes = read_parts(run.data, run.rng, columns) if run.data else (parts_of(opinions), {})
    train, val, test = parts["train"], parts["val"], parts["test"]
    run.begin(run.data or "embedded opinions", parts, notes)

    setting = BERT if loaded or encoder == "bert" else FOLDER if run.data else OPINIONS
    encoder = encoder or setting["encoder"]
    tokens = loaded.tokenizer if loaded else fit_tokenizer(tokenizer or "word", train.texts)
    if encoder == "bert":
        setting = setting | ({name: loaded.config[name] for name in BERT_SIZES} if loaded
                             else {"plan": setting["plan"].evenly})
        check_lengths(tokens, parts, setting["positions"])
    model = _fit(run, setting, tokens, train, val, members, loaded, encoder)
    p = probabilities(model, tokens, test.texts)
    predictions = {OURS: p.argmax(1), **baselines(train, test)}
    if loaded:
        encode = partial(_encoded, tokens)
        predictions["linear probe"] = linear_probe(loaded.model.bert, encode, train, val, test)
    more = {}
    if opinions:
        kinds = np.array([opinion.kind for opinion in opinions["test"]])
        if encoder != "bag":
            bag = _fit(run, OPINIONS, tokens, train, val, 1, None, "bag", beside=True)
            predictions["bag of words"] = probabilities(bag, tokens, test.texts).argmax(1)
        predictions["all that bags can tell"] = oracle_of_bags(test, kinds, run.rng(5))
        found = by_kind({OURS: p.argmax(1)}, test.labels, kinds)[OURS]
        more = {"limit/bag_of_words/accuracy": bag_limit(opinions["test"]),
                **{f"test/{kind}/accuracy": value for kind, value in found.items()}}

    results = Results("test", scored(predictions, test.labels), "texts")
    report = run.report("Text classification", f"Trained on {len(train)} texts of {len(train.classes)} classes")
    results.add_to(report, "Test: unseen texts")
    if opinions:
        _add_kinds(report, predictions, test.labels, kinds, more["limit/bag_of_words/accuracy"])
    add_classes(report, p.argmax(1), test.labels, test.classes)
    add_worst_errors(report, p, test.labels, test.classes, lambda row: (None, test.texts[row]))
    _add_words(report, model, tokens, test, p)
    return run.finish(report, [results], more)


def _fit(run, setting, tokens, train, val, members, loaded, encoder, beside=False):
    """Train the classifiers; `beside`: as a baseline, which leaves no trace in the run's folder."""
    sizes = {name: setting[name] for name in ("width", "embedding", "dropout", "head_dropout")}
    sizes |= {name: setting[name] for name in BERT_SIZES} if encoder == "bert" else {}
    config = {"encoder": encoder, "vocabulary": len(tokens), "classes": len(train.classes), **sizes,
              "members": members}
    encoded = [tokens.encode(text) for text in train.texts]

    def batch(rows, rng):
        return *padded([encoded[i] for i in rows]), train.labels[rows]

    loss = mean_loss(setting["hidden_words"], setting["smoothing"])
    data = TrainingSet(len(train), batch, [len(ids) for ids in encoded])

    def validate(model):
        return validation_scores(probabilities(model, tokens, val.texts), val.labels)

    model = build(config, run.rng(0))
    if loaded:
        from_pretrained(model.members, loaded)
    plan = setting["plan"] if len(val) >= FEW else replace(setting["plan"], select=None)
    if beside:
        trainer = plan.trainer(model, loss, data, validate, run.epochs, run.seed)
        trainer.fit(progress=False)
        return model
    run.fit(plan, model, loss, data, validate, config=config, tokenizer=tokens, classes=train.classes)
    return model


# The data ---------------------------------------------------------------------------------------------------------


def drawn_opinions(rng, train=4000, val=500, test=2000):
    """The embedded opinions, by part; no two of all parts have the same words."""
    drawn = draw_opinions(train + val + test, rng)
    return {"train": drawn[:train], "val": drawn[train:train + val], "test": drawn[train + val:]}


def parts_of(opinions):
    """Opinions by part as `LabelledTexts`."""
    return {name: LabelledTexts([o.text for o in drawn], np.array([o.label for o in drawn]), ("bad", "good"))
            for name, drawn in opinions.items()}


def read_parts(directory, rng, columns=COLUMNS):
    """A folder with a table train, and val and test where they are there; what is missing is split off train."""
    found = read_text_folder(directory, columns)
    require(len(found["train"].classes) >= 2, "text-classification", f"{directory} needs at least two classes",
            ", ".join(found["train"].classes))

    def split(train, share, rng):
        require(len(train) >= 20, "text-classification", f"{directory} needs at least 20 texts to split some off",
                len(train))
        return map(train.rows, random_split(len(train), (1 - share, share), rng))

    return split_off(found, {"test": 0.15, "val": 0.1}, split, rng, "of train at random")


def fit_tokenizer(kind, texts):
    """The tokenizer of some training texts; `kind` is one of `TOKENIZERS`."""
    return TOKENIZERS[kind].fit(texts, **({"vocabulary": PIECES} if kind == "bpe" else {}))


def _encoded(tokens, texts):
    return padded([tokens.encode(text) for text in texts])


def hidden(ids, share, rng):
    """Some words become <unk>; where a token is a bag, its letters still show."""
    if ids.ndim == 2:
        return hide_words(ids, share, UNK, rng)
    shown = ids.copy()
    shown[..., 0] = np.where(ids[..., 0] == PAD, PAD, hide_words(ids[..., 0], share, UNK, rng))
    return shown


# The model --------------------------------------------------------------------------------------------------------


class TextClassifier(nn.Module):
    r"""$p(k \mid \text{text}) = \operatorname{softmax}(W y + b)_k$, y the pooled vector of a text encoder.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> model = TextClassifier(TextCNN(10, 6, embedding=4, rng=rng), classes=3, rng=rng)
    >>> model(np.array([[4, 5, 6]])).shape
    (1, 3)
    """

    def __init__(self, encoder, classes, dropout=0.0, *, rng):
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.output = nn.Linear(encoder.pooled_width, classes, rng=rng)

    def forward(self, ids, mask=None):
        """ids (B, T) or (B, T, G), mask (B, T) to logits (B, K)."""
        return self.judge(self.encoder.embed(ids), mask)

    def judge(self, x, mask=None):
        """Token vectors x (B, T, E) to logits (B, K)."""
        return self.output(self.dropout(self.encoder.read(x, mask).pooled))

    def stages(self):
        """Parameters from below, of an encoder that has `stages`: for rates by layer."""
        return [*self.encoder.stages(), list(self.output.parameters())]


class Ensemble(nn.Module):
    r"""Classifiers that learn each by itself and answer together: $p = \tfrac1M \sum_m p_m$.

    The errors that members make because of where they started, or which words were hidden from them, are not the same.

    References
    ----------
    Lakshminarayanan et al. (2017), Simple and scalable predictive uncertainty estimation using deep ensembles, §2.
    """

    def __init__(self, members):
        self.members = nn.ModuleList(members)

    def forward(self, ids, mask=None):
        """ids (B, T) or (B, T, G), mask (B, T) to probabilities (B, K)."""
        return sum(F.softmax(member(ids, mask), -1) for member in self.members) / len(self.members)

    def stages(self):
        """Those of all members, level by level."""
        return [sum(level, []) for level in zip(*(member.stages() for member in self.members))]


def build(config, rng):
    """The Ensemble of a config, its weights drawn from `rng`."""
    encoders = ("bag", "cnn", "lstm", "gru", "transformer", "bert")
    is_bert = isinstance(config, dict) and config.get("encoder") == "bert"
    checked_config(config, encoder=encoders, vocabulary=int, classes=int, width=int, embedding=int, dropout=float,
                   head_dropout=float, members=int, **(dict.fromkeys(("layers", "heads", "positions"), int)
                                                       if is_bert else {}))
    return Ensemble([_member(config, rng) for _ in range(config["members"])])


def _member(config, rng):
    kind, vocabulary, width = config["encoder"], config["vocabulary"], config["width"]
    embedding, dropout = config["embedding"], config["dropout"]
    if kind == "bag":
        encoder = BagOfWords(vocabulary, width, dropout, rng=rng)
    elif kind == "cnn":
        encoder = TextCNN(vocabulary, width, embedding, dropout=dropout, rng=rng)
    elif kind == "bert":
        encoder = bert_of(config, rng)
    elif kind == "transformer":
        encoder = TextTransformer(vocabulary, width, dropout=dropout, rng=rng)
    else:
        encoder = TextRNN(vocabulary, width, embedding, kind, dropout=dropout, rng=rng)
    return TextClassifier(encoder, config["classes"], config["head_dropout"], rng=rng)


def mean_loss(hidden_words, smoothing):
    """The mean of the members' losses; its gradients are those of members trained alone, over their number."""
    def loss(model, batch, rng):
        ids, mask, labels = batch
        losses, right = [], []
        for member in model.members:
            logits = member(hidden(ids, hidden_words, rng), mask)
            losses.append(F.cross_entropy(logits, labels, label_smoothing=smoothing))
            right.append((logits.data.argmax(1) == labels).mean())
        return sum(losses) / len(losses), {"accuracy": np.mean(right)}

    return loss


def probabilities(model, tokens, texts, batch=128):
    """The probability an Ensemble gives each class for each text: float array (N, K)."""
    encoded = [tokens.encode(text) for text in texts]
    return np.array(over_batches(model, len(texts), batch, lambda rows: model(*padded([encoded[i] for i in rows])).data,
                                 lengths=[len(ids) for ids in encoded]))


def predict(loaded, items):
    """The class of each text."""
    return answers(probabilities(loaded.model, loaded.tokenizer, [item["text"] for item in items]), loaded.classes)


# The test and the report ------------------------------------------------------------------------------------------


def baselines(train, test):
    """The class of each test text by systems that need no gradients: dict of str to int array."""
    predictions, classes = {"majority": majority_class(train.labels, len(test))}, len(train.classes)
    for name, terms in (("words", split_words), ("words and letters", letter_ngrams)):
        space = TfIdf([terms(text) for text in train.texts])
        x, y = (space([terms(text) for text in part.texts]) for part in (train, test))
        if name == "words":
            predictions["TF-IDF nearest neighbour"] = nearest_by_cosine(x, train.labels, y)
        predictions[f"TF-IDF SVM of {name}"] = linear_svm(x, train.labels, y, classes)
    return predictions


def oracle_of_bags(test, kinds, rng):
    """All that the words alone can tell: the true class of plain sentences, and a guess for the open ones."""
    guess = rng.integers(0, len(test.classes), len(test))
    return np.where(kinds == "plain", test.labels, guess)


def by_kind(predictions, labels, kinds):
    """Accuracy by kind of sentence: dict of system to dict of kind to float."""
    return {system: {str(kind): float((classes == labels)[kinds == kind].mean()) for kind in np.unique(kinds)}
            for system, classes in predictions.items()}


def _add_kinds(report, predictions, labels, kinds, limit):
    report.heading("By kind of sentence")
    found = by_kind(predictions, labels, kinds)
    names = list(found[OURS])
    counts = ", ".join(f"{(kinds == name).sum()} {name}" for name in names)
    report.table([(system, *scores.values()) for system, scores in found.items()], ["system", *names], caption=(
        f"Accuracy on {counts}. Of the sentences that are not plain the words alone leave the verdict open: "
        f"any classifier of bags of words gets half of them, whatever it learned, and so {limit:.3f} of all."))


def _add_words(report, model, tokens, test, p):
    """Right answers from all over the test part, and the worst errors; the words of each, coloured."""
    report.heading("Which words it hangs on")
    right = np.flatnonzero(p.argmax(1) == test.labels)
    lines = []
    for row in [*right[np.linspace(0, len(right) - 1, min(EXPLAINED, len(right))).astype(int)],
                *worst_errors(p, test.labels, EXPLAINED)]:
        words, shares = explain(model, tokens, test.texts[row])
        answer, true = test.classes[p[row].argmax()], test.classes[test.labels[row]]
        verdict = f"{answer}, right" if answer == true else f"{answer}, wrong: it is {true}"
        lines += [(f"{verdict}; {method}", words, share) for method, share in shares.items() if words]
    report.words(lines, caption=(
        "Orange speaks for the predicted class, blue against it. Gradient × input: how the score would change "
        "if a word's vector grew a little. Integrated gradients: shares of what all words together add to the score "
        "of an empty text."))
