# Sourced by scripts/interop: what `holdfast proof` hands out, read and checked by transparency-dev's packages.

judge_receipts() {
    local n
    world receipts
    mkdir -p "$work/receipts/given"
    holdfast-bench fill --home "$HOLDFAST_HOME" --name interop/tiny --entries 300 >/dev/null
    for n in 1 2 3 17 100 128 255 256 257 299 300; do
        holdfast proof "interop/tiny@$n" --format json >"$work/receipts/given/$n.json"
    done
    for n in 0 1 2 63 64 200; do
        holdfast proof --entry "$n" --format json >"$work/receipts/given/entry-$n.json"
    done
    holdfast trust show --format json | python verifier_key >"$work/receipts/key"
    "$tools/receipt-judge" "$work/receipts/key" "$work"/receipts/given/*.json
    stop_registry
}
