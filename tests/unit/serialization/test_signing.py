from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from localq.exceptions import ImproperlyConfigured, SecurityError
from localq.serialization.keys import MessageKey, read_keys
from localq.serialization.sealing import signer_of
from localq.serialization.signing import Signer, body_of
from localq.settings import Settings

OLD, NEW = b"the old secret, long enough", b"the new secret, long enough"
BODY = b"[[1],{}]"
FIELDS = ("job", "task", "")


def signer(required: bool = True, **keys: bytes) -> Signer:
    return Signer(keys or {"old": OLD}, required)


def verified(by: Signer, data: bytes, what: str = "call", fields: tuple[str, ...] = FIELDS) -> bytes:
    return by.verify(what, fields, data, "The arguments of job 1")


def test_what_was_signed_is_verified() -> None:
    signed = signer().sign("call", FIELDS, BODY)

    assert verified(signer(), signed) == BODY
    assert body_of(signed) == BODY
    assert body_of(BODY) is BODY


def test_every_bit_counts() -> None:
    signed = signer().sign("call", FIELDS, BODY)

    for at in range(len(signed)):
        forged = bytearray(signed)
        forged[at] ^= 1
        with pytest.raises(SecurityError):
            verified(signer(), bytes(forged))
    for end in range(len(signed)):
        with pytest.raises(SecurityError):
            verified(signer(), signed[:end])


@pytest.mark.parametrize(
    ("what", "fields"),
    [
        ("result", FIELDS),
        ("call", ("other", "task", "")),
        ("call", ("job", "other", "")),
        ("call", ("job", "task", '{"link":[]}')),
        ("call", ("job", "task")),
        ("call", ("jobt", "ask", "")),
        ("call", ("job", "", "task")),
    ],
)
def test_what_was_signed_as_one_thing_is_no_other(what: str, fields: tuple[str, ...]) -> None:
    signed = signer().sign("call", FIELDS, BODY)

    with pytest.raises(SecurityError, match="do not fit their signature"):
        verified(signer(), signed, what, fields)


def test_unsigned_bytes_are_taken_only_where_signatures_are_not_required() -> None:
    assert verified(signer(required=False), BODY) is BODY
    with pytest.raises(SecurityError, match="are not signed, and message_signing='require' takes nothing else"):
        verified(signer(), BODY)


def test_keys_are_rotated_without_losing_what_is_signed_with_the_old_one() -> None:
    signed = signer().sign("call", FIELDS, BODY)
    both = signer(new=NEW, old=OLD)

    assert verified(both, signed) == BODY
    assert verified(signer(new=NEW), both.sign("call", FIELDS, BODY)) == BODY
    with pytest.raises(SecurityError, match=r"the key 'old', which is not in message_keys here \(known: new\)"):
        verified(signer(new=NEW), signed)


def test_another_secret_under_the_same_id_verifies_nothing() -> None:
    signed = signer(old=NEW).sign("call", FIELDS, BODY)

    with pytest.raises(SecurityError, match="do not fit"):
        verified(signer(old=OLD), signed)


# Keys


def test_a_key_is_a_secret_or_says_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALQ_TEST_KEY", NEW.decode())
    path = tmp_path / "key"
    path.write_bytes(OLD + b"\n")
    path.chmod(0o600)

    keys = read_keys([NEW.decode(), "env:LOCALQ_TEST_KEY", f"file:{path}", f"2025:file:{path}", "a.b-c:" + "x" * 16])

    assert [key.secret for key in keys] == [NEW, NEW, OLD, OLD, b"x" * 16]
    assert [key.id for key in keys[3:]] == ["2025", "a.b-c"]
    assert keys[0].id == keys[1].id != keys[2].id


def test_one_key_needs_no_list() -> None:
    (key,) = Settings({"message_keys": "2025:" + OLD.decode()}).message_keys

    assert (key.id, key.secret) == ("2025", OLD)


def test_keys_outlive_a_copy_of_the_settings() -> None:
    conf = copy.deepcopy(Settings({"message_keys": [OLD.decode()]}))
    conf.message_keys = conf.message_keys

    assert [key.secret for key in conf.message_keys] == [OLD]


def test_a_secret_is_shown_nowhere() -> None:
    conf = Settings({"message_keys": ["2025:" + OLD.decode(), NEW.decode()]})

    assert [str(key) for key in conf.message_keys] == ["<key 2025>", "<key>"]
    assert repr(conf) == "Settings({'message_keys': '********'})"
    with pytest.raises(ImproperlyConfigured) as error:
        Settings({"message_keys": [OLD.decode(), "2025:tiny-phrase"]})
    assert "phrase" not in str(error.value)
    assert "<key 2025> of message_keys has 11 bytes; a key needs 16 or more" in str(error.value)


@pytest.mark.parametrize("given", [5, None, b"bytes", [5], [""], ["short"], [b"0123456789abcdef"]])
def test_what_is_no_key_is_refused_when_it_is_set(given: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="message_keys"):
        Settings({"message_keys": given})


def test_a_key_that_is_not_where_it_should_be_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCALQ_TEST_KEY", raising=False)

    with pytest.raises(ImproperlyConfigured, match="names the variable LOCALQ_TEST_KEY, which is not set"):
        _ = MessageKey("env:LOCALQ_TEST_KEY").secret
    with pytest.raises(ImproperlyConfigured, match="cannot be read: No such file"):
        _ = MessageKey(f"file:{tmp_path / 'none'}").secret


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(OLD)
    path.chmod(0o640)

    with pytest.raises(ImproperlyConfigured, match=r"open to others \(mode 640\): chmod 600"):
        _ = MessageKey(f"file:{path}").secret


def test_signing_needs_keys_with_ids_of_their_own() -> None:
    assert signer_of(Settings({"message_keys": OLD.decode()})) is None
    with pytest.raises(ImproperlyConfigured, match="message_signing='accept' needs a key in message_keys"):
        signer_of(Settings({"message_signing": "accept"}))
    keys = ["2025:" + OLD.decode(), "2025:" + NEW.decode()]
    with pytest.raises(ImproperlyConfigured, match="Two keys of message_keys have the id '2025'"):
        signer_of(Settings({"message_signing": "require", "message_keys": keys}))
