"""A house to practise in: a customer with months behind it, where every deed may be tried.

It is a house of its own under `<home>/practice`, with its own database, secrets, console, gateway,
providers and tax office, all simulated. So nothing of it can be in a real revenue, receivable,
service report or number of a bill. Its months are made by the same verbs as real ones, each at its
own hour; then it is served like any house, and every page says 练习.
"""
