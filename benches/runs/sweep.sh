# Sourced by scripts/bench: a sweep of a store with very many chunks, and what others notice of it.
#
# The store is made by another process. Lookups and small pushes come at a steady pace, before, during and after the sweep,
# from one process; the sweep runs in the registry that answers them. HOLDFAST_BENCH_SWEEP_CHUNKS makes it smaller.

# steady NAME FLAG…: lookups and pushes, into NAME.txt.
steady() {
    holdfast-bench steady --port "$registry_port" --home "$HOLDFAST_HOME" --name bench/push \
        --path /v1/channels/shop/prod/known-good "${@:2}" >"$work/$1.txt"
    sed "s/^/  $1: /" "$work/$1.txt" >&2
}

# noticed FIGURE TITLE: the figure while the sweep ran, beside the same before and after.
noticed() {
    ours=("$(figure "$1" <"$work/sweeping.txt")")
    peer=("$(figure "$1" <"$work/before.txt")" "$(figure "$1" <"$work/after.txt")")
    row "$2" ms "the same with no sweep" "ratio <= 1.5"
}

bench_sweep() {
    local chunks=${HOLDFAST_BENCH_SWEEP_CHUNKS:-1000000} data=$work/world/sweep began took loads objects
    export HOLDFAST_HOME=$data/home HOLDFAST_TOKEN HOLDFAST_URL
    mkdir -p "$data"
    holdfast-bench litter --data "$data" --home "$HOLDFAST_HOME" --chunks "$chunks" >"$work/litter.txt"
    HOLDFAST_TOKEN=$(<"$HOLDFAST_HOME/token")
    sync -f "$work"
    start_registry "$data"
    HOLDFAST_URL=http://127.0.0.1:$registry_port
    printf 'a small file\n' >"$work/small.bin"
    holdfast push shop/web@1.0.0 "$work/small.bin" >/dev/null
    holdfast pin shop/prod shop/web@1.0.0 -m "smoke passed" >/dev/null
    steady before
    steady sweeping --until "$work/swept" &
    loads=$!
    began=$EPOCHREALTIME
    holdfast-registry sweep --data "$data" --listen "127.0.0.1:$registry_port" --log-level warn >"$work/sweep.txt"
    took=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
    touch "$work/swept"
    wait "$loads"
    steady after
    objects=$(awk '$1 == "deleted" { print $2 }' "$work/sweep.txt")
    [[ $objects == "$(figure dead <"$work/litter.txt")" ]] || {
        printf 'the sweep deleted %s objects\n' "$objects" >&2
        cat "$work/litter.txt" "$work/sweep.txt" >&2
        return 1
    }
    noticed lookup_p99_ms "lookup p99 while $chunks chunks are swept"
    noticed push_p99_ms "small push p99 while $chunks chunks are swept"
    ours=("$(awk '$1 == "VmHWM:" { printf "%.1f", $2 / 1024 }' "/proc/$registry/status")")
    peer=("$took")
    row "registry memory while $chunks chunks are swept" MB "seconds that the sweep took" "ours <= 300"
    ours=("$(awk -v n="$objects" -v s="$took" 'BEGIN { printf "%.0f", n / s }')")
    row "objects deleted a second, of $objects" "objects/s" "seconds that the sweep took" "ours >= 1"
    stop_registry
    unset HOLDFAST_TOKEN HOLDFAST_URL
    rm -rf "$data"
}
