"""What Windows says, by given answers of its calls."""

from __future__ import annotations

from typing import Any

import pytest

from localq.host import windows


class Kernel:
    """Windows' kernel32, as far as it is called."""

    def __init__(self, root: str, drive: int, name: str) -> None:
        self._root, self._drive, self._name = root, drive, name
        self.asked: list[str] = []

    def GetVolumePathNameW(self, path: str, root: Any, size: int) -> int:  # noqa: N802
        self.asked.append(path)
        assert size == len(root)
        root.value = self._root
        return int(bool(self._root))

    def GetDriveTypeW(self, root: Any) -> int:  # noqa: N802
        assert root.value == self._root
        return self._drive

    def GetVolumeInformationW(self, root: Any, *rest: Any) -> int:  # noqa: N802
        assert (self._drive, len(rest)) != (4, 7), "the other computer may be off"
        *nothing, name, size = rest
        assert (nothing, size) == ([None, 0, None, None, None], len(name))
        name.value = self._name
        return 1


@pytest.mark.parametrize(
    ("drive", "name", "expected"),
    [
        (3, "NTFS", "NTFS"),
        (2, "exFAT", "exFAT"),
        (4, "NTFS", "remote drive"),
        (6, "FAT32", "ramfs"),
        (3, "", None),
        (0, "NTFS", None),
        (1, "NTFS", None),
    ],
)
def test_windows_names_a_filesystem_by_the_drive_it_is_on(drive: int, name: str, expected: str | None) -> None:
    assert windows.filesystem_of(r"D:\jobs", Kernel("D:\\", drive, name)) == expected


def test_a_path_that_windows_knows_nothing_of_has_no_filesystem() -> None:
    assert windows.filesystem_of(r"Q:\jobs", Kernel("", 3, "NTFS")) is None


@pytest.mark.parametrize(
    ("path", "remote"),
    [
        (r"\\server\share\jobs", True),
        (r"\\wsl.localhost\Debian\home", True),
        (r"\\?\UNC\server\share\jobs", True),
        (r"\\.\unc\server\share", True),
        (r"\\?\D:\jobs", False),
        (r"\\?\Volume{0b1d}\jobs", False),
        (r"C:\jobs", False),
    ],
)
def test_a_share_of_another_computer_is_told_by_its_path_and_not_asked_of(path: str, remote: bool) -> None:
    kernel = Kernel("C:\\", 3, "NTFS")

    assert windows.filesystem_of(path, kernel) == ("remote share" if remote else "NTFS")
    assert kernel.asked == ([] if remote else [path])
