"""The tasks of a small shop, as a module that a program imports. `test_shop.py` tests them without a worker."""

from __future__ import annotations

from decimal import Decimal

from localq import LocalQ

q = LocalQ(path="shop.db")


class Declined(Exception):
    """The bank said no; asking again does not help."""


def ask_bank(card: str, amount: Decimal) -> str:
    """Return the bank's number for a payment."""
    raise ConnectionError("this example knows no bank")


def post(address: str, letter: str) -> None:
    """Send a letter."""
    raise ConnectionError("this example knows no post")


@q.task(autoretry_for=(ConnectionError,), retry_backoff=True, max_retries=3, throws=(Declined,))
def charge(card: str, amount: Decimal) -> str:
    return ask_bank(card, amount)


@q.task
def send_receipt(payment: str, address: str) -> None:
    post(address, f"Thank you for payment {payment}.")


def buy(card: str, amount: Decimal, address: str) -> str:
    """Return the id of the payment's job; the receipt follows it by itself."""
    return charge.apply_async((card, amount), link=send_receipt.s(address)).id
