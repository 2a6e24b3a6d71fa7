"""A folder of the user's own pictures: every kind of file, labels, splits, and what is unusable."""

import os
import struct
import tempfile
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from data_tools import isolate
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from vae_teach import data
from vae_teach.data import folder as folder_module
from vae_teach.data import load_folder
from vae_teach.data.pictures import UnusableError, read_depth, read_picture


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    return isolate(monkeypatch, tmp_path)


@pytest.fixture
def pictures(tmp_path):
    """Twelve grey pictures, each of one shade."""
    return shades(tmp_path / "pictures", range(0, 240, 20))


def shades(folder: Path, values) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for value in values:
        Image.new("L", (9, 9), value).save(folder / f"{value:03}.png")
    return folder


def read(path: Path, size=(1, 1), channels=1, fit="crop") -> list[int]:
    return read_picture(path, size, channels, fit).tolist()


def saved(folder: Path, image: Image.Image, name: str = "picture.png", **options) -> Path:
    image.save(folder / name, **options)
    return folder / name


# --- one picture ---


@pytest.mark.parametrize(
    ("mode", "colour", "grey"),
    [
        ("1", 1, 255),
        ("L", 77, 77),
        ("LA", (77, 255), 77),
        ("RGB", (10, 10, 10), 10),
        ("RGBA", (10, 10, 10, 255), 10),
        ("RGBA", (10, 10, 10, 0), 255),  # nothing there: the white page shows
        ("LA", (0, 0), 255),
        ("RGBA", (0, 0, 0, 128), 127),  # half black on white
        ("I;16", 257 * 100, 100),
        ("I;16", 65_535, 255),
    ],
    ids=str,
)
def test_every_kind_of_pixel_becomes_the_grey_that_a_viewer_shows(tmp_path, mode, colour, grey):
    path = saved(tmp_path, Image.new(mode, (4, 4), colour))
    assert read(path) == pytest.approx([grey], abs=1)


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    """Pillow's convert("L") turns every value above 255 into white."""
    ramp = np.array([[0, 257, 257 * 128, 65_535]], dtype=np.uint16)
    assert read(saved(tmp_path, Image.fromarray(ramp)), size=(1, 4)) == [0, 1, 128, 255]


@pytest.mark.parametrize("kind", ["index", "bytes"])
def test_palettes_with_transparency_are_laid_on_white(tmp_path, kind):
    """A palette's transparency is one index or a table; Pillow warns about the second."""
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 200, 0, 0])
    transparency = 1 if kind == "index" else b"\xff\x00"
    path = saved(tmp_path, image, transparency=transparency)
    assert read(path, channels=3) == [255, 255, 255]


def test_a_palette_without_transparency_gives_its_colours(tmp_path):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 200, 100, 50])
    assert read(saved(tmp_path, image), channels=3) == [200, 100, 50]


def test_colour_is_channel_by_channel(tmp_path):
    """(C, H, W), so that `images.view(-1, *image_shape)` are pictures for torch."""
    image = Image.new("RGB", (2, 1))
    image.putpixel((0, 0), (1, 2, 3))
    image.putpixel((1, 0), (4, 5, 6))
    assert read(saved(tmp_path, image), size=(1, 2), channels=3) == [1, 4, 2, 5, 3, 6]


def test_a_picture_taken_with_the_camera_turned_stands_upright(tmp_path):
    """EXIF orientation 6: the stored picture must be turned clockwise; phones write it."""
    image = Image.new("L", (2, 2))
    image.putpixel((0, 0), 255)  # top left as stored, top right when upright
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path, image, exif=exif)
    assert read(path, size=(2, 2)) == [0, 255, 0, 0]


@pytest.fixture
def wide(tmp_path):
    """Twelve pixels wide and four high: a black, a grey and a bright third."""
    pixels = np.repeat(np.array([0, 100, 200], dtype=np.uint8), 4)
    return saved(tmp_path, Image.fromarray(np.tile(pixels, (4, 1))))


def test_crop_keeps_the_middle(wide):
    assert read(wide, size=(4, 4), fit="crop") == [100] * 16


def test_stretch_keeps_everything(wide):
    """Thirds to single pixels; the filter looks a little over the borders."""
    assert read(wide, size=(1, 3), fit="stretch") == pytest.approx([0, 100, 200], abs=10)


def test_pad_keeps_everything_and_the_proportions(wide):
    """A strip one pixel high, black above and below."""
    picture = np.array(read(wide, size=(3, 3), fit="pad")).reshape(3, 3)
    assert picture[1].tolist() == pytest.approx([0, 100, 200], abs=10)
    assert (picture[[0, 2]] == 0).all()


