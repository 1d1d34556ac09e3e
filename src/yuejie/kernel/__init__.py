"""Kernel: what is a number, a moment, a name?

Owns: rates, charges, money and the one rounding; months and spans; ids; the clock; every limit;
the root of all errors; the checks of Chinese registration numbers; that who asks does not decide.
Does not own: any noun of the business, any I/O.

Invariants:
- no float comes near money; `Charge.settle` is the only road from a charge to money;
- months tile time in every zone, spans are half-open;
- nobody but `SystemClock` asks the machine for the time.
"""
