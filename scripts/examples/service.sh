#!/usr/bin/env bash
# Starts, stops and checks the shop in folder $SHOP: what an init system does elsewhere.
# Usage: service.sh start|stop|check|orders|migrate|backup FILE
set -euo pipefail

: "${SHOP:?is the folder the shop runs in}" "${SHOP_LISTEN:=127.0.0.1:7431}"
shop=$SHOP/live/api/shop
db=$SHOP/shop.sqlite

listening() { (exec 3<>"/dev/tcp/${SHOP_LISTEN%:*}/${SHOP_LISTEN##*:}") 2>/dev/null; }

# until_it WORD…: waits at most ten seconds for a command to succeed.
until_it() {
    local attempt
    for attempt in {1..200}; do
        ! "$@" || return 0
        sleep 0.05
    done
    printf 'service: gave up waiting after %d attempts; see %s/log\n' "$attempt" "$SHOP" >&2
    return 1
}

stopped() { ! listening; }

case ${1-} in
start)
    nohup "$shop" serve --db "$db" --config "$SHOP/live/config/config.toml" --flags "$SHOP/live/flags/flags.json" \
        --listen "$SHOP_LISTEN" >>"$SHOP/log" 2>&1 </dev/null &
    printf '%s\n' "$!" >"$SHOP/pid"
    until_it listening
    ;;
stop)
    if [[ -f $SHOP/pid ]]; then
        kill "$(<"$SHOP/pid")" 2>/dev/null || true
        until_it stopped
        rm "$SHOP/pid"
    fi
    ;;
check | orders) "$shop" "$1" "http://$SHOP_LISTEN" ;;
migrate) "$shop" migrate --db "$db" --dir "$SHOP/live/schema/migrations" ;;
backup) "$shop" backup --db "$db" --to "$2" ;;
*)
    sed -n '2,3s/^# //p' "$0" >&2
    exit 2
    ;;
esac
