"""Whether an address for webhooks may be called, as far as it says so itself."""

from api.complaints import Complaint, complaint
from shared.errors import OutboundFault
from shared.outbound import check_written
from shared.settings import Settings

WEBHOOK_FIELD = "webhook_url"
LONGEST_URL = 2_048


def webhook_problems(url: str, settings: Settings) -> list[Complaint]:
    """Return why a URL can't be called, which no look-up is needed for."""
    if settings.webhook_secret is None:
        return [uncallable("WEBHOOK_SECRET is not set on this service")]
    try:
        check_written(url, settings.webhook_allow_private)
    except OutboundFault as fault:
        return [uncallable(fault.message)]
    return []


def uncallable(reason: str) -> Complaint:
    """Return the complaint about a URL that can't be called."""
    return complaint(WEBHOOK_FIELD, f"can't be called: {reason}")
