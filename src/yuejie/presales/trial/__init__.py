"""Trials: asked for by anybody, granted by sales or a rule, free, bounded, and over by themselves.

A trial is a contract whose agreed discount is the whole list, for the models it names, with a last
day; and a hard allowance of tokens. So it is priced, closed, proved and shown like any usage, and
comes to nothing on every bill: what it would cost and what it costs us stand in the rates beside.
"""
