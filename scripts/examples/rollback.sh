#!/usr/bin/env bash
# Takes the shop back to the newest release known to be good. Usage: rollback.sh CHANNEL REASON
set -euo pipefail
channel=$1 reason=$2 service=$(dirname "$0")/service.sh

answer=$(holdfast known-good "$channel" --not current --component shop/release --format env)
eval "$answer"
rollback=$(holdfast rollback start "$channel" --to "$HOLDFAST_REF" -m "$reason")
trap 'holdfast rollback finish "$rollback" --outcome failed' ERR
holdfast deploy "$channel" "$HOLDFAST_REF" started --direction rollback

rm -rf "$SHOP/next" "$SHOP/before-rollback.sqlite"
for component in $HOLDFAST_COMPONENTS; do # all bytes are here, and checked, before anything stops
    ref=HOLDFAST_${component^^}_REF
    holdfast pull "${!ref}" --to "$SHOP/next/$component"
done
for component in $HOLDFAST_COMPONENTS; do # what was deployed last goes back first
    case $component in
    api) "$service" stop ;;
    schema) "$service" backup "$SHOP/before-rollback.sqlite" ;; # what v2 wrote stays at hand
    database) cp "$SHOP/next/database/shop.sqlite" "$SHOP/shop.sqlite" ;; # brings the old schema with it
    esac
    rm -rf "${SHOP:?}/live/$component"
    mv "$SHOP/next/$component" "$SHOP/live/$component"
    holdfast rollback step "$rollback" --component "$component" --outcome ok
done
"$service" start
"$service" check
holdfast deploy "$channel" "$HOLDFAST_REF" succeeded --direction rollback
holdfast rollback finish "$rollback" --outcome succeeded
