import pytest

from yuejie.contracts.tier import plainer, tier_key


@pytest.mark.parametrize(
    ("answered", "facts", "key"),
    [
        ("", {}, "default"),
        ("default", {}, "default"),
        ("standard", {}, "default"),
        ("auto", {}, "default"),
        ("priority", {}, "priority"),
        ("ON_DEMAND_PRIORITY", {}, "priority"),
        ("batch", {"inference_geo": "us"}, "batch+geo_us"),
        ("standard", {"speed": "fast", "inference_geo": "us"}, "default+fast+geo_us"),
        ("standard", {"speed": "standard", "inference_geo": "not_available"}, "default"),
        ("standard", {"inference_geo": "global"}, "default"),
        ("default", {"processing": "eu"}, "default+processing_eu"),
        ("default", {"endpoint": "regional"}, "default+endpoint_regional"),
        ("scale", {"inference_geo": "eu"}, "scale+geo_eu"),
    ],
)
def test_the_key_comes_from_what_was_answered(
    answered: str, facts: dict[str, str], key: str
) -> None:
    assert tier_key(answered, facts) == key


def test_a_key_given_again_comes_back() -> None:
    assert tier_key("default+geo_us+fast", {"speed": "fast"}) == "default+fast+geo_us"
    assert tier_key("batch+geo_us", {}) == "batch+geo_us"


def test_the_nearest_price_first() -> None:
    assert plainer("batch+geo_us") == ("batch+geo_us", "default+geo_us", "default")
    assert plainer("batch") == ("batch", "default")
    assert plainer("default") == ("default",)
