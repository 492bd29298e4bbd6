# Sourced by scripts/interop: a witness in Go cosigns the log, clients demand it, and it refuses a log that was put back.

judge_witness() {
    local data=$work/witnessed log key stranger sizes=0
    new_world "$data"
    log=$(holdfast witness list | sed -n 's/^  log *//p')
    start_witness "$log" w1.example
    key=$witness_key
    local setting="http://127.0.0.1:$witness_port $key" asked=$witness_process
    start_witness "$log" w2.example
    stranger=$witness_key
    restart_with "$data" "$setting"
    holdfast witness add "$key" >/dev/null
    for version in 1 2 3 4 5 6 7; do
        holdfast push "shop/web@$version" "$judges" >/dev/null
        holdfast pin shop/prod "shop/web@$version" -m "smoke passed" >/dev/null
        wait_for_cosignature "$log" "$key"
        sizes=$((sizes + 1))
        [[ $version != 4 ]] || cp -r "$data" "$work/witnessed-before"
    done
    refuses "$tools/witness" judge "$url" "$log" "$stranger"
    holdfast known-good shop/prod | grep -q witnessed || fail "the answer does not say that it is witnessed"
    ok "go sumdb, transparency-dev/formats: cosigned checkpoints" "$sizes sizes"

    stop_registry
    rm -rf "$data/objects" "$data"/index.sqlite*
    cp -r "$work/witnessed-before/objects" "$data/objects"
    restart_with "$data" "$setting"
    for _ in {1..200}; do
        ! holdfast status | grep -q 'has cosigned [0-9]* entries of this log, which has' || break
        sleep 0.1
    done
    holdfast status | grep -q 'has cosigned [0-9]* entries of this log, which has' || fail "nobody noticed that the log went back"
    refuses holdfast known-good shop/prod
    ok "go witness: a log that was put back is not cosigned" "$(holdfast status | sed -n 's/.*it has cosigned \([0-9]*\) entries.*has \([0-9]*\) here.*/\1 > \2/p')"
    stop_registry
    kill "$asked"
    unset HOLDFAST_URL HOLDFAST_TOKEN
}

# start_witness LOG_VKEY NAME: leaves witness_process, witness_port and witness_key.
start_witness() {
    "$tools/witness" serve "${1%%+*}" "$1" "$2" >"$work/$2.txt" 2>"$work/$2.log" &
    witness_process=$!
    started_pids+=("$witness_process")
    for _ in {1..200}; do
        witness_port=$(sed -n 's/^port //p' "$work/$2.txt") witness_key=$(sed -n 's/^key //p' "$work/$2.txt")
        [[ -z $witness_key ]] || return 0
        sleep 0.05
    done
    fail_with "the witness did not start" "$work/$2.log"
}

# restart_with DATA WITNESS: the same registry on another port, so the person says where and who they are.
restart_with() {
    HOLDFAST_TOKEN=$(token)
    export HOLDFAST_TOKEN
    stop_registry
    start_registry "$1" --witness "$2"
    url=http://127.0.0.1:$registry_port
    export HOLDFAST_URL=$url
}

# The published checkpoint follows within moments: the log's newest, with both signatures.
wait_for_cosignature() {
    local size newest
    for _ in {1..100}; do
        newest=$(holdfast log checkpoint | sed -n 2p)
        size=$(INTEROP_TOKEN=$HOLDFAST_TOKEN "$tools/witness" judge "$url" "$1" "$2" 2>/dev/null) || size=none
        [[ $size != "$newest" ]] || return 0
        sleep 0.1
    done
    fail "the published checkpoint of $newest entries is not cosigned"
}
