"""What a server must let its user do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("redis")

import localq.store.redis as package
from localq.exceptions import StoreReadOnly
from localq.store.redis.rights import COMMANDS, check_rights

FOLDER = Path(package.__path__[0])
#: Words in capitals that are no commands, and commands that may be missing: who asks by them says so.
NO_COMMANDS = {"EX", "LIMIT", "NX", "WITHSCORES"}
#: Commands that the store can do without; and how scripts are run.
BESIDE = {"CLIENT", "CONFIG", "EVALSHA", "INFO", "MEMORY", "SCRIPT", "WAITAOF"}


def test_every_command_that_the_store_uses_is_asked_for() -> None:
    scripts = {word for path in FOLDER.rglob("*.lua") for word in re.findall(r"'([A-Z]{2,})'", path.read_text())}
    asked = {
        word
        for path in FOLDER.glob("*.py")
        if path.name != "rights.py"
        for word in re.findall(r'(?:\(|_say\()(?:connection, )?"([A-Z]{3,})"', path.read_text())
    }

    needed = (scripts | asked) - NO_COMMANDS - BESIDE - {"LQFMT", "MISCONF", "OOM", "NOPERM"}

    assert sorted(needed) == sorted({one.split()[0] for one in COMMANDS})


def test_what_is_not_allowed_is_named_as_it_is_given() -> None:
    check_rights([], "redis://h/0", "{lq}:")
    with pytest.raises(StoreReadOnly) as one:
        check_rights([b"ZADD", b"PUBSUB NUMSUB"], "redis://h/0", "{lq}:")
    with pytest.raises(StoreReadOnly) as all_of_them:
        check_rights([name.encode() for name in COMMANDS], "redis://h/0", "{lq}:")

    assert str(one.value) == (
        "redis://h/0 does not let its user use ZADD, PUBSUB NUMSUB on the keys and channels {lq}:*. Give it +zadd "
        "+pubsub|numsub, and ~{lq}:* &{lq}:* (ACL SETUSER); nothing was changed."
    )
    assert "use the keys and channels {lq}:*. Give it ~{lq}:* and &{lq}:*" in str(all_of_them.value)
