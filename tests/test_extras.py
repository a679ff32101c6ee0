"""`need` imports what is there and names the extra for what is not."""

import sys

import pytest

from tinymm.extras import need


def test_returns_the_module():
    assert need("json.decoder", extra="viz", feature="read") is sys.modules["json.decoder"]


def test_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    with pytest.raises(ImportError) as caught:
        need("matplotlib.pyplot", extra="viz", feature="draw a report")
    assert str(caught.value) == 'draw a report: needs matplotlib; install it with  python -m pip install "tinymm[viz]"'


def test_pillow_goes_by_its_package_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "PIL.Image", raising=False)
    with pytest.raises(ImportError, match=r"needs pillow; .*tinymm\[media\]"):
        need("PIL.Image", extra="media", feature="read a PNG")


def test_a_failure_inside_an_installed_package_is_not_disguised(monkeypatch, tmp_path):
    (tmp_path / "broken_package.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_installed_anywhere"):
        need("broken_package", extra="viz", feature="draw")