@pytest.mark.parametrize("name", ["picture.jpg", "picture.gif", "picture.bmp", "picture.webp"])
def test_the_usual_formats_are_read(tmp_path, name):
    assert read(saved(tmp_path, Image.new("RGB", (16, 16), (60, 60, 60)), name)) == pytest.approx(
        [60], abs=2
    )


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x89PNG\r\n\x1a\n"], ids=["empty", "text", "signature only"]
)
def test_what_is_no_picture_is_unusable(tmp_path, content):
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    with pytest.raises(UnusableError, match="not an image that Pillow knows"):
        read(path)


def test_floating_point_pixels_are_unusable(tmp_path):
    path = saved(tmp_path, Image.new("F", (4, 4), 0.5), "picture.tiff")
    with pytest.raises(UnusableError, match="floating-point"):
        read(path)


def test_what_pillow_refuses_for_its_size_is_unusable_in_plain_words(tmp_path, monkeypatch):
    """Pillow's own sentence speaks of an attack; a reader's scan or panorama is none."""
    path = saved(tmp_path, Image.new("1", (100, 100)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000)
    with pytest.raises(UnusableError, match="million pixels, the most that are read: make it"):
        read(path)


def test_what_pillow_only_warns_of_is_read(tmp_path, monkeypatch):
    """Catches a photograph of 108 million pixels that is skipped: Pillow warns from 89 on."""
    path = saved(tmp_path, Image.new("L", (100, 100), 7))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 6_000)
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # as for a user; the tests' own filter would raise
        assert read(path) == [7]


def encoded(name: str) -> bytes:
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    image = image.quantize() if name.endswith("blp") else image
    exif = Image.Exif()
    exif[0x0112] = 6
    with tempfile.TemporaryDirectory() as folder:
        return saved(Path(folder), image, name, exif=exif).read_bytes()


ENDINGS = ("png", "jpg", "tiff", "webp", "avif", "blp", "dds", "gif", "bmp", "tga", "jp2")
ENCODED = {name: encoded(name) for name in (f"picture.{ending}" for ending in ENDINGS)}


@settings(max_examples=400)
@given(st.sampled_from(sorted(ENCODED)), st.data())
def test_a_damaged_picture_is_read_or_unusable_never_a_crash(name, data):
    """Cut short and with changed bytes: a warning or another exception would fail here."""
    content = bytearray(ENCODED[name])
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
        try:
            assert len(read(path, size=(3, 3))) == 9 and read_depth(path).largest == 0
        except UnusableError as error:
            assert str(error)


@pytest.mark.parametrize("error", [RuntimeError, OverflowError, MemoryError, SystemError, KeyError])
def test_whatever_a_decoder_raises_the_file_is_unusable(tmp_path, monkeypatch, error):
    """One changed byte makes the decoder of AVIF raise a RuntimeError, and nothing trains."""

    def broken(image):
        raise error("no such frame")

    monkeypatch.setattr(PngImageFile, "load", broken)
    with pytest.raises(UnusableError, match="no such frame"):
        read(saved(tmp_path, Image.new("L", (4, 4))))


def test_a_file_that_another_program_would_have_to_run_is_not_read(tmp_path):
    """Encapsulated PostScript is a program, and Pillow starts an interpreter for it."""
    with pytest.raises(UnusableError, match="not an image"):
        read(saved(tmp_path, Image.new("L", (4, 4)), "picture.eps"))


def test_the_transparent_grey_of_sixteen_bits_is_laid_on_white(tmp_path):
    ramp = np.array([[0, 257, 257 * 128, 65_535]], dtype=np.uint16)
    path = saved(tmp_path, Image.fromarray(ramp), transparency=257)
    assert read(path, size=(1, 4)) == [0, 255, 128, 255]


# --- depth ---


