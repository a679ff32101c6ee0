"""The book tells the truth: its references resolve, its links lead somewhere, its snippets print what it says.

References to code are plain inline code, `F.softmax` or `tinymm.data.read_mnist`; the built site makes links of them.

Snippets are run here and not by pytest's own doctest of text files, to which the fence after an output looks like
output. The ```python blocks of a chapter share one namespace, in order; those with >>> are compared, others just run.
"""

import ast
import contextlib
import doctest
import html
import importlib
import importlib.util
import inspect
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tinymm as tm
from tinymm.cli import _parser

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = [path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))] if path.exists()]
FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,}) *(?P<kind>[^\n`]*)\n(?P<body>.*?)^(?P=fence) *$", re.M | re.S)
CODE = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)(?P<text>.+?)(?<!`)(?P=ticks)(?!`)", re.S)
DOTTED = re.compile(r"(?P<name>(?:tinymm|tm|F|nn)(?:\.[A-Za-z_]\w*)+)(?P<call>\((?:[^()]|\([^()]*\))*\))?")
ALIASES = {"tm": "tinymm", "F": "tinymm.functional", "nn": "tinymm.nn"}
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
FILE = re.compile(r"(?P<path>(?:tinymm|tests|docs|benchmarks)/[\w./-]*)(?:::(?P<test>\w+))?")
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS

every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.name)


def prose(chapter):
    """The text without its fenced blocks."""
    return FENCE.sub("", chapter.read_text("utf-8"))


def inline_code(text):
    return [match["text"] for match in CODE.finditer(text)]


def references(text):
    """The inline code that names something of the library, perhaps called."""
    return [match for code in inline_code(text) if (match := DOTTED.fullmatch(" ".join(code.split())))]


def blocks(chapter, kind):
    """(number of the line above, text) of each fenced block of a kind."""
    text = chapter.read_text("utf-8")
    return [(text.count("\n", 0, m.start("body")), m["body"])
            for m in FENCE.finditer(text) if m["kind"].strip() == kind]


def resolve(name):
    """The object a dotted name means: as much of it as is a module, then attributes."""
    head, *rest = name.split(".")
    parts = [*ALIASES.get(head, head).split("."), *rest]
    target = importlib.import_module(parts[0])
    for i, part in enumerate(parts[1:], start=1):
        if not hasattr(target, part):
            importlib.import_module(".".join(parts[:i + 1]))
        target = getattr(target, part)
    return target


def broken(names):
    """Those of the names that mean nothing, with the reason."""
    found = []
    for name in names:
        try:
            resolve(name)
        except (ImportError, AttributeError) as error:
            found.append(f"{name} ({error})")
    return found


@every_chapter
def test_references_resolve(chapter):
    wrong = broken(dict.fromkeys(match["name"] for match in references(prose(chapter))))
    assert not wrong, f"{chapter.name}: nothing is called {'; '.join(wrong)}"


@every_chapter
def test_references_are_plain_code(chapter):
    """The repository's own page of a chapter shows a role of Sphinx as it is written."""
    roles = re.findall(r"\{[\w:]+\}`[^`]*`", prose(chapter))
    assert not roles, f"{chapter.name}: write the name as plain code: {'; '.join(roles)}"


@every_chapter
def test_files_and_tests_exist(chapter):
    wrong = []
    for code in inline_code(prose(chapter)):
        if match := FILE.fullmatch(code):
            path = ROOT / match["path"]
            if not path.exists() or match["test"] and match["test"] not in functions_of(path):
                wrong.append(code)
    assert not wrong, f"{chapter.name}: no such file or test: {'; '.join(wrong)}"


def functions_of(path):
    return {node.name for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)}


@every_chapter
def test_links_lead_somewhere(chapter):
    wrong = []
    for match in LINK.finditer(CODE.sub("", prose(chapter))):
        target, _, anchor = match["target"].partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        path = chapter.parent / target if target else chapter
        if not path.exists() or anchor and anchor not in anchors(path):
            wrong.append(match["target"])
    assert not wrong, f"{chapter.name}: links to nowhere: {'; '.join(wrong)}"


def anchors(path):
    """The headings of a page as GitHub and MyST spell them in links."""
    headings = re.findall(r"^#+ +(.+?)\s*$", prose(path), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture
def own_registry():
    """What a chapter registers is forgotten afterwards."""
    importlib.import_module("tinymm.testing.specs")  # imported only once: its rows must be among those that stay
    before = [(table, dict(table)) for table in (tm.autograd.registry, tm.testing.SPECS)]
    yield
    for table, entries in before:
        table.clear()
        table.update(entries)


@every_chapter
def test_snippets(chapter, own_registry, tmp_path, monkeypatch):
    snippets = blocks(chapter, "python")
    if not snippets:
        pytest.skip("no snippets")
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": f"chapter_{chapter.stem}"}
    for line, text in snippets:
        run(text, namespace, chapter, line)


def run(text, namespace, chapter, line):
    """Run one block; a failure names the chapter and the line."""
    if ">>>" not in text:
        exec(compile("\n" * line + text, str(chapter), "exec"), namespace)
        return
    test = doctest.DocTestParser().get_doctest(text, {}, chapter.name, str(chapter), line)
    test.globs = namespace  # the chapter's own, not a copy of it
    report = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=OPTIONS)
    runner.run(test, out=report.append, clear_globs=False)
    assert not runner.failures, "".join(report)


@every_chapter
def test_command_lines_parse(chapter):
    commands = [line for _, text in blocks(chapter, "bash") for line in text.replace("\\\n", " ").splitlines()]
    commands += [" ".join(code.split()) for code in inline_code(prose(chapter)) if code.startswith("tinymm ")]
    for command in (part for line in commands for part in line.removeprefix("$ ").split("&&")):
        words = shlex.split(command, comments=True)
        if words[:1] != ["tinymm"]:
            continue
        try:
            with contextlib.redirect_stdout(None):
                _parser().parse_args(words[1:])
        except SystemExit as stop:
            assert not stop.code, f"{chapter.name}: tinymm does not understand {command.strip()!r}"


def generator(name):
    """A script that writes tables, as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


@pytest.fixture
def ops():
    """The script that writes the tables of functions."""
    return generator("generate_ops")


def test_the_table_of_ops_is_up_to_date(ops):
    written = ops.TARGET.read_text("utf-8")
    assert written == ops.page(), "docs/ops.md is out of date; run  python docs/generate_ops.py"


def test_the_table_of_ops_has_a_row_for_each_function(ops):
    listed = re.findall(r"^\| `F\.(\w+)\(", ops.page(), re.M)
    assert sorted(listed) == sorted(tm.functional.__all__)


def test_the_table_of_ops_says_what_a_function_calls(ops):
    F = tm.functional
    assert ops.calls(F.group_norm) == "`F.layer_norm`"
    assert ops.calls(F.likeliest_weights) == "none"  # but for itself
    assert "`F.power_spectrogram`" in ops.calls(F.mfcc) or "`F.log_mel_spectrogram`" in ops.calls(F.mfcc)
    assert "`F.hann_window`" in ops.calls(F.log_mel_spectrogram)  # in a helper of its file


def test_the_tables_of_costs_are_up_to_date():
    costs = generator("generate_costs")
    written = {path: path.read_text("utf-8") for path in costs.PAGES}
    assert written == {path: costs.page(path) for path in costs.PAGES}, \
        "costs in the chapters are out of date; run  python docs/generate_costs.py"
    rows = re.findall(r"^\| `tinymm\.fusion\.(\w+)`.* \| [\d,]+ \| [\d,]+ \|", "".join(written.values()), re.M)
    assert sorted(rows) == sorted(costs.ROWS)


def test_every_chapter_is_in_the_contents():
    index = ROOT / "docs" / "index.md"
    listed = {word for _, body in blocks(index, "{toctree}") for word in body.split()}
    missing = {path.stem for path in index.parent.glob("*.md")} - {"index"} - listed
    assert not missing, f"docs/index.md does not list {sorted(missing)}"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The book, built once from a copy, into which the pages of the API are written."""
    pytest.importorskip("sphinx", reason="the book needs the extra docs")
    pytest.importorskip("myst_parser", reason="the book needs the extra docs")
    place = tmp_path_factory.mktemp("book")
    shutil.copytree(ROOT / "docs", place / "docs", ignore=shutil.ignore_patterns("_build", "api", "__pycache__"))
    built = sphinx(place)
    assert built.returncode == 0, built.stderr
    return place / "html"


def sphinx(place):
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", "-d", place / "doctrees", place / "docs",
               place / "html"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_sphinx_builds_without_a_warning(site):
    assert (site / "index.html").exists()


@pytest.mark.parametrize("chapter", CHAPTERS[1:], ids=lambda path: path.name)  # all but the README
def test_every_reference_is_a_link_to_its_entry(site, chapter):
    page = (site / f"{chapter.stem}.html").read_text("utf-8")
    links = re.findall(r'<a [^>]*href="([^"#]*)#([^"]*)"[^>]*><code[^>]*>(.*?)</code></a>', page)
    linked = [html.unescape(re.sub("<[^>]*>", "", code)) for _, entry, code in links
              if entry.startswith(("tinymm.", "module-tinymm."))]
    assert sorted(linked) == sorted(match[0] for match in references(prose(chapter)))
    for page, entry, _ in links:
        assert f'id="{entry}"' in (site / page).read_text("utf-8")


def test_every_public_name_has_an_entry(site):
    for path in sorted((ROOT / "tinymm").glob("*/__init__.py")):
        room = importlib.import_module(f"tinymm.{path.parent.name}")
        names = [name for name in getattr(room, "__all__", ()) if not inspect.ismodule(getattr(room, name))]
        page = (site / "api" / f"{path.parent.name}.html").read_text("utf-8") if names else ""
        missing = [name for name in names if f'id="{room.__name__}.{name}"' not in page]
        assert not missing, f"{room.__name__}: no entry for {missing}"


def test_a_reference_without_an_entry_stops_the_build(tmp_path):
    pytest.importorskip("myst_parser", reason="the book needs the extra docs")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Book\n\n`F.nosuch(x)`, `torch.nn.nosuch`, `nosuch`\n", "utf-8")
    (tmp_path / "docs" / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT / 'docs')!r})\nfrom links import LinkCode\n"
        "extensions = ['myst_parser']\ndef setup(app):\n    app.add_transform(LinkCode)\n", "utf-8")
    built = sphinx(tmp_path)
    assert built.returncode == 1
    assert "index.md:3: WARNING: py:obj reference target not found: tinymm.functional.nosuch" in built.stderr
    assert built.stderr.count("nosuch") == 1


