"""What every platform's answer and callback is held to."""

from datetime import timedelta

import pytest

from yuejie.contracts.esign.port import CallbackForged, HttpAnswer, PlatformRefused
from yuejie.contracts.esign.stamp import epoch_ms, from_epoch_ms, refuse_stale
from yuejie.kernel.limits import CALLBACK_SKEW

NOW = from_epoch_ms(1_790_000_000_000)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b"<html>", "法大大的应答读不懂（HTTP 200），请稍后重试"),
        (200, b'{"code": "1", "msg": "no"}', "法大大未受理：1 no；请核对签署方信息与应用权限"),
        (500, b'{"code": "0"}', "法大大未受理：0 None；请核对签署方信息与应用权限"),
        (200, b'{"code": "0", "data": [1]}', "法大大的应答读不懂（data 不是对象），请稍后重试"),
    ],
)
def test_what_is_no_yes_is_refused_in_one_sentence(status: int, body: bytes, said: str) -> None:
    with pytest.raises(PlatformRefused) as refused:
        HttpAnswer(status, body).data("法大大", ok="0", said="msg")
    assert refused.value.sentence == said


def test_a_yes_without_data_says_nothing() -> None:
    assert HttpAnswer(200, b'{"code": 0}').data("e签宝", ok=0, said="message") == {}


def test_a_file_that_did_not_come_is_refused() -> None:
    HttpAnswer(200, b"%PDF").refuse_failed("e签宝文件下载")
    with pytest.raises(PlatformRefused, match="e签宝文件下载失败（HTTP 404）"):
        HttpAnswer(404, b"").refuse_failed("e签宝文件下载")


@pytest.mark.parametrize("away", [CALLBACK_SKEW, -CALLBACK_SKEW])
def test_a_callback_is_stale_behind_the_tolerance_in_either_direction(away: timedelta) -> None:
    refuse_stale(str(epoch_ms(NOW + away)), NOW, "e签宝")
    further = away + away // abs(away) * timedelta(milliseconds=1)
    with pytest.raises(CallbackForged, match="时间相差超过"):
        refuse_stale(str(epoch_ms(NOW + further)), NOW, "e签宝")


@pytest.mark.parametrize("stamp", ["", "-5", "soon"])
def test_a_stamp_that_is_no_instant_is_refused(stamp: str) -> None:
    with pytest.raises(CallbackForged):
        refuse_stale(stamp, NOW, "法大大")
