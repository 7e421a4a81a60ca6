"""Telling by what systems call filesystems where SQLite's locks work."""

from __future__ import annotations

import pytest

from localq.exceptions import UnsafeFilesystem
from localq.host.filesystem import filesystem_of
from localq.store.sqlite import filesystem
from localq.store.sqlite.filesystem import check_filesystem, verdict


def test_what_is_not_known_is_not_refused() -> None:
    assert verdict(None) == "ok"


def test_this_systems_own_table_can_be_read() -> None:
    assert verdict(filesystem_of("/")) in {"ok", "doubtful"}


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ("ext2 ext3 ext4 xfs btrfs zfs f2fs apfs hfs NTFS ReFS exFAT fuseblk fuse.fuse-overlayfs", "ok"),
        ("tmpfs ramfs overlay", "doubtful"),
        ("nfs nfs4 cifs smb3 smbfs 9p virtiofs afs ceph glusterfs lustre vboxsf drvfs vmhgfs", "refused"),
        ("fuse fuse.sshfs fuse.vmhgfs-fuse fuse.s3fs fuse.rclone prl_fs", "refused"),
        ("smbfs afpfs webdav macfuse osxfuse AppleVirtIOFS", "refused"),
    ],
)
def test_filesystems_are_told_by_their_type(kinds: str, expected: str) -> None:
    assert {kind: verdict(kind) for kind in kinds.split()} == dict.fromkeys(kinds.split(), expected)


def test_a_refusal_names_the_path_the_filesystem_and_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "filesystem_of", lambda path: "nfs4")

    with pytest.raises(UnsafeFilesystem) as refused:
        check_filesystem("/home/anna")

    for word in ("/home/anna", "nfs4", "local disk", "LOCALQ_ALLOW_UNSAFE_FS=1"):
        assert word in str(refused.value)


@pytest.mark.parametrize("kind", ["tmpfs", "ext4", None])
def test_what_works_is_not_refused(monkeypatch: pytest.MonkeyPatch, kind: str | None) -> None:
    monkeypatch.setattr(filesystem, "filesystem_of", lambda path: kind)

    check_filesystem("/home/anna")


@pytest.mark.parametrize(("value", "allowed"), [("1", True), ("0", False), ("", False)])
def test_whoever_insists_is_let_through(monkeypatch: pytest.MonkeyPatch, value: str, allowed: bool) -> None:
    monkeypatch.setattr(filesystem, "filesystem_of", lambda path: "remote smbfs")
    monkeypatch.setenv("LOCALQ_ALLOW_UNSAFE_FS", value)

    if allowed:
        check_filesystem("/home/anna")
    else:
        with pytest.raises(UnsafeFilesystem):
            check_filesystem("/home/anna")
