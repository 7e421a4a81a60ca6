from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from orders.models import Order
from orders.tasks import confirm


@csrf_exempt
@require_POST
@transaction.atomic
def place(request: HttpRequest) -> JsonResponse:
    order = Order.objects.create(item=request.POST["item"])
    # Not before the row is there for others to see; and not at all if this transaction fails.
    confirm.delay_on_commit(order.pk)
    return JsonResponse({"number": order.pk}, status=202)


def show(request: HttpRequest, number: int) -> JsonResponse:
    order = get_object_or_404(Order, pk=number)
    return JsonResponse({"number": order.pk, "item": order.item, "confirmed": order.confirmed})