def test_a_broken_chapter_is_told(tmp_path, own_registry):
    chapter = tmp_path / "chapter.md"
    chapter.write_text("# One\n\n`F.nosuch` and `tinymm.nosuch.thing()`, `F.softmax`, {py:func}`~tinymm.op`, "
                       "`tests/nosuch.py`, [here](#one), [there](#two), [elsewhere](no.md)\n\n"
                       "```python\n>>> 1 + 1\n3\n```\n", "utf-8")
    with pytest.raises(AssertionError, match=r"chapter.md: .*F.nosuch .*tinymm.nosuch.thing ") as told:
        test_references_resolve(chapter)
    assert "softmax" not in str(told.value)
    with pytest.raises(AssertionError, match=r"chapter.md: write the name as plain code: \{py:func\}`~tinymm.op`"):
        test_references_are_plain_code(chapter)
    with pytest.raises(AssertionError, match="chapter.md: no such file or test: tests/nosuch.py"):
        test_files_and_tests_exist(chapter)
    with pytest.raises(AssertionError, match="chapter.md: links to nowhere: #two; no.md"):
        test_links_lead_somewhere(chapter)
    (line, text), = blocks(chapter, "python")
    with pytest.raises(AssertionError, match=r'File ".*chapter.md", line 6, in chapter.md'):
        run(text, {}, chapter, line)
