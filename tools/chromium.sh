#!/usr/bin/env bash
# Installs Debian's chromium for the tests of the console, where that is allowed; else says so.
# The tests that need it are skipped without it, and nothing else is.
set -euo pipefail
if command -v chromium > /dev/null || [ -n "${YUEJIE_CHROMIUM:-}" ]; then exit 0; fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    echo "No chromium here: the console is not tried in a browser (install it, or set YUEJIE_CHROMIUM)." >&2
    exit 0
fi
echo "Installing Debian's chromium and a Chinese font for the tests of the console …" >&2
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update && apt-get install -y --no-install-recommends chromium fonts-noto-cjk; } > /dev/null 2>&1; then
    echo "It could not be installed: the console is not tried in a browser." >&2
fi
