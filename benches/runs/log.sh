# Sourced by scripts/bench: what the log takes, and how fast a node is back.

bench_append() {
    mkdir -p "$work/world"
    append() {
        rm -rf "$work/world/append"
        holdfast-bench append --data "$work/world/append" --entries 50000 | figure per_s
        sync -f "$work"
    }
    synced() { holdfast-bench fsync --folder "$work/world" | figure per_s; }
    alternate append synced
    row "log append in process, durable" "entries/s" "4 KiB append + fsync, one after another" "ours >= 10000"
}

# long_log WHAT: the data of a stopped registry whose log has 100,000 entries, most of one kind. Made in memory, where a
# sync costs nothing, then moved to the disk.
long_log() {
    local made=/dev/shm/holdfast-bench-$$
    rm -rf "$made" "$work/world/$1"
    new_world "$made"
    printf 'a small file\n' >"$work/small.bin"
    holdfast push shop/web@1.0.0 "$work/small.bin" >/dev/null
    holdfast pin shop/prod shop/web@1.0.0 -m "smoke passed" >/dev/null
    stop_registry
    holdfast-bench grow --data "$made" --key "$made/home/key.pem" --what "$1" --entries "${2:-99995}" \
        --artifact shop/web@1.0.0 --channel shop/prod >/dev/null
    mkdir -p "$work/world"
    cp -a "$made" "$work/world/$1"
    rm -rf "$made"
    sync -f "$work"
}

# Seconds from the start of the process until it says that it serves.
time_start() {
    local began=$EPOCHREALTIME
    start_registry "$1"
    awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.4f", b - a }'
    stop_registry
}

bench_start() {
    long_log publishes
    new_world "$work/world/empty"
    stop_registry
    long() { time_start "$work/world/publishes"; }
    short() { time_start "$work/world/empty"; }
    alternate long short
    row "start with 100,000 entries" "s" "start with 2 entries" "ours <= 1"
}

# rebuild_rows WHAT TITLE: entries a second, beside reading and hashing the same commits.
rebuild_rows() {
    local what=$1 entries
    long_log "$what"
    entries=$(holdfast-registry status --data "$work/world/$what" --log-level warn | awk '$1 == "entries" { print $2 }')
    rebuild() {
        holdfast-registry rebuild --data "$work/world/$what" --log-level warn | sed -n 's|.*(\([0-9.]*\)/s).*|\1|p'
        sync -f "$work"
    }
    read_and_hash() {
        local took
        took=$(seconds bash -c "cat $work/world/$what/objects/log/commits/*/* | sha256sum; sync -f $work")
        awk -v n="$entries" -v s="$took" 'BEGIN { printf "%.0f", n / s }'
    }
    alternate rebuild read_and_hash
    row "$2" "entries/s" "cat every commit, piped to sha256sum" "ours >= 50000"
    rm -rf "${work:?}/world/$what"
}

bench_rebuild() {
    rebuild_rows deploys "rebuild, 100,000 deployments"
    rebuild_rows publishes "rebuild, 100,000 publications (a manifest each)"
}
