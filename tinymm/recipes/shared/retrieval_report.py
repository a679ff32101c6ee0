"""The test of `retrieval` and its report: searches, captions found, classes by prompts, order of words, the space."""


from .bags import baseline_spaces
from .results import OURS, Results
from .retrieved import Answers, Space, chance, scored, searches
from ..captioning import nearest_images

__all__ = ["write_report"]


def write_report(run, towers, tokens, parts):
    tests = {name: part for name, part in parts.items() if name.startswith("test")}
    baselines = baseline_spaces(parts["train"], parts["val"], tests, nearest_images)
    report = run.report("Retrieval", f"Trained on {len(parts['train'])} pictures")
    results = []
    for name, part in tests.items():
        space = Space.of_towers(towers, tokens, part)
        answers = Answers.of(space)
        shift = 1 + int(run.rng(4).integers(max(1, len(part) - 1)))
        systems = {OURS: space, **baselines[name], "shuffled pictures": space.shifted(shift)}
        found = {system: searches(own, answers) for system, own in systems.items()}
        for k, search in enumerate(found[OURS]):
            scores = {system: scored(own[k]) for system, own in found.items()} | {"chance": chance(search)}
            results.append(Results(f"{name}/{search.name}", scores, "queries", ("median_rank", "mean_rank")))
            results[-1].add_to(report, f"{name}: {search.name.replace('_', ' ')}")
    return run.finish(report, results)
