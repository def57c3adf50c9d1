"""The notebooks as they are committed: made from their sources, and saying what they say when run again."""

import nbformat
import pytest

from notebooks.build import LANGUAGES, execute, path_of, sources, texts, unexecuted

SOURCES = sources()


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.stem)
@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_made_from_its_source(source, language):
    fresh = unexecuted(source, language)
    if fresh is None:
        assert not path_of(source, language).exists()
        return
    committed = nbformat.read(path_of(source, language), as_version=4)
    assert [c.source for c in committed.cells] == [c.source for c in fresh.cells], "run python -m notebooks"
    assert path_of(source, language).stat().st_size < 1_000_000


@pytest.mark.long
@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.stem)
def test_it_says_the_same_when_run_again(source):
    committed = nbformat.read(path_of(source, "en"), as_version=4)
    again = execute(unexecuted(source, "en"))
    assert texts(again) == texts(committed)


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.stem)
def test_both_languages_show_the_same(source):
    """The code is one, and so are the outputs."""
    english = texts(nbformat.read(path_of(source, "en"), as_version=4))
    if path_of(source, "zh").exists():
        assert texts(nbformat.read(path_of(source, "zh"), as_version=4)) == english
