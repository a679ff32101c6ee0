"""Claims on folders of pictures with questions or captions: what is held out, what is measured, what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data.questions import Questions
from tinymm.recipes.shared.claiming import (
    composed_questions, easy_vqa_trial, gap, generalisation, guiding, labels, named_pictures,
)

from .claiming import Begun, gives_what_comparisons_ask_for

Image = pytest.importorskip("PIL.Image")
ImageDraw = pytest.importorskip("PIL.ImageDraw")

COLOURS, SHAPES = ("blue", "green", "red", "teal"), ("circle", "rectangle", "triangle")
PAIRS = [(colour, shape) for colour in COLOURS for shape in SHAPES]
seeds = st.integers(0, 2**32 - 1)


class OnFolder(Begun):
    """With a folder of data."""

    def __init__(self, data):
        self.data = str(data)


# Folders that are made up ---------------------------------------------------------------------------------------------


def drawn(colour, shape, place, size=32):
    """A picture of one thing on white."""
    picture = Image.new("RGB", (size, size), "white")
    x, y = place
    box = x, y, x + 10, y + 10
    draw = ImageDraw.Draw(picture)
    if shape == "triangle":
        draw.polygon([(x, y + 10), (x + 5, y), (x + 10, y + 10)], fill=colour)
    else:
        {"circle": draw.ellipse, "rectangle": draw.rectangle}[shape](box, fill=colour)
    return picture


def asked(colour, shape):
    """All questions about one thing that the tests know, with their answers."""
    def truly(is_so):
        return "yes" if is_so else "no"

    rows = [("what color is the shape?", colour), (f"what color is the {shape}?", colour),
            ("what shape is in the image?", shape), (f"what is the {colour} shape?", shape)]
    for words, own in ((COLOURS, colour), (SHAPES, shape)):
        for word in words:
            thing = word if word in SHAPES else f"{word} shape"
            rows += [(f"is there a {thing}?", truly(word == own)), (f"is there not a {thing}?", truly(word != own)),
                     (f"is no {thing} present?", truly(word != own))]
    return rows


def write_questions(folder, copies=6, part="train", start=0):
    """A part of easy-VQA: every pair several times, every picture with some questions."""
    rng = np.random.default_rng(start)
    (folder / part / "images").mkdir(parents=True)
    rows = []
    for number, pair in enumerate(PAIRS * copies):
        drawn(*pair, rng.integers(2, 20, 2).tolist()).save(folder / part / "images" / f"{number}.png")
        rows += [[*row, number] for row in asked(*pair)]
    (folder / part / "questions.json").write_text(json.dumps(rows), "utf-8")


def write_captions(folder, copies=4, fields=True, same=False):
    """COCO captions: colours are the bases and shapes the tones, with words of their own beside them."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for number, (colour, shape) in enumerate(PAIRS * copies):
        name = f"{number}.png"
        drawn(colour, shape, rng.integers(2, 20, 2).tolist()).save(folder / "images" / name)
        images.append({"id": number, "file_name": name} | ({"base": colour, "tones": [shape]} if fields else {}))
        words = "a thing" if same else f"the {'very ' * (number // len(PAIRS))}{colour} {shape}"
        annotations.append({"id": number, "image_id": number, "caption": words})
    (folder / "captions.json").write_text(json.dumps({"images": images, "annotations": annotations}), "utf-8")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder with questions, and one with captions."""
    root = tmp_path_factory.mktemp("real")
    write_questions(root / "questions")
    write_captions(root / "captions")
    return root


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """What is tested here needs no good models."""
    monkeypatch.setattr(easy_vqa_trial, "PLAN", replace(easy_vqa_trial.PLAN, steps=2, batch_size=16))
    monkeypatch.setattr(easy_vqa_trial, "TRAINED", 0.05)
    monkeypatch.setattr(easy_vqa_trial, "MOST", 6)
    monkeypatch.setattr(named_pictures, "FEWEST", 2)
    for module in (labels, gap):
        monkeypatch.setattr(module, "PLAN", replace(module.PLAN, steps=4, batch_size=16))


CLAIMS = {"generalisation": (generalisation.claim, "questions"), "gap": (gap.claim, "captions"),
          "labels": (labels.claim, "captions")}


@pytest.mark.parametrize("name", CLAIMS)
def test_every_contender_gives_what_its_comparisons_ask_for(folders, name):
    make, folder = CLAIMS[name]
    claim = make(OnFolder(folders / folder), quick=False)
    found = {contender.name: contender.fit(contender.rates[0], 0, lambda share: None)
             for contender in claim.contenders}
    assert claim.name == name and not claim.ceilings and claim.controls
    gives_what_comparisons_ask_for(claim, found)
    assert all(set(claim.shown or ()) <= set(parts) for parts in found.values())


@pytest.mark.parametrize("name", CLAIMS)
def test_a_training_repeats_with_its_seed_on_the_same_items(folders, name):
    make, folder = CLAIMS[name]
    contender = make(OnFolder(folders / folder), quick=True).contenders[-1]
    one, again, other = (contender.fit(1e-2, seed, lambda share: None) for seed in (1, 1, 2))
    assert all(np.array_equal(one[part], again[part]) for part in one)
    assert {part: np.shape(values) for part, values in one.items()} == {part: np.shape(x) for part, x in other.items()}


# What pictures show ---------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from(PAIRS), st.sets(st.integers(0, len(asked(*PAIRS[0])) - 1), min_size=1)),
                min_size=1, max_size=4))
def test_what_is_told_of_a_picture_is_what_it_shows(pictures):
    rows = [(*asked(*pair)[k], number) for number, (pair, some) in enumerate(pictures) for k in sorted(some)]
    texts, answers, images = zip(*rows)
    told = composed_questions.things_shown(Questions(texts, answers, np.array(images), (3, 4, 4), None), COLOURS,
                                           SHAPES)
    for number, (pair, some) in enumerate(pictures):
        assert told.get(number, pair) == pair
        if {0, 2} <= some:                                               # both are asked for
            assert number in told


def test_a_picture_of_which_contradictory_things_are_said_is_not_told():
    asked_twice = Questions(["is there a red shape?", "is there not a red shape?", "what shape is present?"],
                            ["yes", "yes", "circle"], np.zeros(3, int), (3, 4, 4), None)
    assert composed_questions.things_shown(asked_twice, COLOURS, SHAPES) == {}


@pytest.mark.parametrize("has_test", [False, True])
def test_held_out_pairs_are_not_trained_on_and_each_half_of_them_is(tmp_path, has_test):
    write_questions(tmp_path)
    if has_test:
        write_questions(tmp_path, 2, "test", start=1)
    read = composed_questions.ComposedQuestions.read(tmp_path, np.random.default_rng(3))
    shown = {name: set(composed_questions.things_shown(part, COLOURS, SHAPES).values())
             for name, part in read.parts.items()}
    assert shown["held_out"] == set(read.pairs) and read.left_out == 0
    assert not set(read.pairs) & (shown["train"] | shown["val"] | shown["test"])
    for pair in read.pairs:
        assert all(pair[k] in {own[k] for own in shown["train"]} for k in range(2))
    pictures = {name: set(part.images.tolist()) for name, part in read.parts.items()}
    if has_test:
        assert len(pictures["test"] | pictures["held_out"]) == 2 * len(PAIRS)
    else:
        assert sum(map(len, pictures.values())) == len(set.union(*pictures.values())) == 6 * len(PAIRS)
    assert set(composed_questions.kinds_of(read.parts["held_out"])) == set(composed_questions.KINDS)


def test_a_folder_that_does_not_tell_what_it_shows_is_refused(tmp_path):
    write_questions(tmp_path, copies=1)
    path = tmp_path / "train" / "questions.json"
    path.write_text(json.dumps([row for row in json.loads(path.read_text()) if row[1] in ("yes", "no")]))
    with pytest.raises(ValueError, match=r"must tell of 20 pictures .*; got 0 that are told"):
        composed_questions.ComposedQuestions.read(tmp_path, np.random.default_rng(0))


# Questions about pictures ---------------------------------------------------------------------------------------------


def test_the_readers_of_questions_are_equally_large(folders):
    task = easy_vqa_trial.AskedPictures(OnFolder(folders / "questions"), easy_vqa_trial.PLAN).task
    for kind in easy_vqa_trial.CONTENDERS:
        model = guiding.guiding_model(kind, np.random.default_rng(0), easy_vqa_trial.PARAMETERS, task)
        assert 0.97 * easy_vqa_trial.PARAMETERS <= model.num_parameters() <= easy_vqa_trial.PARAMETERS, kind


@given(seeds, st.integers(1, 30), st.integers(1, 6))
def test_the_score_of_a_picture_is_the_share_of_its_questions(seed, n, pictures):
    rng = np.random.default_rng(seed)
    rows, right, among = rng.integers(pictures, size=n), rng.integers(2, size=n).astype(float), rng.random(n) < 0.5
    data = easy_vqa_trial._PicturesAsked(np.zeros((pictures, 1, 1, 1)), rows, np.zeros((n, 2), int), np.zeros(n, int))
    np.testing.assert_allclose(data.by_picture(right), [right[rows == k].mean() for k in sorted({*rows})])
    some = data.by_picture(right, among)
    np.testing.assert_allclose(some, [right[among & (rows == k)].mean() for k in sorted({*rows[among]})])
    permuted = data.permuted(0, rng)                                     # the items stay those of the questions
    np.testing.assert_array_equal(permuted.by_picture(right), data.by_picture(right))
    assert sorted(permuted.inputs[0]) == sorted(rows)


def test_who_gives_one_answer_is_the_bar_of_shuffled_answers(folders):
    trial = easy_vqa_trial.AskedPictures(OnFolder(folders / "questions"), easy_vqa_trial.PLAN)
    test = trial.parts["test"]
    shares = [test.by_picture((test.labels == k).astype(float)).mean() for k in range(len(trial.answers))]
    assert trial.likeliest("test") == pytest.approx(max(shares)) and sum(shares) == pytest.approx(1)


# Pictures and captions ------------------------------------------------------------------------------------------------


def test_things_that_are_matched_have_known_words_of_their_own(folders):
    things = named_pictures.NamedPictures(OnFolder(folders / "captions"))
    for name in ("val", "test"):
        bags = things.captions[name]
        assert len(np.unique(bags, axis=0)) == len(bags) == len(things.pictures[name]) and bags.any(1).all()
    assert "base and tones" in things.split


@pytest.mark.parametrize("look", named_pictures.LOOKS)
@pytest.mark.parametrize("components", [None, 3])
def test_views_are_centred_and_scaled_by_training(folders, look, components):
    views = named_pictures.NamedPictures(OnFolder(folders / "captions")).views(look, components)
    one, other = views.train(np.random.default_rng(0)), views.train(np.random.default_rng(1))
    for view in one:
        assert view.dtype == np.float32 and (components is None or view.shape[1] == components)
        np.testing.assert_allclose(view.mean(0), 0, atol=1e-4)
        assert view.var() == pytest.approx(1, rel=1e-3)
    assert [view.shape[1] for view in one] == [view.shape[1] for view in views.test]
    assert not np.array_equal(one[0], other[0])                          # another order, the same pairs
    rows = [{(first.tobytes(), second.tobytes()) for first, second in zip(*pairs)} for pairs in (one, other)]
    assert rows[0] == rows[1]


def test_captions_that_say_the_same_of_all_are_refused(tmp_path):
    write_captions(tmp_path, same=True)
    with pytest.raises(ValueError, match="must leave 2 pictures with words of their own for val; got 1"):
        named_pictures.NamedPictures(OnFolder(tmp_path))


def test_without_fields_to_compose_pictures_are_divided_at_random(tmp_path):
    write_captions(tmp_path, fields=False)
    assert "at random" in named_pictures.NamedPictures(OnFolder(tmp_path)).split


# Real data ------------------------------------------------------------------------------------------------------------


def test_real_questions_tell_what_most_pictures_show(shared_data):
    read = composed_questions.ComposedQuestions.read(shared_data("easy_vqa"), np.random.default_rng(0))
    told = sum(len(set(part.images.tolist())) for part in read.parts.values())
    assert told > 0.85 * (told + read.left_out) and len(read.pairs) >= 4
    train = composed_questions.things_shown(read.parts["train"], *composed_questions._words(read.parts["train"]))
    assert train and not set(train.values()) & set(read.pairs)


def test_a_linear_map_matches_real_pictures_with_captions(shared_data, monkeypatch):
    monkeypatch.setitem(named_pictures.MOST, "train", 800)
    views = named_pictures.NamedPictures(OnFolder(shared_data("emoji"))).views("pixels", 64)
    maps = gap.CanonicalMaps.fit(views.train(np.random.default_rng(0)), views.val)
    assert maps.is_likeliest(views.test).mean() > 10 / len(views.test[0])
