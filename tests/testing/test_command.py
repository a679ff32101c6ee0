"""`tinymm gradcheck`: table, web page, exit status."""

import pytest

import tinymm as tm
from tinymm.cli import main
from tinymm.testing import spec
from tinymm.testing.strategies import arrays, calls


def test_table_and_page(tmp_path, capsys):
    page = tmp_path / "out" / "page.html"
    assert main(["gradcheck", "tanh", "relu", "--examples", "2", "--html", str(page)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["op", "value", "differences"]
    assert [line.split()[0] for line in lines[2:4]] == ["tanh", "relu"]
    assert "2 ops, 2 examples per row: every rung passed" in lines
    text = page.read_text("utf-8")
    assert "tanh" in text and "second order" in text and "<script" not in text


def test_a_failure_is_status_1(make_op, tmp_path, capsys):
    made = make_op(lambda x: x * 2, lambda g: 3 * g)
    spec(made.op.name, calls=lambda: calls(arrays()), reference=lambda x: 2 * x)
    page = tmp_path / "page.html"
    assert main(["gradcheck", made.op.name, "--examples", "2", "--html", str(page)]) == 1
    out = capsys.readouterr().out
    assert "FAILED" in out and f"{made.op.name}: differences" in out and "to see it again" in out
    assert "FAILED" in page.read_text("utf-8")


@pytest.mark.parametrize("words, message", [
    (["sofmax"], "no spec row for 'sofmax'; is it softmax"),
    ([], "name one or several ops, or --all; got neither"),
    (["tanh", "--all"], "got both"),
    (["tanh", "--examples", "0"], "--examples must be at least 1; got 0"),
])
def test_wrong_usage_is_status_2(words, message, capsys):
    assert main(["gradcheck", *words]) == 2
    assert message in capsys.readouterr().err


def test_every_op_is_in_the_table_of_all(monkeypatch, capsys):
    from tinymm.testing import command
    asked = []
    monkeypatch.setattr(command, "_shown", lambda names, examples: asked.extend(names) or [])
    assert main(["gradcheck", "--all"]) == 0
    assert {n for n, f in tm.autograd.registry.items() if f.__module__.startswith("tinymm.")} <= set(asked)
