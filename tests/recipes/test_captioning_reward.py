"""`tinymm run captioning --objective reward` as a user meets it: what it leaves, resume, which starts it refuses."""

import json
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import tinymm as tm
from tinymm.cli import main
from tinymm.data import ShapesWorld, WordTokenizer
from tinymm.data.shapes.scene import Scene, Thing
from tinymm.data.texts.tokenizer import EOS
from tinymm.encoders import Encoded
from tinymm.mapping import CiderReward
from tinymm.metrics import cider_d
from tinymm.recipes import captioning
from tinymm.recipes.shared import load
from tinymm.recipes.shared.captioned import Captioned, drawn_scenes
from tinymm.recipes.shared.rewarded import RewardPlan, rewarding, spread
from tinymm.recipes.shared.rewarded.judging import endings_of, judged
from tinymm.recipes.shared.rewarded.telling import _risen, gains
from tinymm.training import load_checkpoint, save_checkpoint

image_module = pytest.importorskip("PIL.Image", reason="the folder reader needs pillow (extra media)")


@pytest.fixture(autouse=True)
def a_small_captioner(monkeypatch):
    """What is tested here does not need a good one."""
    plan = replace(captioning.FOLDER["plan"], batch_size=16, steps=4)
    small = {"widths": [[4], [8]], "width": 16, "plan": plan,
             "reward": RewardPlan(replace(captioning.FOLDER["reward"].plan, batch_size=16, steps=4), 40, True)}
    monkeypatch.setattr(captioning, "FOLDER", captioning.FOLDER | small)
    monkeypatch.setattr(captioning, "SHAPES", captioning.SHAPES | small | {"shift": 0})
    monkeypatch.setattr(captioning, "MAX_LENGTH", 8)
    monkeypatch.setattr(captioning, "drawn_scenes", lambda rng: drawn_scenes(rng, train=60, held=20))
    monkeypatch.setattr(rewarding, "DRAWS", 3)


@pytest.fixture
def pictures(tmp_path):
    """A small folder in COCO-captions layout: 40 scenes."""
    world, rng = ShapesWorld(size=16), np.random.default_rng(0)
    scenes = world.sample(40, rng)
    folder = tmp_path / "pictures"
    (folder / "images").mkdir(parents=True)
    for i, pixels in enumerate(world.render(scenes, rng)):
        image_module.fromarray((pixels.transpose(1, 2, 0) * 255).astype(np.uint8)).save(folder / "images" / f"{i}.png")
    entries = [{"id": i, "file_name": f"{i}.png"} for i in range(len(scenes))]
    captions = [{"image_id": i, "caption": c} for i, group in enumerate(world.captions(scenes, rng, 2)) for c in group]
    (folder / "captions.json").write_text(json.dumps({"images": entries, "annotations": captions}))
    return folder


@pytest.fixture
def start(pictures, tmp_path):
    """The checkpoint of a likelihood run on the folder."""
    assert run("--data", pictures, "--out", tmp_path / "start", "--epochs", 2) == 0
    return tmp_path / "start" / "checkpoint.npz"


def run(*words):
    return main(["run", "captioning", *map(str, words)])


def rewarded(start, *words):
    return ("--objective", "reward", "--init", start, "--samples", 2, *words)


def test_a_run_leaves_a_captioner_and_tells_what_it_gained(pictures, start, tmp_path):
    out = tmp_path / "out"
    assert run("--data", pictures, "--out", out, *rewarded(start, "--epochs", 2, "--entropy", 0.01, "--kl", 0.02,
                                                              "--baseline", "self-critical")) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    for name in ("cider_d", "cider_closed", "nll", "bad_endings", "closed", "words"):
        assert metrics[f"test/gain/{name}/low"] <= metrics[f"test/gain/{name}"] <= metrics[f"test/gain/{name}/high"]
        difference = metrics[f"test/{name}"] - metrics[f"test/start/{name}"]
        np.testing.assert_allclose(metrics[f"test/gain/{name}"], difference, atol=1e-12)
    assert {name for name in metrics if name.startswith("noise/") and "standard_error" not in name} == {
        "noise/none", "noise/moving_average", "noise/self_critical", "noise/leave_one_out"}
    assert metrics["test/drawn/divergence"] >= 0
    before = json.loads((start.parent / "metrics.json").read_text())
    np.testing.assert_allclose(metrics["test/start/cider_d"], before["test/cider_d"], atol=1e-12)
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert {"train/reward", "train/reward_spread", "train/positive_advantages", "train/closed", "val/reward",
            "val/cider_d"} <= rows[-1].keys()
    html = (out / "report.html").read_text()
    for heading in ("Before and after reward: test", "How noisy the gradient is", "Reward in training",
                    "What the reward taught it to say", "Captions before and after"):
        assert heading in html
    page = tmp_path / "map.html"
    assert main(["caption", str(pictures / "images" / "3.png"), "--checkpoint", str(out / "checkpoint.npz"), "--out",
                 str(page)]) == 0
    assert load(out / "checkpoint.npz", "captioning").config == load(start).config
    assert run("--data", pictures, "--out", tmp_path / "on", *rewarded(out / "checkpoint.npz", "--epochs", 1)) == 0


