#!/bin/sh
# Installs the Debian packages that the comparisons start, each where it is missing and root can install it.
# Nothing is left running: benchmarks start what they need with a configuration of its own.
set -eu
PATH="$PATH:/usr/sbin:/sbin"
missing=""
needs() { command -v "$1" >/dev/null 2>&1 || missing="$missing ${2:-$1}"; }
needs clickhouse-server 'clickhouse-server clickhouse-common'
needs nginx
needs taskset util-linux
needs victoria-metrics
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing$missing"
    apt-get update -qq
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "missing:$missing. Install with: sudo apt-get install$missing"
fi
