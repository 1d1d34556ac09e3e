"""The demo's house in a database: its customers, keys and prices, its models at one upstream."""

from datetime import timedelta
from pathlib import Path

from yuejie.apply import Applying, apply_house
from yuejie.db.session import Database
from yuejie.demo.house import demo_house
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.period import BillingMonth, zone_of


def furnish(
    db: Database, *, pepper: bytes, credential_key: bytes, upstream: str, by: str
) -> dict[str, str]:
    """Set the house up and return the secrets of its keys by name."""
    now = SystemClock().now()
    month = BillingMonth.of(now - timedelta(days=31), zone_of("Asia/Shanghai"))
    applying = Applying(
        db=db,
        pepper=pepper,
        credential_key=credential_key,
        by=by,
        now=now,
        folder=Path(),
        environ={},
    )
    house = demo_house(upstream, month.last_day)
    return {c.key_name: c.secret for c in apply_house(house, applying) if c.secret}
