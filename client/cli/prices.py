"""What orders would cost."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from client.cli.context import Context
from client.cli.faults import DONE
from client.cli.state import Entry, Group
from client.client import Client
from client.models import Price
from client.orders import images_form, prompts_body


def prices_of(client: Client, groups: Iterable[Group]) -> list[Price]:
    """Ask for the price of what a run would order now."""
    return [client.price_of("/batches", **_request(group.entries)) for group in groups]


def _request(entries: Sequence[Entry]) -> dict[str, Any]:
    if entries[0].kind == "generate":
        return {"json": prompts_body([entry.request for entry in entries], {}, None, None)}
    images = [Path(entry.source) for entry in entries if entry.source]
    return images_form(images, entries[0].request)


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
