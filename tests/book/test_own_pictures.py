"""What chapter 15 tells readers to type, on folders that are not the chapter's own."""

import json
import re
import shlex
from pathlib import Path

import pytest
import torch
from data_tools import isolate

from vae_teach.__main__ import build_parser, main
from vae_teach.data.shapes import draw_shapes, write_folder
from vae_teach.training.checkpoint import load_model

CHAPTER = Path(__file__).parents[2] / "notebooks" / "15_your_data.ipynb"


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    return isolate(monkeypatch, tmp_path)


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language in the chapter's text."""
    cells = json.loads(CHAPTER.read_text("utf-8"))["cells"]
    text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(params=["subfolders", "flat"])
def pictures(request, tmp_path):
    g = torch.Generator().manual_seed(0)
    folder = write_folder(tmp_path / "PICTURES", draw_shapes(40, generator=g), generator=g)
    if request.param == "flat":
        for path in list(folder.glob("*/*.png")):
            path.rename(folder / f"{path.parent.name}-{path.name}")
        for label in [path for path in folder.iterdir() if path.is_dir()]:
            label.rmdir()
    return folder


def test_the_dozen_lines_make_an_explorer_of_any_folder(pictures, tmp_path, monkeypatch, capsys):
    """Fails if they lean on labels, or on what an earlier cell knows of its shapes."""
    (lines,) = blocks("python")
    assert len(lines.splitlines()) < 20 and lines.count("epochs=90") == 1
    monkeypatch.chdir(tmp_path)
    exec(compile(lines.replace("epochs=90", "epochs=1"), str(CHAPTER), "exec"), {})
    page = (tmp_path / "explorer.html").read_text("utf-8")
    assert page.startswith("<!doctype html>") and "My pictures" in page


def test_every_command_of_the_chapter_is_one_that_there_is():
    commands = [
        shlex.split(line)
        for block in blocks("bash")
        for line in block.replace("\\\n", " ").splitlines()
    ]
    assert len(commands) >= 3
    for python, m, package, *arguments in commands:
        assert (python, m, package) == ("python", "-m", "vae_teach")
        build_parser().parse_args(arguments)


def test_the_train_command_of_the_chapter_runs(pictures, tmp_path, monkeypatch):
    """Fails if the command's convolutions do not fit its own size of pictures."""
    (line,) = [block for block in blocks("bash") if "images:PICTURES" in block]
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line.replace("\\\n", " "))[3:]
    assert main([*words, "--epochs", "1", "--device", "cpu"]) == 0
    assert type(load_model(tmp_path / "run" / "model.safetensors")).__name__ == "ConvVAE"
