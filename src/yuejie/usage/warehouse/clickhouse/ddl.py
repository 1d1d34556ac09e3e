"""The table that keeps moved events, as one server makes it; a cluster's is `cluster.sql`.

Whole numbers and text only: no float, instants as UTC microseconds, JSON as the text it was
written as. What PostgreSQL calls `operation_id` lies in `further_of`, all zeros where the event is
its operation's first attempt, which nearly all are.
"""

from typing import Final, LiteralString

# A UUIDv7 sorts by time as a number; as UUID it would sort by its second half.
CREATE: Final[LiteralString] = """
    CREATE TABLE IF NOT EXISTS usage_event (
        partition UInt32,
        customer_id LowCardinality(String),
        event_id UUID,
        version Int16 CODEC(ZSTD(1)),
        further_of UUID,
        attempt Int16 CODEC(ZSTD(1)),
        dimension_id Int32 CODEC(ZSTD(1)),
        project_id LowCardinality(String),
        key_id LowCardinality(String),
        tags LowCardinality(String),
        deployment_id LowCardinality(String),
        month LowCardinality(String),
        hour_us Int64 CODEC(Delta, ZSTD(1)),
        started_us Int64 CODEC(Delta, ZSTD(1)),
        used_us Int64 CODEC(Delta, ZSTD(1)),
        api LowCardinality(String),
        model LowCardinality(String),
        billable UInt8,
        state LowCardinality(String),
        reason LowCardinality(String),
        contract_id LowCardinality(String),
        contract_version Int32 CODEC(ZSTD(1)),
        sale_book LowCardinality(String),
        sale_revision Int32 CODEC(ZSTD(1)),
        cost_book LowCardinality(String),
        cost_revision Int32 CODEC(ZSTD(1)),
        items String CODEC(ZSTD(3)),
        context_tokens Int64 CODEC(ZSTD(1)),
        billed_model LowCardinality(String),
        service_tier LowCardinality(String),
        http_status Int16 CODEC(ZSTD(1)),
        outcome LowCardinality(String),
        stream UInt8,
        first_byte_ms Nullable(Int32) CODEC(ZSTD(1)),
        response_id String CODEC(ZSTD(1)),
        source LowCardinality(String),
        facts String CODEC(ZSTD(1)),
        epoch Int32 CODEC(ZSTD(1)),
        recorded_us Int64 CODEC(Delta, ZSTD(1)),
        INDEX by_operation further_of TYPE bloom_filter GRANULARITY 1
    )
    ENGINE = MergeTree
    PARTITION BY partition
    ORDER BY (customer_id, toUInt128(event_id), version)
    SETTINGS non_replicated_deduplication_window = 10000
"""
