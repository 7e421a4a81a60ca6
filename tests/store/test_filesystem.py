"""Telling by the mount table where SQLite's locks work."""

from __future__ import annotations

import pytest

from localq.exceptions import UnsafeFilesystem
from localq.store.sqlite.filesystem import check_filesystem, filesystem_of, verdict

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
    assert filesystem_of(path, MOUNTS) == kind


def test_without_a_mount_table_nothing_is_known() -> None:
    assert filesystem_of("/home/anna", "") is None
    assert verdict(None) == "ok"


def test_this_systems_own_table_can_be_read() -> None:
    assert verdict(filesystem_of("/")) in {"ok", "doubtful"}


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ("ext2 ext3 ext4 xfs btrfs zfs f2fs apfs hfs fuseblk fuse.fuse-overlayfs", "ok"),
        ("tmpfs ramfs overlay", "doubtful"),
        ("nfs nfs4 cifs smb3 smbfs 9p virtiofs afs ceph glusterfs lustre vboxsf drvfs vmhgfs", "refused"),
        ("fuse fuse.sshfs fuse.vmhgfs-fuse fuse.s3fs fuse.rclone prl_fs", "refused"),
    ],
)
def test_filesystems_are_told_by_their_type(kinds: str, expected: str) -> None:
    assert {kind: verdict(kind) for kind in kinds.split()} == dict.fromkeys(kinds.split(), expected)


def test_a_refusal_names_the_path_the_filesystem_and_the_way_out() -> None:
    with pytest.raises(UnsafeFilesystem) as refused:
        check_filesystem("/home/anna", MOUNTS)

    for word in ("/home/anna", "nfs4", "local disk", "LOCALQ_ALLOW_UNSAFE_FS=1"):
        assert word in str(refused.value)


@pytest.mark.parametrize("path", ["/tmp", "/var", "/home/anna/local"])
def test_what_works_is_not_refused(path: str) -> None:
    check_filesystem(path, MOUNTS)


@pytest.mark.parametrize(("value", "allowed"), [("1", True), ("0", False), ("", False)])
def test_whoever_insists_is_let_through(monkeypatch: pytest.MonkeyPatch, value: str, allowed: bool) -> None:
    monkeypatch.setenv("LOCALQ_ALLOW_UNSAFE_FS", value)

    if allowed:
        check_filesystem("/home/anna", MOUNTS)
    else:
        with pytest.raises(UnsafeFilesystem):
            check_filesystem("/home/anna", MOUNTS)
