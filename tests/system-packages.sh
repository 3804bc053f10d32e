#!/usr/bin/env bash
# See to it that the programs are there that tests need and pip does not bring: Chromium for the
# pages (its headless shell, else the browser), promtool for metrics and alerting rules. CHROMIUM and
# PROMTOOL may name them, PATH may have them; else they are installed, as root on a Debian machine.
set -euo pipefail

missing=()
if [ -z "${CHROMIUM:-}" ] && ! command -v chromium-headless-shell chromium >/dev/null; then
    missing+=(chromium-headless-shell fonts-dejavu-core)
fi
if [ -z "${PROMTOOL:-}" ] && ! command -v promtool >/dev/null; then
    missing+=(promtool)
fi
if [ ${#missing[@]} = 0 ]; then
    exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests need ${missing[*]}: install them (on Debian: apt-get install ${missing[*]})," \
        "or set CHROMIUM and PROMTOOL to the programs' paths." >&2
    exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
