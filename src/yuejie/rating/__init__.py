"""Rating: what is it worth?

Owns: finding the two rates of every item of a call, charges and their sums, margins, and the
explanation of each amount.
Does not own: what a price list may say (contracts), what was used (usage), the settling of a line
and everything that is printed (bills).

Invariants:
- wholly pure: the same items, books and facts give the same rates, anywhere;
- an item that has no rate for its facts is named as such, never priced by a neighbour's rate;
- a charge is quantity × rate, exact; sums are the same in any order and grouping.
"""
