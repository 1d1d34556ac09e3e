-- The table of raw events on a cluster named `yuejie`: two replicas of each shard, sharded by customer.
-- Run once, on any server, before `yuejie` is pointed at it with
--   YUEJIE_CLICKHOUSE_URL=clickhouse://user:password@host:8123/yuejie?cluster=yuejie
-- A test keeps the columns equal to those of a single server (usage/warehouse/clickhouse/ddl.py).
--
-- All of a customer lies on one shard: a batch is one customer's, so it is one block on one shard,
-- written whole or not at all, and no join leaves its shard.
-- A block is known again by its token for as long as the window says; behind that, the count and
-- checksum that every batch is held to find a double before anything in PostgreSQL is dropped.

CREATE DATABASE IF NOT EXISTS yuejie ON CLUSTER yuejie;

CREATE TABLE IF NOT EXISTS yuejie.usage_event_local ON CLUSTER yuejie
(
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/yuejie/usage_event', '{replica}')
PARTITION BY partition
ORDER BY (customer_id, toUInt128(event_id), version)
SETTINGS replicated_deduplication_window = 100000,
         replicated_deduplication_window_seconds = 2592000;

CREATE TABLE IF NOT EXISTS yuejie.usage_event ON CLUSTER yuejie
AS yuejie.usage_event_local
ENGINE = Distributed('yuejie', 'yuejie', 'usage_event_local', cityHash64(customer_id));

-- The account `yuejie` connects as: writes wait for a quorum and for the shard, reads see all of it.
CREATE SETTINGS PROFILE IF NOT EXISTS yuejie ON CLUSTER yuejie SETTINGS
    insert_quorum = 2,
    insert_quorum_parallel = 0,
    select_sequential_consistency = 1,
    distributed_foreground_insert = 1,
    distributed_product_mode = 'local',
    prefer_localhost_replica = 0
    TO yuejie;
