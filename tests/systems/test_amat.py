"""The text files of binarised MNIST: read as they are, and refused with the line that is wrong."""

import dataclasses
import re

import pytest
import torch

from vae_teach.__main__ import main
from vae_teach.data import treat
from vae_teach.systems.amat import PARTS, binarized_mnist, read_amat
from vae_teach.systems.table import PRESETS

pytestmark = pytest.mark.usefixtures("one_thread")


def pictures(n, seed=0):
    noise = torch.rand(n, 784, generator=torch.Generator().manual_seed(seed))
    return (noise < 0.3).float()


def write(path, images):
    rows = [" ".join(str(int(pixel)) for pixel in row) for row in images.tolist()]
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def folder(tmp_path):
    for seed, (part, n) in enumerate(zip(PARTS, (20, 5, 4), strict=True)):
        write(tmp_path / f"binarized_mnist_{part}.amat", pictures(n, seed))
    return tmp_path


def test_a_file_is_read_as_the_source_reads_it(tmp_path):
    """Its parser: int() of every word of every line. Fails if rows and columns change places."""
    path = write(tmp_path / "a.amat", pictures(7))
    by_the_source = [[int(word) for word in line.split()] for line in path.read_text().splitlines()]
    read = read_amat(path)
    assert read.dtype == torch.float32 and read.shape == (7, 784)
    assert read.tolist() == by_the_source


@pytest.mark.parametrize("end", ["", "\n", " \r\n\n"])
def test_how_lines_end_does_not_matter(tmp_path, end):
    lines = write(tmp_path / "a.amat", pictures(2)).read_text().splitlines()
    (tmp_path / "b.amat").write_bytes((f"{end or chr(10)}".join(lines) + end).encode())
    assert torch.equal(read_amat(tmp_path / "b.amat"), pictures(2))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text.replace("\n", " 1\n", 1), "line 1: 785 numbers, but a picture has 784"),
        (lambda text: text[: -len("0 1\n")], "line 3: 782 numbers"),
        (lambda text: text.replace("\n0", "\n2", 1).replace("\n1", "\n2", 1), "line 2: a number"),
        (lambda text: "11" + text[3:], "line 1: a number that is neither 0 nor 1"),
        (lambda text: text.replace(" ", ",", 1), "line 1: a number that is neither"),
        (lambda text: "", "line 1: 0 numbers"),
        (lambda text: "\n \n", "line 1: 0 numbers"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(tmp_path, damage, said):
    """A picture shifted by one pixel trains as well as any; nobody would see it."""
    path = write(tmp_path / "a.amat", pictures(3))
    path.write_text(damage(path.read_text()))
    with pytest.raises(ValueError, match=re.escape(f"{path}, {said}")):
        read_amat(path)


def test_a_preset_holds_out_the_validation_file_and_leaves_the_pixels(folder):
    """The treatment would draw pixels of grey levels; there are none, so nothing may change."""
    dataset = binarized_mnist(folder)
    preset = dataclasses.replace(PRESETS["altosaar-mf"], validation=5)
    pixels = preset.pixels(dataset, seed=0)
    for seed, part in enumerate((pixels.train, pixels.validation, pixels.test)):
        assert torch.equal(part, pictures(len(part), seed))
    assert torch.equal(treat(dataset.train.images, "fixed"), dataset.train.images)


def test_a_missing_file_is_named(folder):
    (folder / "binarized_mnist_valid.amat").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks binarized_mnist_valid\.amat"):
        binarized_mnist(folder)


def test_the_command_trains_on_the_files(folder, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["reproduce", "altosaar-mf", "--amat", str(folder), "--steps", "1", "--samples", "2"]
    assert main([*command, "--device", "cpu", "--threads", "1", "--out", str(out)]) == 0
    assert '"data": "binarized_mnist"' in (out / "altosaar-mf-seed0.json").read_text()
    assert main(["reproduce", "altosaar-mf", "--amat", str(tmp_path / "none")]) == 1
    assert "lacks binarized_mnist_train.amat" in capsys.readouterr().err
