"""The check of china-finance §7: DeepSeek's list with peak hours, in Beijing, on working days."""

import pytest

from tests.rooms.contracts.shelf import book_of, us
from yuejie.kernel.money import PICO, plain

BOOK = book_of(
    (
        "2026-08-23",
        """
        [models.deepseek-v4-pro]
        input = "4.5"
        cache_read = "0.15"
        output = "13.5"
        [[models.deepseek-v4-pro.windows]]
        window = "Asia/Shanghai 1-5 09:00-12:00,14:00-18:00 cn-weekdays"
        input = "9"
        cache_read = "0.30"
        output = "27"
        """,
    ),
    currency="CNY",
)
USED = {"cache_read": 8_000_000, "input": 2_000_000, "output": 1_000_000}
OFF_PEAK, PEAK = "23.70", "47.40"


@pytest.mark.parametrize(
    ("beijing", "charge"),
    [
        ("2026-09-24T08:59:59", OFF_PEAK),
        ("2026-09-24T09:00:00", PEAK),
        ("2026-09-24T11:59:59", PEAK),
        ("2026-09-24T12:00:00", OFF_PEAK),
        ("2026-09-24T14:00:00", PEAK),
        ("2026-09-24T18:00:00", OFF_PEAK),
        ("2026-09-25T10:00:00", OFF_PEAK),  # 中秋，星期五
        ("2026-09-20T10:00:00", OFF_PEAK),  # 星期日，调休上班
        ("2026-10-01T10:00:00", OFF_PEAK),  # 国庆
        ("2026-10-10T10:00:00", OFF_PEAK),  # 星期六，调休上班
    ],
)
def test_the_hour_in_beijing_decides_what_the_same_tokens_cost(beijing: str, charge: str) -> None:
    pico = 0
    for meter, quantity in USED.items():
        rate = BOOK.resolve(
            "deepseek-v4-pro",
            meter,
            revision=1,
            started_us=us(f"{beijing}+08:00"),
            service_tier="default",
            context_tokens=10_000_000,
        )
        assert rate is not None
        pico += quantity * rate.pico
    assert plain(pico, PICO) == charge
