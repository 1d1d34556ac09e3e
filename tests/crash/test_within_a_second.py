"""What the operator takes away is gone within a second, with the database and without it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.client import HTTPConnection
from urllib.parse import urlsplit

from tests.house import House, running_house
from yuejie.contracts.offer import set_deployment_state, set_model_state
from yuejie.customers.key import digest_of
from yuejie.customers.keys import revoke_key
from yuejie.customers.store import key_by_digest
from yuejie.gateway.blocklist import block
from yuejie.kernel.ids import KeyId
from yuejie.payments.dunning.store import StandingRow, save_standing

A_SECOND = 1.0
STARTED = 4
CALL = b'{"model":"%s","messages":[{"role":"user","content":"[[sim in=5 out=5]]"}]}'


def status(house: House, key: str, model: str = "gpt-4o") -> int:
    """Make one call on a connection of its own, so that any worker may answer."""
    place = urlsplit(house.gateway)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=10)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    try:
        body = CALL.replace(b"%s", model.encode())
        connection.request("POST", "/v1/chat/completions", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def wait_for(what: Callable[[], bool], seconds: float) -> bool:
    """Wait until it holds, and goes on to hold several times: every worker is asked by then.

    Only the first of these has to come in time; asking the others takes time of its own.
    """
    deadline = time.monotonic() + seconds
    held, since = 0, time.monotonic()
    while since < deadline:
        if not held:
            since = time.monotonic()
        held = held + 1 if what() else 0
        if held == 8:
            return True
        time.sleep(0.02)
    return False


def served(house: House, key: str) -> bool:
    try:
        return status(house, key) == 200
    except OSError:
        return False


def key_id(house: House, secret: str) -> KeyId:
    with house.db.read() as tx:
        found = key_by_digest(tx, digest_of(secret, house.settings.pepper))
    assert found is not None
    return found.key_id


def stand(house: House, secret: str, state: str, reason: str, now: datetime) -> None:
    """Let the customer of a key stand so, as payments writes it."""
    with house.db.begin() as tx:
        key = key_by_digest(tx, digest_of(secret, house.settings.pepper))
        assert key is not None
        row = StandingRow(
            customer_id=key.customer_id,
            state=state,
            reason=reason,
            credit_step=0,
            episode=1,
            since=now,
        )
        save_standing(tx, row)


def test_taken_away_within_a_second_in_every_worker() -> None:
    """
    A key is revoked, a model disabled, a deployment drained, a customer suspended for money and
    restored; then the database goes away for good:
    the gateways go on from their snapshot, also one that is killed and starts without a database,
    and a key blocked on the node is refused all the same.
    """
    with running_house() as house:
        app, writer = house.keys["app"], house.keys["writer"]
        assert wait_for(lambda: served(house, app) and served(house, writer), 60)
        # It serves before the clerk has started, which shares two cores with it.
        time.sleep(STARTED)

        now = datetime.now(UTC)
        revoke_key(house.db, key_id(house, writer), by="t", now=now)
        assert wait_for(lambda: status(house, writer) == 401, A_SECOND)

        set_model_state(house.db, "gpt-3.5-turbo", "disabled", by="t", now=now)
        dead = lambda: status(house, app, "gpt-3.5-turbo") in {400, 403, 404}  # noqa: E731
        assert wait_for(dead, A_SECOND)

        for account in ("openai-main", "openai-spare"):
            name = f"gpt-4o@{account}"
            set_deployment_state(house.db, name, "drained", by="t", now=now)
        # The agreed backup answers in its place, in its own dialect or not at all.
        time.sleep(A_SECOND)
        assert status(house, app) != 200
        set_deployment_state(house.db, "gpt-4o@openai-main", "active", by="t", now=now)
        assert wait_for(lambda: served(house, app), 5)

        stand(house, app, "suspended", "overdue", now)
        assert wait_for(lambda: status(house, app) == 402, A_SECOND)
        stand(house, app, "normal", "", now)
        assert wait_for(lambda: served(house, app), A_SECOND)

        blocked = key_id(house, app)
        house.lose_database()
        assert wait_for(lambda: served(house, app), 5)
        house.kill("gateway-1")
        house.kill("gateway-2")
        assert wait_for(lambda: served(house, app), 30)

        block(house.settings.home, blocked)
        assert wait_for(lambda: status(house, app) == 401, A_SECOND)
