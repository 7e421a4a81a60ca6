"""A store on a server as it is, for those who only look: nothing is made, and every transaction reads alone."""

from __future__ import annotations

from psycopg.errors import QueryCanceled

from localq.exceptions import StoreError
from localq.store.postgresql.connection import Connection
from localq.store.postgresql.database import PostgresqlDatabase
from localq.store.postgresql.store import PostgresqlStore

__all__ = ["ReadOnlyStore"]


class _ReadOnly(PostgresqlDatabase):
    """A schema that is never written; one that is missing is not made."""

    def __init__(self, url: str, deadline_s: float | None) -> None:
        super().__init__(url)
        # Of the session; and of the transaction that has just begun, where each has another session.
        self._said |= {"default_transaction_read_only": "on", "transaction_read_only": "on"}
        if deadline_s is not None:
            self._said["statement_timeout"] = str(max(1, round(deadline_s * 1000)))

    def _made(self, connection: Connection) -> str:
        raise StoreError(
            f"There is no store in the schema {self.address.schema} of {self.address.name}. Check the URL; the first "
            "job enqueued makes it."
        )

    def explained(self, error: BaseException) -> BaseException:
        """Return what an error means for who only looks."""
        if isinstance(error, QueryCanceled):
            return StoreError("There was too much to look through in the time that this may take. Ask for less of it.")
        return super().explained(error)


class ReadOnlyStore(PostgresqlStore):
    """The facets of a store that is never written; only verbs that read work.

    Args:
        deadline_s: Seconds after which a statement is given up, with a StoreError; None: never.
    """

    def __init__(self, url: str, deadline_s: float | None = None) -> None:
        self._over(_ReadOnly(url, deadline_s))
