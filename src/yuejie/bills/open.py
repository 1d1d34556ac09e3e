"""What is owed on issued bills, for the rooms above: payments, fapiao, the clerk.

What was received is payments' business: open = gross − credited − apportioned − written off.
"""

from yuejie.bills.store import OpenBill, issued_bill, issued_bills, issued_page

__all__ = ["OpenBill", "all_issued", "issued_bill", "issued_bills"]

all_issued = issued_page
