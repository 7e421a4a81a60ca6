"""Unit tests in eager mode: calls run here and now, by the same code as in a worker, and leave no file behind."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import shop


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    shop.q.conf.task_always_eager = True
    yield
    shop.q.close()  # forgets all jobs
    assert not list(tmp_path.iterdir())


def test_a_payment_returns_the_banks_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop, "ask_bank", lambda card, amount: f"{card}-{amount}")

    assert shop.charge.delay("4711", Decimal("9.90")).get() == "4711-9.90"


def test_a_lost_connection_is_retried_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([ConnectionError("gone"), ConnectionError("gone"), "n1"])

    def ask_bank(card: str, amount: Decimal) -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(shop, "ask_bank", ask_bank)
    result = shop.charge.delay("4711", Decimal(1))

    assert result.get() == "n1"
    assert [run.outcome for run in result.attempts] == ["RETRY", "RETRY", "SUCCESS"]


def test_after_three_retries_the_error_is_the_callers() -> None:
    result = shop.charge.delay("4711", Decimal(1))

    assert result.state == "FAILURE"
    assert result.retries == 3
    with pytest.raises(ConnectionError, match="knows no bank"):
        result.get()


def test_a_declined_card_is_not_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask_bank(card: str, amount: Decimal) -> str:
        raise shop.Declined("no cover")

    monkeypatch.setattr(shop, "ask_bank", ask_bank)
    result = shop.charge.delay("4711", Decimal(1))

    with pytest.raises(shop.Declined):
        result.get()
    assert len(result.attempts) == 1


def test_a_receipt_follows_a_payment(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []
    monkeypatch.setattr(shop, "ask_bank", lambda card, amount: "n1")
    monkeypatch.setattr(shop, "post", lambda *letter: sent.append(letter))

    shop.buy("4711", Decimal(1), "ada@example.org")

    assert sent == [("ada@example.org", "Thank you for payment n1.")]


def test_what_a_worker_could_not_read_fails_here_too() -> None:
    with pytest.raises(TypeError, match=r"args\[0\]"):
        shop.charge.delay(object(), Decimal(1))
