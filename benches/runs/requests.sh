# Sourced by scripts/bench: small requests, many at a time.

# The token of whoever is logged in.
kept_token() { sed -n 's/.*"\(hft_[^"]*\)".*/\1/p' "$HOLDFAST_HOME/credentials.json" | head -n 1; }

# The header line that authorises, in a file so that no process list shows it.
token_header() { printf 'Authorization: Bearer %s\n' "$(kept_token)" >"$work/header.txt"; }

# lookup_rows PINS: one line of a channel with so many pins.
lookup_rows() {
    local pins=$1 bytes
    long_log pins $((pins - 1))
    export HOLDFAST_HOME=$work/world/pins/home
    start_registry "$work/world/pins"
    token_header
    known_good() { holdfast-bench load --port "$registry_port" --path /v1/channels/shop/prod/known-good --header-file "$work/header.txt" "$@"; }
    bytes=$(known_good --seconds 0.5 | figure bytes)
    start_bare "$bytes"
    ours_side() { known_good | tee -a "$work/lookups.txt" | figure per_s; }
    peer_side() { holdfast-bench load --port "$bare_port" --path /v1/channels/shop/prod/known-good --header-file "$work/header.txt" | tee -a "$work/bares.txt" | figure per_s; }
    : >"$work/lookups.txt" >"$work/bares.txt"
    alternate ours_side peer_side
    row "known-good over HTTP, 32 connections, $pins pins" "req/s" "a bare axum route, $bytes bytes" "ratio >= 0.5"
    mapfile -t ours < <(figure p99_ms <"$work/lookups.txt")
    mapfile -t peer < <(figure p99_ms <"$work/bares.txt")
    row "known-good p99, 32 connections, $pins pins" "ms" "a bare axum route, $bytes bytes" "ours <= 5"
    stop_process "$bare"
    stop_registry
    rm -rf "$work/world/pins"
}

# start_bare BYTES: a bare route with as many bytes; leaves `bare` (its process) and `bare_port`.
start_bare() {
    : >"$work/bare.txt"
    holdfast-bench bare --bytes "$1" >"$work/bare.txt" &
    bare=$!
    started_pids+=("$bare")
    until bare_port=$(figure port <"$work/bare.txt") && [[ -n $bare_port ]]; do sleep 0.05; done
}

# stop_process PID
stop_process() {
    kill "$1"
    wait "$1" || true
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

# One node, the same routes, two accept loops: ours with its limits and deadlines, and plain axum::serve.
bench_front() {
    local doors ours_port plain_port
    long_log pins 9
    export HOLDFAST_HOME=$work/world/pins/home
    token_header
    : >"$work/doors.txt"
    holdfast-bench doors --data "$work/world/pins" >"$work/doors.txt" &
    doors=$!
    started_pids+=("$doors")
    until plain_port=$(figure plain <"$work/doors.txt") && [[ -n $plain_port ]]; do sleep 0.05; done
    ours_port=$(figure ours <"$work/doors.txt")
    known_good_at() { holdfast-bench load --port "$1" --path /v1/channels/shop/prod/known-good --header-file "$work/header.txt" | figure per_s; }
    ours_side() { known_good_at "$ours_port"; }
    peer_side() { known_good_at "$plain_port"; }
    alternate ours_side peer_side
    row "lookups through the accept loop, 32 connections" "req/s" "the same routes on plain axum::serve" "ratio >= 0.95"
    stop_process "$doors"
}

# Proofs of entries all over a log of 100,000, and what a client does with an answer.
bench_verify() {
    long_log pins
    export HOLDFAST_HOME=$work/world/pins/home
    start_registry "$work/world/pins"
    token_header
    proofs() { holdfast-bench load --port "$1" --path "/v1/log/proof/{}" --numbers 100000 --header-file "$work/header.txt" "${@:2}"; }
    start_bare "$(proofs "$registry_port" --seconds 0.5 | figure bytes)"
    ours_side() { proofs "$registry_port" | figure per_s; }
    peer_side() { proofs "$bare_port" | figure per_s; }
    alternate ours_side peer_side
    row "proofs of 100,000 entries over HTTP, 32 connections" "req/s" "a bare axum route, as many bytes" "ratio >= 0.4"
    stop_process "$bare"
    # The data was made under another address, for which the token was kept.
    verify_side() { HOLDFAST_TOKEN=$(kept_token) holdfast-bench verify --home "$HOLDFAST_HOME" --url "http://127.0.0.1:$registry_port" --channel shop/prod | figure p50_ms; }
    signature_side() { holdfast-bench verify --home "$HOLDFAST_HOME" | figure p50_ms; }
    alternate verify_side signature_side
    row "a client verifies one known-good answer" "ms" "one Ed25519 signature" "ours <= 2"
    stop_registry
}
