#!/usr/bin/env bash
# A JDK and Maven, to compile the project's own Java modules and to fetch the engines. Nothing is done where both are there.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
needed=$(sed -n 's/^minimum_jdk = \([0-9]*\).*/\1/p' "$here/versions.toml")
found=$(javac -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p' || true)
missing=""
[ "${found:-0}" -ge "$needed" ] || missing="openjdk-$needed-jdk-headless"
command -v mvn >/dev/null || missing="$missing maven"
[ -n "$missing" ] || exit 0
command="apt-get install -y --no-install-recommends $missing"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing from Debian's packages: $missing"
    apt-get update -qq && $command && exit 0
    echo "They could not be installed. Check the network and the package sources, then type:" >&2
else
    echo "This machine has no JDK $needed or newer, or no Maven. Install them, for example:" >&2
fi
echo "  sudo $command" >&2
exit 1
