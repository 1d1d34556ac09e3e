from yuejie.usage.meters import NAMES, UNIT_METERS, UNITS, Meter, meter_name


def test_every_meter_has_a_chinese_name_and_every_piece_a_unit() -> None:
    assert {str(meter) for meter in Meter} == NAMES.keys()
    assert {str(meter) for meter in UNIT_METERS} == UNITS.keys()


def test_a_meter_without_a_name_keeps_its_code() -> None:
    assert meter_name("from_the_future") == "from_the_future"