def test_an_interrupted_run_resumes_to_the_same_bits(pictures, start, check_resume):
    """The moving average too, which is state of its own."""
    check_resume(3, "run", "captioning", "--data", pictures, "--epochs", 2,
                 *rewarded(start, "--baseline", "moving-average", "--reward", "bleu"))


def test_a_frozen_image_encoder_stays_as_it_was(pictures, start, tmp_path, monkeypatch):
    frozen = captioning.FOLDER["reward"]._replace(trains_encoder=False)
    monkeypatch.setattr(captioning, "FOLDER", captioning.FOLDER | {"reward": frozen})
    assert run("--data", pictures, "--out", tmp_path / "out", *rewarded(start, "--epochs", 1)) == 0
    before, after = (load(path).model for path in (start, tmp_path / "out" / "checkpoint.npz"))
    same = {name: np.array_equal(array, after.state_dict()[name]) for name, array in before.state_dict().items()}
    assert all(kept for name, kept in same.items() if name.startswith("image_encoder"))
    assert not any(kept for name, kept in same.items() if name.startswith("words"))


def test_truth_is_a_reward_of_the_shapes_world(tmp_path):
    assert run("--out", tmp_path / "start", "--epochs", 1) == 0
    out = tmp_path / "out"
    assert run("--out", out, *rewarded(tmp_path / "start" / "checkpoint.npz", "--reward", "truth", "--epochs", 1)) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["test/held_out/truth"] == metrics["test/held_out/truth_accuracy"]
    assert metrics["test/paid_for_untruth"] == 0.0                              # by definition, with this reward


def test_options_that_do_not_go_together_are_refused(pictures, start, tmp_path, refused):
    out = ("--out", tmp_path / "o", "--data", pictures)
    command = ("run", "captioning", *out)
    assert "an untrained captioner says is nonsense" in refused(*command, "--objective", "reward")
    assert "--reward: needs --objective reward" in refused(*command, "--reward", "bleu")
    assert "--kl: must be a number from 0; got -1.0" in refused(*command, *rewarded(start, "--kl", -1))
    assert "--entropy: must be a number from 0; got nan" in refused(*command, *rewarded(start, "--entropy", "nan"))
    told = refused(*command, "--objective", "reward", "--init", start, "--samples", 1)
    assert "--samples: must be at least 2 with --baseline leave-one-out; got 1" in told
    assert "--reward: truth needs the shapes world" in refused(*command, *rewarded(start, "--reward", "truth"))
    assert "--fusion: must name one" in refused(*command, *rewarded(start, "--fusion", "early,attention"))
    assert "--decode: must be greedy" in refused(*command, *rewarded(start, "--decode", "beam"))
    assert not (tmp_path / "o").exists()


def test_a_start_that_does_not_fit_is_refused_by_name(pictures, start, tmp_path, refused):
    out = ("--out", tmp_path / "o", "--data", pictures)
    command = ("run", "captioning", *out)
    assert "nowhere.npz" in refused(*command, *rewarded(tmp_path / "nowhere.npz"))
    assert "with fusion early; got" in refused(*command, *rewarded(start, "--fusion", "early"))
    assert "with text transformer; got" in refused(*command, *rewarded(start, "--text", "transformer"))
    assert "with size 32; got" in refused(*command, *rewarded(start, "--image-size", 32))
    arrays, meta = load_checkpoint(start)
    other = tmp_path / "other.npz"

    def changed(**changes):
        save_checkpoint(other, arrays, meta | changes)
        return refused(*command, *rewarded(other))

    about = meta["about"]
    assert "must be a checkpoint of `tinymm run captioning`; it is of image-recognition" in changed(
        about=about | {"recipe": "image-recognition"})
    assert "must have learned" in changed(position=meta["position"] | {"step": 0})
    state = json.loads(about["tokenizer"]["state"])
    renamed = json.dumps({"words": ["zebra", *state["words"][1:]]})
    assert "with the word 'zebra'" in changed(about=about | {"tokenizer": about["tokenizer"] | {"state": renamed}})
    swapped = json.dumps({"words": [*state["words"][1::-1], *state["words"][2:]]})
    assert "the words in another order" in changed(about=about | {"tokenizer": about["tokenizer"] | {"state": swapped}})
    assert "with this seed, 0," in changed(identity=meta["identity"] | {"seed": 4})
    assert "must be a run" not in changed(identity=None)
    assert not (tmp_path / "o").exists()                                        # nothing half-written stays behind


