"""A figure without a text alternative cannot be shown."""

import matplotlib.pyplot as plt
import pytest

from vae_teach.figure import figure_html, show


def test_alt_text_reaches_the_page_escaped():
    page = figure_html(b"png", 'a curve "f(x) < 1" that falls', caption="loss & epochs")
    assert 'alt="a curve &quot;f(x) &lt; 1&quot; that falls"' in page
    assert "<figcaption>loss &amp; epochs</figcaption>" in page


@pytest.mark.parametrize("alt", ["", "figure", "loss_curve.png"])
def test_an_empty_alt_or_a_file_name_is_refused(alt):
    figure = plt.figure()
    with pytest.raises(ValueError, match="alt must describe"):
        show(figure, alt=alt)
    plt.close(figure)


def test_show_displays_once_and_closes_the_figure(monkeypatch):
    bundles = []
    monkeypatch.setattr(
        "vae_teach.figure.display", lambda bundle, **kwargs: bundles.append((bundle, kwargs))
    )
    figure, axes = plt.subplots()
    axes.plot([0, 1])
    show(figure, alt="a straight line that rises from 0 to 1")
    ((bundle, kwargs),) = bundles
    assert kwargs["metadata"]["image/png"]["alt"] == bundle["text/plain"]
    assert '<img alt="a straight line' in bundle["text/html"]
    assert not plt.fignum_exists(figure.number)
