"""A store on a server as it is, for those who only look: nothing is made, and every transaction reads alone."""

from __future__ import annotations

from localq.exceptions import StoreError
from localq.store.postgresql.connection import Connection
from localq.store.postgresql.database import PostgresqlDatabase
from localq.store.postgresql.store import PostgresqlStore

__all__ = ["ReadOnlyStore"]


class _ReadOnly(PostgresqlDatabase):
    """A schema that is never written; one that is missing is not made."""

    def __init__(self, url: str, deadline_s: float | None) -> None:
        super().__init__(url)
        self._deadline_s = deadline_s

    def _made(self, connection: Connection) -> str:
        raise StoreError(
            f"There is no store in the schema {self.address.schema} of {self.address.name}. Check the URL; the first "
            "job enqueued makes it."
        )

    def _connected(self) -> Connection:
        connection = super()._connected()
        connection.execute("SET default_transaction_read_only TO on", prepare=False)
        if self._deadline_s is not None:
            connection.execute(f"SET statement_timeout TO {max(1, round(self._deadline_s * 1000))}", prepare=False)
        return connection


class ReadOnlyStore(PostgresqlStore):
    """The facets of a store that is never written; only verbs that read work.

    Args:
        deadline_s: Seconds after which a statement is given up, with a StoreError; None: never.
    """

    def __init__(self, url: str, deadline_s: float | None = None) -> None:
        self._over(_ReadOnly(url, deadline_s))
