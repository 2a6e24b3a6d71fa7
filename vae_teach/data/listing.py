"""Which files of a folder are meant to be pictures, and what cannot be looked at.

Passed over in silence is only what systems leave behind on their own. Everything else that gives no
picture is named, because pictures that are missing without a word are the worst of all.
"""

import os
from pathlib import Path

# Left in folders of pictures by Windows, macOS, Picasa, and the file servers of Synology and QNAP.
_LEFT_FILES = {
    "desktop.ini", "ehthumbs.db", "ehthumbs_vista.db", "icon\r", "picasa.ini", "thumbs.db",
    "zbthumbnail.info",
}  # fmt: skip
_LEFT_FOLDERS = {
    "#recycle", "#snapshot", "$recycle.bin", "@__thumb", "@eadir", "@recently-snapshot", "@recycle",
    "__macosx", "__pycache__", "lost+found", "network trash folder", "recycler",
    "system volume information", "temporary items",
}  # fmt: skip


def list_files(root: Path) -> tuple[list[Path], dict[Path, str]]:
    """Return every file below the folder in an order of names, and what was not entered and why.

    Hidden files and folders are passed over, and so is what systems leave behind. A linked folder
    is not entered, because it may lead back up.

    Raises:
        OSError: if the folder itself cannot be read.
    """
    files, closed = [], {}

    def cannot_be_read(error: OSError) -> None:
        if Path(error.filename) == root:
            raise error
        closed[Path(error.filename)] = f"a folder that cannot be read: {error.strerror}"

    for name, folders, names in os.walk(root, onerror=cannot_be_read):
        here = Path(name)
        folders[:] = [folder for folder in folders if not _is_left(folder, _LEFT_FOLDERS)]
        for folder in folders:
            if (here / folder).is_symlink():
                closed[here / folder] = "a link to a folder: put the pictures themselves here"
        for path in (here / n for n in names if not _is_left(n, _LEFT_FILES)):
            if path.is_file():
                files.append(path)
            else:
                closed[path] = "a link to nothing" if path.is_symlink() else "no file of data"
    return sorted(files), closed


def _is_left(name: str, known: set[str]) -> bool:
    return name.startswith(".") or name.lower() in known
