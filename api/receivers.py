"""A look, before anything is accepted, at where the webhooks of a request would lead by now."""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

from api.complaints import Complaint, of_jobs
from api.webhook_urls import uncallable
from shared.addresses import Resolve, system_resolve
from shared.errors import InvalidRequest, OutboundFault
from shared.outbound import check_url
from shared.settings import Settings
from shared.urls import read_url

_LOOKS_AT_ONCE = 128


def look_at_receivers(
    jobs: Sequence[str], batch: str | None, settings: Settings, resolve: Resolve = system_resolve
) -> None:
    """Raise InvalidRequest when a URL leads to a private address by now; takes 2 s at most.

    `jobs` are the URLs of jobs, `batch` is that of the batch that they are (None: they are none), and an
    empty one calls nobody. A name that nobody knows passes: it is looked at again at each call.
    """
    urls = {url for url in (*jobs, batch) if url}
    if settings.webhook_allow_private or not urls:
        return
    problems = _problems(urls, resolve)
    of_batch = [problems[batch]] if batch in problems else []
    wrong = [index for index, url in enumerate(jobs) if url in problems]
    if wrong and batch is not None:
        numbered = [{"index": index, **problems[jobs[index]]} for index in wrong]
        raise InvalidRequest([*numbered, *of_batch], of_jobs(len(wrong), len(jobs)))
    if problems:
        raise InvalidRequest(of_batch or [problems[jobs[wrong[0]]]])


def _problems(urls: Collection[str], resolve: Resolve) -> dict[str, Complaint]:
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
