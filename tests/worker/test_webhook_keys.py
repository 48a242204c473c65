"""Webhooks of a client key's jobs are signed by that key's own secret."""

import pytest
from standardwebhooks import WebhookVerificationError

from shared.client_keys import webhook_secret_of
from shared.services import Services
from tests.webhooks import SECRET, batch_of, ended, verified, with_webhooks
from tests.worker.provider_server import provider
from tests.worker.test_webhooks import OK, hook, send


@pytest.fixture
def services(services: Services) -> Services:
    """Give services that may call this machine, with a secret to sign by."""
    return with_webhooks(services)


def test_what_ends_for_a_key_is_signed_by_that_keys_own_secret(services: Services) -> None:
    with provider(OK) as server:
        ended(services.store, hook(server), owner="alice")
        batch = batch_of(services.store, 1, hook(server), owner="bob")
        services.store.cancel(batch.jobs)
        for _ in range(2):
            send(services)

    signed = {call.headers["webhook-id"]: call for call in server.received}
    theirs = signed.pop(f"msg_{batch.id}")
    (mine,) = signed.values()
    for call, owner, other in ((mine, "alice", "bob"), (theirs, "bob", "alice")):
        assert verified(call, webhook_secret_of(owner, SECRET))
        for wrong in (SECRET, webhook_secret_of(other, SECRET)):
            with pytest.raises(WebhookVerificationError):
                verified(call, wrong)
