#!/usr/bin/env bash
# Deploys one release of the shop and says so in the log. Usage: deploy.sh CHANNEL VERSION
set -euo pipefail

channel=$1 version=$2 release=shop/release@$2
service=$(dirname "$0")/service.sh

holdfast gate "$channel" "$release"
holdfast deploy "$channel" "$release" started
trap 'holdfast deploy "$channel" "$release" failed' ERR

rm -rf "$SHOP/next"
for component in schema config flags api; do
    holdfast pull "shop/$component@$version" --to "$SHOP/next/$component"
done
"$service" stop
rm -rf "$SHOP/live"
mv "$SHOP/next" "$SHOP/live"
"$service" migrate
"$service" start
holdfast deploy "$channel" "$release" succeeded
