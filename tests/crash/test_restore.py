"""The data folder is lost under load, and the house comes back whole."""

from tests.crash.losing import lose_and_restore


def test_a_lost_data_folder_comes_back_whole() -> None:
    """
    Two gateways' worth of calls, an intake and an office are at work when the server is killed
    and its data removed, passwords included. Restored, every call is exactly one event, no deed
    of the office older than a second is lost, books balance, projections agree, and nothing is
    lent before what gateways spent meanwhile is read; the cap's spending is the calls' worth.
    """
    got = lose_and_restore(5, at_most=1.0)
    assert got.calls > 20, "the load did nothing"
    assert got.missing == 0
    assert [sentence for each in got.findings for sentence in each.wrong] == []
    assert got.rpo_seconds <= 1
    assert got.shut, "a restored database lent before the journals were read"
    assert got.spent_picos == got.worth_picos
    assert "postgres/secrets.json" in got.restored.secrets
