#!/usr/bin/env bash
# Installs Debian's pgbouncer for the tests of a pooled database, where that is allowed; else says so.
# The tests that need it are skipped without it, and nothing else is. Its own service is stopped again.
set -euo pipefail
if command -v pgbouncer > /dev/null || [ -x /usr/sbin/pgbouncer ]; then exit 0; fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    echo "No pgbouncer here: the pooler is not tried (install it)." >&2
    exit 0
fi
echo "Installing Debian's pgbouncer for the tests of a pooled database …" >&2
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update && apt-get install -y --no-install-recommends pgbouncer; } > /dev/null 2>&1; then
    echo "It could not be installed: the pooler is not tried." >&2
    exit 0
fi
service pgbouncer stop > /dev/null 2>&1 || true
