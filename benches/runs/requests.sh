# Sourced by scripts/bench: small requests, many at a time.

# The header line that authorises, in a file so that no process list shows it.
token_header() {
    sed -n 's/.*"\(hft_[^"]*\)".*/Authorization: Bearer \1/p' "$HOLDFAST_HOME/credentials.json" | head -n 1 >"$work/header.txt"
}

# lookup_rows PINS: one line of a channel with so many pins.
lookup_rows() {
    local pins=$1 bytes bare_port bare
    long_log pins $((pins - 1))
    export HOLDFAST_HOME=$work/world/pins/home
    start_registry "$work/world/pins"
    token_header
    known_good() { holdfast-bench load --port "$registry_port" --path /v1/channels/shop/prod/known-good --header-file "$work/header.txt" "$@"; }
    bytes=$(known_good --seconds 0.5 | figure bytes)
    : >"$work/bare.txt"
    holdfast-bench bare --bytes "$bytes" >"$work/bare.txt" &
    bare=$!
    started_pids+=("$bare")
    until bare_port=$(figure port <"$work/bare.txt") && [[ -n $bare_port ]]; do sleep 0.05; done
    ours_side() { known_good | tee -a "$work/lookups.txt" | figure per_s; }
    peer_side() { holdfast-bench load --port "$bare_port" --path /v1/channels/shop/prod/known-good --header-file "$work/header.txt" | tee -a "$work/bares.txt" | figure per_s; }
    : >"$work/lookups.txt" >"$work/bares.txt"
    alternate ours_side peer_side
    row "known-good over HTTP, 32 connections, $pins pins" "req/s" "a bare axum route, $bytes bytes" "ratio >= 0.5"
    mapfile -t ours < <(figure p99_ms <"$work/lookups.txt")
    mapfile -t peer < <(figure p99_ms <"$work/bares.txt")
    row "known-good p99, 32 connections, $pins pins" "ms" "a bare axum route, $bytes bytes" "ours <= 5"
    kill "$bare"
    wait "$bare" || true
    stop_registry
    rm -rf "$work/world/pins"
}

bench_lookup() {
    lookup_rows 10
    lookup_rows 100000
}

bench_publish() {
    new_world "$work/world/publish"
    publish() {
        holdfast-bench fill --home "$HOLDFAST_HOME" --name "bench/pair$1" --entries 5000 --concurrency 64 | figure per_s
        sync -f "$work"
    }
    synced() { holdfast-bench fsync --folder "$work/world" | figure per_s; }
    alternate publish synced
    # What is asked for is 1,000/s where an fsync takes 2.5 ms; the peer says what one takes here.
    row "publish of tiny artifacts, 64 at a time, durable" "artifacts/s" "4 KiB append + fsync, one after another" "ours >= 1000"
    stop_registry
}
