"""A look, before anything is accepted, at where the webhooks of a request would lead by now."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from api.complaints import Complaint, of_jobs
from api.submission import Submission
from api.webhook_urls import uncallable
from shared.addresses import Resolve, system_resolve
from shared.errors import InvalidRequest, OutboundFault
from shared.outbound import check_url
from shared.settings import Settings
from shared.urls import read_url

# As many as the largest batch that may be set has: no look may wait for another, each takes up to 2 s.
_LOOKS_AT_ONCE = 1_001


def look_at_receivers(
    submission: Submission, settings: Settings, resolve: Resolve = system_resolve
) -> None:
    """Raise InvalidRequest when a webhook leads to a private address by now; takes 2 s at most.

    A name that nobody knows passes: it is looked at again at each call. So is all of a retry, whose
    caller has named nothing.
    """
    batch = (submission.batch and submission.batch.webhook_url) or ""
    named = [batch, *(piece.order.webhook for piece in submission.pieces)]
    if settings.webhook_allow_private or submission.retry_of or not any(named):
        return
    problems = _problems({url for url in named if url}, resolve)
    wrong = [index for index, url in enumerate(named[1:]) if url in problems]
    if wrong and submission.batch:
        numbered = [{"index": index, **problems[named[1 + index]]} for index in wrong]
        found = [problems[batch]] if batch in problems else []
        raise InvalidRequest([*numbered, *found], of_jobs(len(wrong), len(named) - 1))
    if problems:
        raise InvalidRequest([next(iter(problems.values()))])


def _problems(urls: Iterable[str], resolve: Resolve) -> dict[str, Complaint]:
    """Return the complaints about URLs; each host is looked up once, all at the same time."""
    hosts = {read_url(url).host: url for url in urls}

    def look(url: str) -> Complaint | None:
        try:
            check_url(url, False, resolve)
        except OutboundFault as fault:
            return uncallable(fault.message)
        return None

    with ThreadPoolExecutor(min(len(hosts), _LOOKS_AT_ONCE)) as pool:
        told = dict(zip(hosts, pool.map(look, hosts.values()), strict=True))
    found = {url: told[read_url(url).host] for url in urls}
    return {url: problem for url, problem in found.items() if problem}
