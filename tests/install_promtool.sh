#!/usr/bin/env bash
# promtool, for the tests of the alert rules. Only the program is taken out of Debian's package: installed whole, it
# would start a Prometheus that listens on all addresses. Where it cannot be had those tests are skipped, and say so.
set -eu
venv="$(cd "$(dirname "$0")/.." && pwd)/.venv/bin"
if command -v promtool >/dev/null || [ -x "$venv/promtool" ]; then exit 0; fi
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
echo "taking promtool out of Debian's package prometheus"
if [ "$(id -u)" = 0 ]; then apt-get update -qq || true; fi
if apt-get download -qq prometheus 2>/dev/null && dpkg-deb -x prometheus_*.deb . ; then
    install -m 755 usr/bin/promtool "$venv/promtool"
else
    echo "no promtool here: what Prometheus says of the alert rules is skipped (apt-get install prometheus)"
fi
