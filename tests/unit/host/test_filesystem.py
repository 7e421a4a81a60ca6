"""Which filesystem a path lies on: by a mount table, and where a system has no answer."""

from __future__ import annotations

import sys

import pytest

from localq.host import filesystem, macos
from localq.host.filesystem import filesystem_of, in_mount_table

MOUNTS = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
24 22 0:5 / /tmp rw - tmpfs tmpfs rw
25 22 0:6 / /home rw,nosuid shared:2 master:3 - nfs4 server:/home rw,vers=4.2
26 25 8:1 / /home/anna/local rw - xfs /dev/sda1 rw
27 22 0:7 / /mnt/with\040space rw - virtiofs share rw
28 22 0:8 / /mnt/under rw - ext4 /dev/vdb rw
29 22 0:9 / /mnt/under rw - cifs //server/share rw
30 22 0:10 / /mnt/tab\011back\134slash rw - 9p share rw
a line nobody understands
31 22 0:11 / /mnt/data rw - fuse.sshfs anna@server: rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/jobs", "ext4"),
        ("/", "ext4"),
        ("/tmp", "tmpfs"),
        ("/tmp/deep/down", "tmpfs"),
        ("/tmpfile", "ext4"),
        ("/home/anna", "nfs4"),
        ("/home/anna/local", "xfs"),
        ("/home/anna/local/queue", "xfs"),
        ("/home/anna/localized", "nfs4"),
        ("/mnt/with space/queue", "virtiofs"),
        ("/mnt/under/queue", "cifs"),
        ("/mnt/tab\tback\\slash", "9p"),
        ("/mnt/data", "fuse.sshfs"),
    ],
)
def test_a_path_lies_on_the_deepest_and_last_of_the_mounts_over_it(path: str, kind: str) -> None:
    assert in_mount_table(path, MOUNTS) == kind


def test_without_a_mount_table_nothing_is_known() -> None:
    assert in_mount_table("/home/anna", "") is None


@pytest.mark.skipif(sys.platform not in ("linux", "darwin", "win32"), reason="is not asked")
def test_this_system_says_where_the_working_folder_lies() -> None:
    kind = filesystem_of(str(__file__))

    assert kind
    assert not kind.startswith("remote")


@pytest.mark.parametrize("system", ["darwin", "win32", "freebsd14"])
def test_a_system_without_the_call_that_it_should_have_says_nothing(
    monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(macos.ctypes, "CDLL", lambda name: object())
    monkeypatch.setattr(filesystem, "Path", lambda path: Gone())

    assert filesystem_of("/home/anna") is None


class Gone:
    """A file that is not there."""

    def read_text(self) -> str:
        raise FileNotFoundError
