"""What if, over the API: a customer tries what is its own to try, the operator everything."""

from tests.rooms.web.conftest import Museum, bearer

ASK = "/api/v1/customers/acme/what-if/2026-10"


def test_nothing_supposed_is_the_bill(museum: Museum) -> None:
    told = museum.operator.post(ASK, json={}).json()
    assert told["before"] == told["after"]
    assert told["before"]["gross"]["amount"] == museum.house.acme_bill.gross.amount
    assert (told["steps"], told["is_open"], told["costs"]) == ([], False, None)


def test_a_customer_supposes_other_models_and_terms_of_its_own(museum: Museum) -> None:
    own = bearer(museum.house.acme_key.secret)
    facts = {
        "map": [{"from": "gpt-4o", "to": "lab/gpt-4o-mini"}],
        "terms": {"management_fee": "1.00"},
    }
    answer = museum.client.post(f"{ASK}?lines=1", json=facts, headers=own)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [step["cause"] for step in told["steps"]] == ["mapping", "terms"]
    assert told["steps"][1]["gross"]["amount"] == "1.00"
    assert len(told["lines"]) == 1 < told["lines_whole"]
    assert any("token 数取与 gpt-4o 相同" in said for said in told["assumptions"])


def test_a_customer_may_not_look_into_other_books(museum: Museum) -> None:
    own = bearer(museum.house.acme_key.secret)
    for facts in ({"book": "cost"}, {"draft": "draft_0"}, {"route": {"gpt-4o": "sim"}}):
        refused = museum.client.post(ASK, json=facts, headers=own)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    stranger = museum.client.post(ASK.replace("acme", "zeta"), json={}, headers=own)
    assert stranger.status_code == 404


def test_what_does_not_fit_is_a_problem_with_a_sentence(museum: Museum) -> None:
    for facts, status, said in (
        ({"book": "nowhere"}, 404, "价目 nowhere 不存在"),
        ({"map": [{"from": "gpt-4o", "to": "nobody"}]}, 422, "没有 nobody 的 input"),
        ({"terms": {"managment_fee": "1.00"}}, 422, "managment_fee"),
        ({"price_file": {"name": "x.pdf", "content": ""}}, 422, "格式不认识"),
        ({"nonsense": 1}, 422, ""),
    ):
        refused = museum.operator.post(ASK, json=facts)
        assert refused.status_code == status, refused.text
        assert said in refused.json()["detail"]
