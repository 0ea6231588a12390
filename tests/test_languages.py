"""The check of languages notices what it is for."""

import shutil
from pathlib import Path

import pytest

from tests import languages

HEADING = 'msgid ""\nmsgstr ""\n"Language: da\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n' + (
    '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
)
WHOLE = (
    'msgid "Good day"\nmsgstr "Goddag"\n\n#, python-format\nmsgid "%(count)s lists"\nmsgstr "%(count)s lister"\n\n'
    'msgid "On the page"\nmsgstr "På siden"\n'
)

pytestmark = pytest.mark.skipif(not shutil.which("msgcmp"), reason="gettext is not installed")


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the catalogue of a small project, complete and compiled."""
    for name in ("app", "templates", "locale/da/LC_MESSAGES"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "app" / "words.py").write_text('_("Good day")\n_("%(count)s lists") % {"count": 1}\n')
    (tmp_path / "templates" / "page.html").write_text('{% load i18n %}{% translate "On the page" %}')
    monkeypatch.setattr(languages, "BASE", tmp_path)
    monkeypatch.setattr(languages, "LOCALE", tmp_path / "locale")
    monkeypatch.setattr(languages, "SOURCES", ("app", "templates"))
    path = tmp_path / "locale" / "da" / languages.CATALOGUE
    path.write_text(HEADING + WHOLE)
    languages.update()
    return path


def test_a_complete_language_is_left_in_peace(catalogue: Path) -> None:
    assert languages.check() == []


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('msgid "On the page"\nmsgstr "På siden"\n', "", 'msgid "On the page": this message is used but not defined'),
        ('msgstr "Goddag"', 'msgstr ""', "this message is untranslated"),
        ('msgid "Good day"', '#, fuzzy\nmsgid "Good day"', "this message needs to be reviewed"),
        ("%(count)s lister", "%(antal)s lister", "'antal'"),
        ("%(count)s lister", "lister", "'count'"),
        ('msgstr "Goddag"', 'msgstr "Hej"', "isn't made from django.po"),
    ],
)
def test_what_is_wrong_is_told(catalogue: Path, old: str, new: str, complaint: str) -> None:
    text = catalogue.read_text()
    assert old in text

    catalogue.write_text(text.replace(old, new))

    assert complaint in "\n".join(languages.check())


def test_a_new_string_is_collected(catalogue: Path) -> None:
    (catalogue.parents[3] / "app" / "more.py").write_text('_("More")\n')

    languages.update()

    assert 'msgid "More"' in catalogue.read_text()
    assert "this message is untranslated" in "\n".join(languages.check())
