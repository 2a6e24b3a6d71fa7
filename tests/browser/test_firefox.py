"""Every widget in Firefox, from file://: it starts, the console stays empty, keys are answered."""

import pytest
from absent import absent
from firefox import Firefox, find_firefox
from test_every_widget import WIDGETS

pytestmark = pytest.mark.browser
SHIFT, RIGHT, DOWN = "\ue008", "\ue014", "\ue015"  # WebDriver's characters for keys

STATE = """new Promise((done) => {
  const slot = document.querySelector("[data-vae-teach]");
  const look = () => {
    const state = slot.dataset.vaeTeach;
    return ["ready", "failed"].includes(state) ? done(state) : setTimeout(look, 20);
  };
  look();
})"""
SAID = "document.querySelector('[role=status]').textContent"
CHANGED = """new Promise((done) => {
  let tries = 1000; // of 20 ms
  const look = () => {
    const said = document.querySelector("[role=status]").textContent;
    return said !== window.before || !tries-- ? done(said) : setTimeout(look, 20);
  };
  look();
})"""


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    program = find_firefox()
    if program is None:
        absent("the widgets were not tried in Firefox: install firefox or firefox-esr")
    firefox = Firefox(program, tmp_path_factory.mktemp("profile"))
    yield firefox
    firefox.close()


@pytest.fixture
def show(firefox, tmp_path):
    """Write a widget's page, open it, and wait until the widget has started."""

    def show(name):
        firefox.complaints.clear()
        firefox.open(WIDGETS[name][0]().to_html(tmp_path / "page.html"))
        assert (firefox.evaluate(STATE), firefox.complaints) == ("ready", [])
        return firefox

    return show


@pytest.mark.parametrize("name", WIDGETS)
def test_a_widget_starts_and_answers_the_keyboard(show, name):
    """Fails on an error or a warning on the console, and if what is spoken does not follow."""
    firefox = show(name)
    if name == "painter":  # no slider: from a row with ink, Shift and an arrow paint the next
        firefox.evaluate(f"window.before = {SAID}")
        firefox.evaluate("document.querySelector('.strip input').click()")
        firefox.evaluate(CHANGED)
        keys, control = (SHIFT, DOWN), ".strip input"
    else:
        keys, control = (RIGHT,), "input[type=range]:not(details *)"
    before = firefox.evaluate(f"window.before = {SAID}")
    firefox.evaluate(f"document.querySelector('{control}').focus()")
    firefox.press(*keys)
    assert firefox.evaluate(CHANGED) != before
    assert firefox.complaints == []


def test_an_error_on_the_console_is_heard(firefox, tmp_path):
    """Without this, a client that hears nothing would pass every widget."""
    firefox.complaints.clear()
    path = tmp_path / "page.html"
    path.write_text("<!doctype html><meta charset=utf-8><title>t</title><script>nope()</script>")
    firefox.open(path)
    firefox.evaluate("1")
    assert any("nope is not defined" in text for text in firefox.complaints)


def test_a_sliders_thumb_has_the_accents_colour(show):
    """Firefox paints a native thumb grey, whatever the accent is."""
    style = show("kl").evaluate(
        "(({ appearance }) => appearance)(getComputedStyle(document.querySelector('input')))"
    )
    assert style == "none"
