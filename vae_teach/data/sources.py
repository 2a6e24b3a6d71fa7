"""The IDX data sets the kit knows: their files, their checksums and their mirrors.

Shapes: images (N, 28, 28) and labels (N,), both unsigned bytes on disk.
"""

from dataclasses import dataclass

from vae_teach.data.idx import IdxFile


@dataclass(frozen=True)
class Source:
    """A data set of four IDX files.

    Attributes:
        name: what `load` and the command line call it.
        title: what it is, for the sentence in a notebook's first cell.
        files: by role: train_images, train_labels, test_images, test_labels.
        folders: where its files lie inside a folder of data sets, besides that folder itself.
        mirrors: addresses that end in a slash; a file's is the mirror's plus name and ".gz".
        label_names: what label 0, 1, ... is called.
    """

    name: str
    title: str
    files: dict[str, IdxFile]
    folders: tuple[str, ...]
    mirrors: tuple[str, ...]
    label_names: tuple[str, ...]


def _files(*sha256: str) -> dict[str, IdxFile]:
    published = (
        ("train_images", "train-images-idx3-ubyte", (60_000, 28, 28)),
        ("train_labels", "train-labels-idx1-ubyte", (60_000,)),
        ("test_images", "t10k-images-idx3-ubyte", (10_000, 28, 28)),
        ("test_labels", "t10k-labels-idx1-ubyte", (10_000,)),
    )
    pairs = zip(published, sha256, strict=True)
    return {role: IdxFile(name, shape, digest) for (role, name, shape), digest in pairs}


_ALL = (
    Source(
        name="mnist",
        title="MNIST handwritten digits (LeCun, Cortes and Burges)",
        files=_files(
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
        folders=("mnist", "MNIST/raw"),  # the latter is torchvision's
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",  # the one torchvision uses
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://raw.githubusercontent.com/fgnt/mnist/master/",
        ),
        label_names=tuple("0123456789"),
    ),
    Source(
        name="fashion_mnist",
        title="Fashion-MNIST articles of clothing (Xiao, Rasul and Vollgraf 2017)",
        # No publisher lists these, only MD5 sums of the .gz files. Three unconnected projects that
        # hashed the uncompressed files, and copies kept under Git LFS, agree on them.
        files=_files(
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
        folders=("fashion_mnist", "FashionMNIST/raw"),
        mirrors=(
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",  # torchvision's
        ),
        label_names=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
    ),
)

SOURCES = {source.name: source for source in _ALL}
MNIST = SOURCES["mnist"]