def deep(folder: Path, largest: int, dtype=np.uint16, ending: str = "png") -> Path:
    """Twelve pictures of 16 or more bits: their values go from 0 to `largest`."""
    folder.mkdir()
    for i in range(12):
        values = np.array([[0, largest // 2, largest]] * 3, dtype=dtype)
        Image.fromarray(np.roll(values, i, axis=1)).save(folder / f"{i}.{ending}")
    return folder


@pytest.mark.parametrize(
    ("largest", "dtype", "ending", "bits"),
    [
        (4_095, np.uint16, "png", 12),
        (3_000, np.uint16, "png", 12),
        (1_023, np.uint16, "png", 10),
        (16_383, np.uint16, "tiff", 14),
        (255, np.int32, "tiff", 8),
    ],
)
def test_the_bits_that_a_folder_uses_are_found_and_said(
    tmp_path, capsys, largest, dtype, ending, bits
):
    """12 bits in a file of 16 gave pixels of at most 16 of 255: black pictures, silently."""
    own = load_folder(deep(tmp_path / "own", largest, dtype, ending), size=3)
    assert own.train.images.max().item() == pytest.approx(largest / (2**bits - 1), abs=1 / 255)
    err = capsys.readouterr().err
    assert f"12 of the pictures are stored with 16 or more bits but use {bits}" in err
    assert "bits=16" in err


def test_all_bits_used_need_no_word_and_can_be_asked_for(tmp_path, capsys):
    bright = load_folder(deep(tmp_path / "own", 40_000), size=3)
    assert bright.train.images.max().item() == pytest.approx(40_000 / 65_535, abs=1 / 255)
    dark = load_folder(deep(tmp_path / "dark", 4_095), size=3, bits=16)
    assert dark.train.images.max().item() == pytest.approx(1 / 16, abs=1 / 255)
    assert capsys.readouterr().err == ""


def test_a_value_beyond_the_bits_asked_for_is_unusable(tmp_path):
    with pytest.raises(ValueError, match="pixels from 0 to 4095, beyond 10 bits"):
        load_folder(deep(tmp_path / "own", 4_095), bits=10, on_bad="refuse")


def png_of_16_bit_colour(values: np.ndarray) -> bytes:
    """Pillow cannot write one: signature, head, rows without a filter, end."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(name, body)
        for name, body in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )


@pytest.mark.parametrize(("largest", "usable"), [(4_095, False), (60_000, True)])
def test_colour_of_twelve_bits_is_refused_because_pillow_drops_the_lower_eight(
    tmp_path, largest, usable
):
    for i in range(12):
        values = np.full((3, 3, 3), largest - i)
        (tmp_path / f"{i}.png").write_bytes(png_of_16_bit_colour(values))
    if usable:
        assert load_folder(tmp_path, size=3, channels=3).train.images.max() > 0.9
    else:
        with pytest.raises(ValueError, match=r"refused .*: 12\n .*16-bit colour that uses 12 bits"):
            load_folder(tmp_path, on_bad="refuse")
        assert load_folder(tmp_path, bits=16).train.images.max() < 0.1


# --- the folder ---


def test_a_plain_folder_has_no_labels(pictures):
    own = load_folder(pictures)
    assert own.image_shape == (28, 28) and own.train.labels is None and own.label_names is None
    assert (len(own.train), len(own.test)) == (10, 2)
    everything = torch.cat([own.train.images, own.test.images])
    assert everything.shape == (12, 784) and everything.dtype == torch.float32
    assert sorted(everything[:, 0].mul(255).round().tolist()) == list(range(0, 240, 20))
    assert "10 for training and 2 for testing" in own.source


def test_subfolders_are_labels_in_the_order_of_their_names(tmp_path):
    shades(tmp_path / "own" / "owls", range(100, 110))
    shades(tmp_path / "own" / "cats" / "deeper", range(200, 205))
    own = load_folder(tmp_path / "own")
    assert own.label_names == ("cats", "owls")
    for part in (own.train, own.test):
        expected = (part.images[:, 0] * 255 < 150).long()  # owls are dark
        assert torch.equal(part.labels, expected)
    assert "of 2 labels (cats, owls)" in own.source


def test_the_split_depends_on_names_only_and_is_shuffled(pictures, tmp_path):
    """Fails if the test set is one end of the alphabet, or other on each call or machine."""
    first, again = load_folder(pictures), load_folder(pictures)
    assert torch.equal(first.test.images, again.test.images)
    moved = load_folder(pictures.rename(tmp_path / "moved"))
    assert torch.equal(first.test.images, moved.test.images)
    order = first.train.images[:, 0].tolist()
    assert order != sorted(order) and order != sorted(order, reverse=True)


def test_a_new_picture_moves_at_most_one_other_between_the_splits(tmp_path):
    """Fails with a shuffled list: a picture trained on yesterday would be a test picture today."""
    folder = shades(tmp_path / "own", range(0, 200, 2))
    before = {round(v * 255) for v in load_folder(folder).test.images[:, 0].tolist()}
    shades(folder, [201])
    after = {round(v * 255) for v in load_folder(folder).test.images[:, 0].tolist()}
    assert len(before - after) <= 1 and len(after - before) <= 1


@pytest.mark.parametrize(("size", "shape"), [(16, (16, 16)), ((8, 12), (8, 12))])
def test_size_is_a_number_or_height_and_width(pictures, size, shape):
    own = load_folder(pictures, size=size)
    assert own.image_shape == shape and own.train.images.shape[1] == shape[0] * shape[1]


def test_three_channels_give_colour(pictures):
    own = load_folder(pictures, channels=3, size=4)
    assert own.image_shape == (3, 4, 4) and own.train.images.shape[1] == 48


def test_invert_turns_ink_on_paper_into_light_on_black(pictures):
    plain, inverted = load_folder(pictures), load_folder(pictures, invert=True)
    torch.testing.assert_close(inverted.train.images, 1 - plain.train.images)


def test_unusable_files_are_skipped_and_named(pictures, capsys):
    (pictures / "notes.txt").write_text("not a picture")
    (pictures / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    assert len(load_folder(pictures).train) == 10
    out, err = capsys.readouterr()
    assert out == "" and "skipped" in err and "notes.txt: not an image" in err
    assert "broken.png: " in err


def test_unusable_files_are_refused_when_asked(pictures):
    (pictures / "notes.txt").write_text("not a picture")
    with pytest.raises(ValueError, match=r"refused in .*: 1\n  notes\.txt: not an image"):
        load_folder(pictures, on_bad="refuse")


def test_a_long_list_of_unusable_files_is_cut(pictures, capsys):
    for i in range(25):
        (pictures / f"note{i:02}.txt").write_text("not a picture")
    load_folder(pictures)
    err = capsys.readouterr().err
    assert "note19.txt" in err and "note20.txt" not in err and "and 5 more" in err
    with pytest.raises(ValueError, match=r"refused in .*: 25(.|\n)*note24.txt") as caught:
        load_folder(pictures, on_bad="refuse")  # to mend a folder one needs them all
    assert "more" not in str(caught.value)


def test_a_note_in_a_subfolder_makes_it_no_label(pictures, capsys):
    """Fails if what is no picture decides that the loose pictures have no label."""
    (pictures / "notes").mkdir()
    (pictures / "notes" / "readme.txt").write_text("taken in spring")
    own = load_folder(pictures)
    assert len(own.train) == 10 and own.label_names is None
    assert "notes/readme.txt: not an image" in capsys.readouterr().err


def test_a_linked_folder_is_named_and_not_entered(pictures, tmp_path, capsys):
    """It may lead back up; and pictures that are silently missing are the worst of all."""
    shades(tmp_path / "elsewhere", range(3))
    (pictures / "more").symlink_to(tmp_path / "elsewhere")
    (pictures / "loop").symlink_to(pictures)
    assert len(load_folder(pictures).train) == 10
    err = capsys.readouterr().err
    assert "more: a link to a folder" in err and "loop: a link to a folder" in err


def test_a_link_to_nothing_is_named_and_refused_when_asked(pictures, capsys):
    """Thirty links whose target was moved away were passed over, also with "refuse"."""
    for i in range(3):
        (pictures / f"gone{i}.png").symlink_to(pictures / "nowhere.png")
    os.mkfifo(pictures / "pipe.png")
    assert len(load_folder(pictures).train) == 10
    err = capsys.readouterr().err
    assert "gone0.png: a link to nothing" in err and "pipe.png: no file of data" in err
    with pytest.raises(ValueError, match=r"refused in .*: 4(.|\n)*gone2.png: a link to nothing"):
        load_folder(pictures, on_bad="refuse")


def test_what_file_servers_and_desktops_leave_behind_is_passed_over(pictures, capsys):
    """Fails if a server's folder of previews becomes a label, or makes the others loose."""
    for folder in ("@eaDir", "#recycle", "__MACOSX", "$RECYCLE.BIN", "@__thumb"):
        shades(pictures / folder, [1, 2])
    for name in ("ehthumbs.db", "picasa.ini", "Icon\r", "Thumbs.db", "desktop.ini", ".picasa.ini"):
        (pictures / name).write_bytes(b"x")
    own = load_folder(pictures, on_bad="refuse")
    assert own.label_names is None and len(own.train) == 10
    assert capsys.readouterr() == ("", "")


def test_a_folder_that_takes_too_much_memory_is_refused_before_it_is_read(pictures, monkeypatch):
    monkeypatch.setattr(folder_module, "read_picture", None)  # must not be called
    with pytest.raises(ValueError, match=r"12 pictures of 3,145,728 values take 0\.19 GB .* 0\.1"):
        load_folder(pictures, size=1024, channels=3, max_gb=0.1)


# --- split and labels ---


def split_folder(root: Path, **parts: int) -> Path:
    """train/cats, train/dogs, ..., `parts` pictures each; cats are dark in training."""
    for i, (part, n) in enumerate(parts.items()):
        shades(root / part / "cats", range(40 * i, 40 * i + n))
        shades(root / part / "dogs", range(40 * i + 20, 40 * i + 20 + n))
    return root


def shades_of(split) -> list[int]:
    return sorted(split.images[:, 0].mul(255).round().int().tolist())


def test_the_users_own_split_is_kept(tmp_path):
    """The folders' names were taken for labels, and the user's test pictures trained on."""
    own = load_folder(split_folder(tmp_path / "own", train=6, val=3, test=2))
    assert own.label_names == ("cats", "dogs")
    assert shades_of(own.train) == [*range(6), *range(20, 26)]
    assert shades_of(own.validation) == [*range(40, 43), *range(60, 63)]
    assert shades_of(own.test) == [80, 81, 100, 101]
    assert torch.equal(own.test.labels, (own.test.images[:, 0] * 255 > 90).long())
    assert "12 for training, 6 for validation and 4 for testing of 2 labels (cats" in own.source


@pytest.mark.parametrize("name", ["val", "Validation", "test_set", "testing", "dev"])
def test_of_a_split_in_two_the_other_part_is_the_test(tmp_path, name):
    own = load_folder(split_folder(tmp_path / "own", Train=6, **{name: 2}))
    assert (len(own.train), len(own.test), own.validation) == (12, 4, None)


def test_a_split_without_labels_is_one_too(tmp_path):
    shades(tmp_path / "own" / "train", range(10))
    shades(tmp_path / "own" / "test", range(100, 104))
    own = load_folder(tmp_path / "own")
    assert shades_of(own.test) == list(range(100, 104)) and own.label_names is None


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (("train/a", "test/a"), "pictures in folders called a only, which would be the only label"),
        (("train", "test", "cats"), "folders test, train, which name a split, beside cats"),
        (("val", "test"), "has the folders test, val, but a split has one for training"),
        (("train", "test", "Test"), "has the folders Test, test, train, but a split has one"),
        (("train/a", "train/b", "test"), "has no picture for test: if some"),
        (("cats",), r"one folder of pictures, cats, .*only label: give .*own/cats instead"),
        (("train",), "one folder of pictures, train"),
    ],
    ids=str,
)
def test_folders_that_could_mean_two_things_are_refused(tmp_path, folders, message):
    for folder in folders:
        shades(tmp_path / "own" / folder, range(12))
    with pytest.raises(ValueError, match=message):
        load_folder(tmp_path / "own")


def test_a_train_among_other_vehicles_is_a_label(tmp_path):
    for folder in ("bus", "plane", "train"):
        shades(tmp_path / "own" / folder, range(5))
    assert load_folder(tmp_path / "own").label_names == ("bus", "plane", "train")


def test_a_share_for_testing_is_refused_where_the_folders_say_it(tmp_path):
    with pytest.raises(ValueError, match=r"test_fraction is 0.2, but .*own is split"):
        load_folder(split_folder(tmp_path / "own", train=6, test=2), test_fraction=0.2)


def test_many_labels_are_not_all_named(tmp_path):
    for i in range(25):
        shades(tmp_path / "own" / f"label{i:02}", [i])
    assert "label19 and 5 more)" in load_folder(tmp_path / "own").source


def test_a_folder_that_cannot_be_read_is_named(pictures, capsys, monkeypatch):
    """The super-user can read everything, so the system's answer is made up here."""
    (pictures / "locked").mkdir()
    scan = os.scandir

    def closed(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", closed)
    load_folder(pictures)
    assert "locked: a folder that cannot be read: Permission denied" in capsys.readouterr().err
    with pytest.raises(PermissionError):
        load_folder(pictures / "locked")


def test_a_name_cannot_write_to_the_terminal(pictures, capsys):
    (pictures / "a\nb.png").write_text("x")
    (pictures / "red\x1b[31m.png").write_text("x")
    load_folder(pictures)
    err = capsys.readouterr().err
    assert "a\\nb.png: not an image" in err and "\x1b" not in err


def test_a_folder_whose_name_is_no_text_can_be_printed_and_stored(tmp_path):
    """Bytes that are no UTF-8: fails when a page or a record is written, after the training."""
    folder = shades(tmp_path / os.fsdecode(b"b\xffd"), range(12))
    own = load_folder(folder)
    assert f"{own.name} {own.source}".encode()


def test_padding_is_black_after_inverting_too(tmp_path):
    shades(tmp_path / "own", [255] * 1)
    for i in range(12):
        Image.new("L", (40, 20), 255).save(tmp_path / "own" / f"wide{i}.png")
    own = load_folder(tmp_path / "own", size=8, fit="pad", invert=True)
    assert float(own.train.images.max()) == 0.0  # white paper and white border, both turned


def test_a_picture_that_padding_would_swallow_is_unusable(pictures, capsys):
    Image.new("L", (4_000, 2), 255).save(pictures / "line.png")
    load_folder(pictures, fit="pad")
    assert "line.png: 4000 x 2 pixels: nothing is left of it" in capsys.readouterr().err


def test_a_loose_picture_beside_labels_is_unusable(tmp_path, capsys):
    """It has no label, and a made-up one would be a lie."""
    shades(tmp_path / "own" / "cats", range(8))
    shades(tmp_path / "own" / "dogs", range(4))
    shades(tmp_path / "own", [200])
    own = load_folder(tmp_path / "own")
    assert len(own.train) + len(own.test) == 12
    assert "200.png: lies beside the folders of pictures" in capsys.readouterr().err


def test_a_large_test_fraction_leaves_a_picture_to_train_on(tmp_path):
    shades(tmp_path / "own", range(12))
    own = load_folder(tmp_path / "own", test_fraction=0.99)
    assert (len(own.train), len(own.test)) == (1, 11)


def test_hidden_files_and_those_of_file_managers_are_passed_over(pictures, capsys):
    (pictures / ".DS_Store").write_bytes(b"x")
    (pictures / "Thumbs.db").write_bytes(b"x")
    (pictures / ".cache").mkdir()
    (pictures / ".cache" / "x.png").write_bytes(b"x")
    load_folder(pictures, on_bad="refuse")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("n", [0, 1, 9])
def test_too_few_pictures_are_refused(tmp_path, n):
    folder = shades(tmp_path / "few", range(n))
    images = "image" if n == 1 else "images"
    with pytest.raises(ValueError, match=f"few has {n} usable {images} but at least 10"):
        load_folder(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        load_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size is 0 x 0"),
        ({"size": 1025}, "size is 1025 x 1025 but both must be at least 1 and at most 1024"),
        ({"size": 24.0}, r"size is 24\.0 but must be a whole number or"),
        ({"size": (24,)}, r"size is \(24,\) but must be"),
        ({"size": "24"}, "size is '24' but must be"),
        ({"size": True}, "size is True but must be"),
        ({"invert": "no"}, "invert is 'no' but must be True or False"),
        ({"channels": 2}, "channels is 2 but must be 1 or 3"),
        ({"fit": "squash"}, "fit is 'squash' but must be 'crop' or 'pad' or 'stretch'"),
        ({"on_bad": "ignore"}, "on_bad is 'ignore' but must be 'skip' or 'refuse'"),
        (
            {"test_fraction": 1.0},
            "test_fraction must be strictly between 0 and 1, but it is 1",
        ),
        ({"test_fraction": "0.2"}, r"test_fraction must be strictly .*, but it is a str"),
        ({"invert": 1}, "invert is 1 but must be True or False"),
        ({"bits": 11}, "bits is 11 but must be None or 8 or 10 or 12 or 14 or 16"),
        ({"max_gb": 0}, "max_gb must be positive and finite, but it is 0"),
    ],
    ids=str,
)
def test_arguments_that_make_no_sense_are_refused(pictures, options, message):
    with pytest.raises(ValueError, match=message):
        load_folder(pictures, **options)


def test_load_takes_a_folder_by_name_with_options_and_a_limit(pictures):
    own = data.load(f"images:{pictures}", size=8, limit=3)
    assert own.name == "images:pictures" and own.image_shape == (8, 8)
    assert (len(own.train), len(own.test)) == (3, 2)


def test_a_notebook_finds_the_folder_that_the_project_names(pictures, tmp_path, monkeypatch):
    """A relative folder is sought upwards: notebooks run one folder further down."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.setenv("VAE_TEACH_DATASET", "images:pictures")
    assert len(data.load().train) == 10
