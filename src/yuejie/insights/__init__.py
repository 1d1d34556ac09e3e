"""Insights: what does it mean?

Owns: what usage says beyond its sum: anomalies (`anomaly`), their findings and people's word on
them, and what they bring about (`protection`); trends and what moved them (`trend`); forecasts
(`forecast`) and the room left at providers (`capacity`); advice and what came of it (`advice`); a
month under other prices, terms or models (`whatif`); what auto models saved (`routing`); reports
(`reports`).
Does not own: what was used (usage), what it is worth (rating), who hears of it (notices), whether
it is too much (budgets).

Invariants:
- nothing here is ever billed: floats live in statistics, and what is shown in money is exact;
- a report's due instant is made once, whoever tries, and what was made never changes;
- a customer's report holds neither cost nor margin nor anything of another customer;
- a forecast says how sure it is, and what it was worth on the series' own past;
- a completed hour or day is taken once; late usage and repeated rounds double no finding;
- what if nothing were changed is the bill, to the fen, or it is refused; nothing is written;
- a trend is what the rollups say at that moment, and volume + price + mix = change, exactly;
- no line knows a series: every customer, project, key and model is judged by the same numbers.
"""
