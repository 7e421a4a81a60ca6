from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from localq import shared_task
from orders.models import Order


@shared_task(autoretry_for=(OSError,), retry_backoff=True)
def confirm(number: int) -> str:
    order = Order.objects.get(pk=number)
    order.confirmed = True
    order.save(update_fields=["confirmed"])
    return f"{order.item} is confirmed"


@shared_task
def forget_old_orders() -> int:
    old = Order.objects.filter(placed_at__lt=timezone.now() - timedelta(days=365))
    return old.delete()[0]
