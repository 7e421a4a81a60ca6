"""What a server must let its user do, and whether it does: a script that may not go on stops halfway."""

from __future__ import annotations

from collections.abc import Sequence

from localq.exceptions import StoreReadOnly
from localq.store.redis.scripts import script

__all__ = ["COMMANDS", "RIGHTS", "check_rights"]

#: Of scripts, and of what is asked beside them; but for those without which all works, such as INFO.
COMMANDS = (
    "DEL", "EXISTS", "EXPIRE", "GET", "GETRANGE", "HDEL", "HEXISTS", "HGET", "HGETALL", "HINCRBY", "HKEYS", "HMGET",
    "HSET", "HVALS", "INCR", "INCRBY", "LINDEX", "LLEN", "LRANGE", "LREM", "LSET", "LTRIM", "MGET", "PERSIST",
    "PUBLISH", "PUBSUB NUMSUB", "RPOP", "RPUSH", "SADD", "SCAN", "SET", "SETNX", "SMEMBERS", "SPOP", "SREM", "STRLEN",
    "SUBSCRIBE", "TIME", "TYPE", "UNLINK", "UNSUBSCRIBE", "ZADD", "ZCARD", "ZCOUNT", "ZPOPMIN", "ZRANGE", "ZRANGEBYLEX",
    "ZRANGEBYSCORE", "ZREM", "ZREMRANGEBYRANK", "ZREMRANGEBYSCORE", "ZREVRANGE", "ZREVRANGEBYSCORE", "ZSCORE",
)  # fmt: skip
#: Answers which of the commands in its arguments the user may not use.
RIGHTS = script("rights", reads=True)


def check_rights(barred: Sequence[bytes], name: str, prefix: str) -> None:
    """Refuse a server on which the user may not do all that is to be done.

    Raises:
        StoreReadOnly: names the commands.
    """
    if not barred:
        return
    names = [one.decode() for one in barred]
    if len(names) == len(COMMANDS):
        told = f"use the keys and channels {prefix}*. Give it ~{prefix}* and &{prefix}*"
    else:
        given = " ".join(f"+{one.lower().replace(' ', '|')}" for one in names)
        told = f"use {', '.join(names)} on the keys and channels {prefix}*. Give it {given}, and ~{prefix}* &{prefix}*"
    raise StoreReadOnly(f"{name} does not let its user {told} (ACL SETUSER); nothing was changed.")
