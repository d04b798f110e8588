#!/bin/sh
# Installs the Debian packages that the tests start themselves, each where it is missing and root
# can install it. Nothing is left running: tests start what they need with a configuration of its own.
# A test whose server is still missing fails and names this script.
set -eu
PATH="$PATH:/usr/sbin:/sbin"
missing=""
needs() { command -v "$1" >/dev/null 2>&1 || missing="$missing ${2:-$1}"; }
needs apache2 apache2-bin
needs chromium
needs clickhouse-server 'clickhouse-server clickhouse-common'
needs curl
needs haproxy
needs java default-jre-headless
needs nginx
needs strace
needs systemd-analyze systemd
[ -e /usr/share/java/zookeeper.jar ] || missing="$missing zookeeper"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing$missing"
    apt-get update -qq
    # Tests start servers on ports of their own: the packages' services are not to start beside them.
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
