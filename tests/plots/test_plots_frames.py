"""What a run leaves to be looked at: names in the order of time, ink on paper, whole files."""

import io
import json

import pytest
import torch
from PIL import Image

from vae_teach.plots.frames import save_scalars, save_sheets, sheet_png
from vae_teach.training.history import History
from vae_teach.training.recorder import Snapshot


def test_sheets_sort_in_time_and_hold_the_pictures(tmp_path):
    """Sorted by name, frame_10 before frame_2; values 0 and 1 saved as bytes, nearly black."""
    pictures = torch.tensor([[0.0, 1.0, 0.5, 0.0], [1.0, 1.0, 1.0, 1.0]])
    snapshots = [Snapshot(step, {"prior": pictures}) for step in (0, 2, 10, 128)]
    files = save_sheets(snapshots, tmp_path / "run", ["prior"], columns=2, image_shape=(2, 2))
    assert sorted(files) == files
    assert [f.name for f in files][1:3] == ["prior_002.png", "prior_010.png"]
    sheet = Image.open(files[0]).convert("L")
    assert sheet.size == (6, 2)
    assert [sheet.getpixel((x, 0)) for x in (0, 1, 2, 4)] == [255, 0, 255, 0]
    assert sheet.getpixel((0, 1)) in (127, 128)


def test_scalars_are_one_line_an_epoch(tmp_path):
    history = History([{"epoch": i, "train_loss": 1 / i} for i in (1, 2, 3)])
    path = save_scalars(history.records, tmp_path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == history.records and [line["epoch"] for line in lines] == [1, 2, 3]


def test_a_sheet_has_few_shades_and_a_pixel_for_a_pixel():
    """Ink is black, paper is white, and the greys between are rounded to the nearest shade."""
    pictures = torch.tensor([[0.0, 1.0, 0.4, 2.0]])
    picture = Image.open(io.BytesIO(sheet_png(pictures, 1, image_shape=(2, 2), shades=4)))
    assert picture.mode == "P" and picture.size == (2, 2)
    grey = picture.convert("L")
    assert [grey.getpixel(p) for p in ((0, 0), (1, 0), (1, 1))] == [255, 0, 0]
    assert grey.getpixel((0, 1)) == 170  # ink 0.4 is paper 0.6, nearest to 2/3
    fine = sheet_png(torch.rand(20, 784, generator=torch.Generator().manual_seed(0)), 5, shades=256)
    coarse = sheet_png(torch.rand(20, 784, generator=torch.Generator().manual_seed(0)), 5, shades=4)
    assert len(coarse) < 0.5 * len(fine)
    with pytest.raises(ValueError, match="from 2 to 256, but it is 300"):
        sheet_png(pictures, 1, image_shape=(2, 2), shades=300)


@pytest.mark.parametrize("name", ["../../evil", "a/b", "a\\b", ".hidden", ""])
def test_a_sheet_stays_in_its_folder(tmp_path, name):
    """A look called ../../evil wrote its picture two folders up."""
    snapshots = [Snapshot(1, {name: torch.zeros(1, 4)})]
    with pytest.raises(ValueError, match=r"part of a file's name, but one is"):
        save_sheets(snapshots, tmp_path / "a" / "b", [name], columns=1, image_shape=(2, 2))
    assert list(tmp_path.iterdir()) == []


def test_no_snapshot_is_told():
    with pytest.raises(ValueError, match="snapshots is empty"):
        save_sheets([], "unused", ["prior"], columns=1)


@pytest.mark.parametrize("what", ["sheet", "scalars"])
def test_a_full_disk_leaves_the_older_file_whole(tmp_path, monkeypatch, what):
    """A file that is opened for writing is empty before the first byte is refused."""

    def write():
        if what == "sheet":
            snapshots = [Snapshot(1, {"prior": torch.zeros(1, 4)})]
            return save_sheets(snapshots, tmp_path, ["prior"], columns=1, image_shape=(2, 2))[0]
        return save_scalars([{"epoch": 1}], tmp_path)

    path = write()
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vae_teach.machine.whole_file.os.replace", full)
    with pytest.raises(OSError, match="No space"):
        write()
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
