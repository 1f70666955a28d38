#!/usr/bin/env bash
# A browser for the test of the report. Where it cannot be installed the test is skipped, and says so.
set -eu
command -v chromium >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing from Debian's packages: chromium"
    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
else
    echo "no chromium here: the browser test of the report is skipped (apt-get install chromium fonts-dejavu-core)"
fi
