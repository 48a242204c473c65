"""What orders would cost."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from client.cli import inputs
from client.cli.context import Context
from client.cli.faults import DONE
from client.cli.state import read_state
from client.models import Price
from client.orders import images_form, prompts_body


def prices_of(context: Context, orders: Sequence[inputs.Order], folder: Path) -> list[Price]:
    """Ask for the price of what a run would order now."""
    known = read_state(folder, context.client.base_url).latest()
    new = [order for order in orders if order.mark not in known]
    size = context.options.batch_size
    parts = [new[start : start + size] for start in range(0, len(new), size)]
    return [context.client.price_of("/batches", **_request(part)) for part in parts]


def _request(part: Sequence[inputs.Order]) -> dict[str, Any]:
    if part[0].kind == "generate":
        return {"json": prompts_body([order.request for order in part], {}, None, None)}
    return images_form([order.source for order in part if order.source], part[0].request)


def tell_price(context: Context, *prices: Price) -> int:
    """Tell what orders would cost; nothing is ordered."""
    credits = sum(price.credits_estimate for price in prices)
    images = sum(price.total for price in prices)
    what = "1 image" if images == 1 else f"{images} images"
    told = {
        "credits_estimate": credits,
        "total": images,
        "queue": prices[0].queue if prices else {},
        "requests": [
            request for price in prices for request in price.raw.get("requests", [price.request])
        ],
    }
    context.screen.result(f"{credits:g} credits for {what}; nothing was ordered", told)
    return DONE