class Parrot:
    """A captioner that says what it was told of each image; images (B, 1) hold its number."""

    training = False

    def __init__(self, ids, vocabulary):
        self.ids, self.vocabulary = ids, vocabulary

    def eval(self):
        return self

    def encode(self, images, mask=None):
        return Encoded(images, images[:, 0].astype(int), None)

    def new_state(self, image):
        return SimpleNamespace(image=image.pooled, said=0, select=None)

    def read_on(self, ids, state):
        state.select = lambda rows: setattr(state, "image", state.image[rows])
        state.said += 1
        return self._sure([self.ids[i][state.said] for i in state.image])[:, None]

    def __call__(self, images, ids):
        return self._sure([self.ids[int(i)][1:ids.shape[1] + 1] for i in images[:, 0]]), None

    def _sure(self, words):
        return tm.tensor(np.log(np.where(np.eye(self.vocabulary)[np.array(words)], 0.9, 0.1 / (self.vocabulary - 1))))


def test_judging_against_counts_by_hand():
    thing = dict(size="small", x=0.2, y=0.3, radius=0.11)
    scenes = [Scene((Thing("red", "circle", **thing),)) for _ in range(4)]
    part = Captioned(lambda rows: np.array(rows)[:, None], [["a red circle", "a small red circle"]] * 4, scenes)
    tokens = WordTokenizer.fit(["a small red circle"])
    said = ["a red circle", "a red", "a red circle red circle", ""]
    ids = [(tokens.encode(caption) + [EOS] * 8)[:8] for caption in said]
    reward = CiderReward([["a red circle"], ["a small cross"]]).of(part.captions)
    parrot = Parrot(ids, len(tokens))
    found = judged(parrot, tokens, part, reward, {"circle"}, 5, np.random.default_rng(0), parrot)
    assert found.captions == ["a red circle", "a red", "a red circle red circle", ""]
    assert found.reward == "cider_closed"
    assert found.each["closed"].tolist() == [True, True, False, True]               # the third is cut at five words
    assert found.each["bad_endings"].tolist() == [False, True, True, True]
    assert found.each["words"].tolist() == [3, 2, 5, 0]
    assert found.each["truth"].tolist() == [1, 0, 0, 0]
    images = np.arange(4)
    np.testing.assert_allclose(found.each["cider_closed"], reward(said, [True, True, False, True], images), rtol=1e-12)
    np.testing.assert_allclose(found.each["cider_d"], cider_d(said, part.captions)[1], rtol=1e-12)
    assert (found.drawn["divergence"] == 0).all()
    right, wrong = -np.log(0.9), -np.log(0.1 / (len(tokens) - 1))                   # of the first true caption's words
    np.testing.assert_allclose(found.nll[:2], [right, (3 * right + wrong) / 4], rtol=1e-6)

    better = found._replace(captions=said[:1] * 4, each=found.each | {
        "truth": np.array([0.0, 1, 1, 1]), "cider_closed": found.each["cider_closed"] + 1})
    metrics = gains("test", found, better)
    assert (metrics["test/start/truth"], metrics["test/truth"], metrics["test/gain/truth"]) == (0.25, 0.75, 0.5)
    assert metrics["test/gain/cider_closed/low"] == pytest.approx(1) == metrics["test/gain/cider_closed/high"]
    assert (metrics["test/start/distinct"], metrics["test/distinct"]) == (1.0, 0.25)
    assert metrics["test/paid_for_untruth"] == 0.25                                 # the first, which now earns more


def test_what_was_learned_is_told_once_and_whole():
    """The longest run of those that rose alike."""
    old, new = Counter({("the",): 0.5, ("cat",): 0.2}), Counter({
        ("the",): 0.75, ("top",): 0.5, ("the", "top"): 0.5, ("at", "the", "top"): 0.5, ("cat",): 0.1, ("on",): 0.25})
    assert _risen(old, new) == [("at", "the", "top"), ("on",)]


def test_endings_are_the_last_words():
    assert endings_of([["a red dog.", "two"], ["A cat", ""]]) == {"dog", "two", "cat"}


def test_the_trace_of_the_covariance(rng):
    x = rng.standard_normal((50, 7))
    trace, error = spread.trace_of_covariance(x)
    np.testing.assert_allclose(trace, np.trace(np.cov(x.T)), rtol=1e-12)
    assert 0 < error < trace
