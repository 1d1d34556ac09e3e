"""Who may see which page and send which form: the one table of every page. Pure.

As `auth.ACCESS` is for the API; a page that is not in it cannot be served.
"""

from typing import Final

from yuejie.customers.members.power import Power
from yuejie.web.auth import Who

PAGES: Final[dict[tuple[str, str], Who | Power]] = {
    ("GET", "/static/{version}/{name:path}"): Who.OPEN,
    ("GET", "/login"): Who.OPEN,
    ("POST", "/login"): Who.OPEN,
    ("GET", "/setup"): Who.OPEN,
    ("POST", "/setup"): Who.OPEN,
    ("GET", "/invitation/{secret}"): Who.OPEN,
    ("POST", "/invitation/{secret}"): Who.OPEN,
    ("POST", "/look"): Who.OPEN,
    ("POST", "/logout"): Who.OWN,
    ("GET", "/account"): Who.OWN,
    ("POST", "/account/password"): Who.OWN,
    ("POST", "/account/codes/begin"): Who.OWN,
    ("POST", "/account/codes/confirm"): Who.OWN,
    ("POST", "/account/codes/end"): Who.OWN,
    ("POST", "/account/sessions/end"): Who.OWN,
    ("GET", "/"): Who.OWN,
    ("GET", "/bills"): Who.OWN,
    ("GET", "/bills/{bill}"): Who.OWN,
    ("POST", "/bills/{bill}/confirm"): Who.SPEAKS,
    ("POST", "/bills/{bill}/dispute"): Who.SPEAKS,
    ("POST", "/bills/{bill}/propose"): Power.BILL,
    ("POST", "/bills/{bill}/issue"): Power.BILL,
    ("POST", "/bills/{bill}/reopen"): Power.BILL,
    ("POST", "/disputes/{dispute}/withdraw"): Who.SPEAKS,
    ("POST", "/disputes/{dispute}/accept"): Power.BILL,
    ("POST", "/disputes/{dispute}/reject"): Power.BILL,
    ("GET", "/usage"): Who.OWN,
    ("GET", "/budgets"): Who.OWN,
    ("GET", "/fapiao"): Who.OWN,
    ("POST", "/fapiao"): Who.SPEAKS,
    ("GET", "/fapiao/titles"): Who.OWN,
    ("POST", "/fapiao/titles"): Who.SPEAKS,
    ("POST", "/fapiao/titles/{title}"): Who.SPEAKS,
    ("POST", "/fapiao/titles/{title}/retire"): Who.SPEAKS,
    ("GET", "/fapiao/{fapiao}"): Who.OWN,
    ("POST", "/fapiao/{fapiao}/reverse"): Who.SPEAKS,
    ("GET", "/payments"): Who.OWN,
    ("POST", "/payments/claims"): Who.SPEAKS,
    ("GET", "/payments/statement"): Who.OWN,
    ("GET", "/contracts"): Who.OWN,
    ("GET", "/contracts/{contract}"): Who.OWN,
    ("GET", "/customers"): Who.OPERATOR,
    ("GET", "/customers/{customer}"): Who.OPERATOR,
    ("GET", "/members"): Who.OPERATOR,
    ("POST", "/members"): Power.SET_UP,
    ("POST", "/members/{member}/invite"): Power.SET_UP,
    ("POST", "/members/{member}/revoke"): Power.SET_UP,
}
