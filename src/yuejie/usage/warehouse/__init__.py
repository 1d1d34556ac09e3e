"""Where raw events lie: in PostgreSQL, or, once their months are closed and proved, in ClickHouse.

A partition is a UTC month of event ids and lies wholly in one place. What is moved is moved in
batches, each a closed slice with its count and checksum in PostgreSQL; only when ClickHouse has
counted and summed the same does the partition here go, and `restore` brings it back the same way.

Nouns in `batch`, PostgreSQL's side in `store`, ClickHouse's in `clickhouse.store`; the verbs are
`move`, `restore`, `check` and `create`.
"""
