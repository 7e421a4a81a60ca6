"""What macOS says, by given answers of its calls as they are laid out on Intel's processors and on Apple's."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from localq.host import macos


def said_by_macos(kind: bytes, flags: int) -> bytes:
    """Return what the kernel writes, by the offsets of its header sys/mount.h."""
    data = bytearray(2168)
    data[64:68] = flags.to_bytes(4, "little")
    data[72 : 72 + len(kind)] = kind
    data[88:89] = b"/"
    return bytes(data)


STATFS = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
SYSCTL = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_size_t), ctypes.c_void_p, ctypes.c_size_t
)


class Library:
    """The library of macOS's system, as far as it is called: functions in C, which fill in given bytes."""

    def __init__(self, said: bytes, session: bytes = b"", error: int = 0) -> None:
        self.asked: list[bytes] = []

        def statfs(path: bytes, into: int) -> int:
            self.asked.append(path)
            ctypes.memmove(into, said, len(said))
            return error

        def sysctlbyname(name: bytes, into: int, size: Any, new: int | None, new_size: int) -> int:
            assert (name, new, new_size) == (b"kern.bootsessionuuid", None, 0)
            assert size.contents.value > len(session)
            ctypes.memmove(into, session + b"\0", len(session) + 1)
            return error

        self.statfs, self.sysctlbyname = STATFS(statfs), SYSCTL(sysctlbyname)


class OnIntel(Library):
    """There the bare name is the older call, laid out otherwise."""

    def __init__(self, said: bytes) -> None:
        super().__init__(b"\xff" * 100)
        self.right = Library(said)
        setattr(self, "statfs$INODE64", self.right.statfs)


MNT_LOCAL, MNT_RDONLY = 0x1000, 0x1


@pytest.mark.parametrize("library", [Library, OnIntel])
@pytest.mark.parametrize(
    ("kind", "flags", "expected"),
    [
        (b"apfs", MNT_LOCAL | MNT_RDONLY, "apfs"),
        (b"hfs", MNT_LOCAL, "hfs"),
        (b"smbfs", MNT_RDONLY, "remote smbfs"),
        (b"nfs", 0, "remote nfs"),
        (b"a name of 16 long", MNT_LOCAL, "a name of 16 lon"),
        (b"", MNT_LOCAL, None),
    ],
)
def test_macos_names_a_filesystem_and_says_whether_it_is_of_this_computer(
    library: Any, kind: bytes, flags: int, expected: str | None
) -> None:
    given = library(said_by_macos(kind[:16], flags))

    assert macos.filesystem_of("/Users/Änne", given) == expected
    assert getattr(given, "right", given).asked == ["/Users/Änne".encode()]


def test_a_path_that_macos_knows_nothing_of_has_no_filesystem() -> None:
    assert macos.filesystem_of("/none", Library(said_by_macos(b"apfs", MNT_LOCAL), error=-1)) is None


def test_a_start_of_macos_is_named_by_its_session() -> None:
    session = b"5E6FFEBE-0B5F-4E0C-9D43-0C3A6D5A7A11"

    assert macos.boot_id(Library(b"", session)) == session.decode()
    assert macos.boot_id(Library(b"", b"")) is None
    assert macos.boot_id(Library(b"", session, error=-1)) is None
