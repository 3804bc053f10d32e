#!/usr/bin/env bash
# See to it that there is a Chromium for the tests of the pages: the one that CHROMIUM names, one
# on PATH, or, as root on a Debian machine, the one of Debian's package.
set -euo pipefail

if [ -n "${CHROMIUM:-}" ] || command -v chromium >/dev/null; then
    exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests of the pages need Chromium: install it (on Debian: apt-get install chromium)," \
        "or set CHROMIUM to its path." >&2
    exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core
