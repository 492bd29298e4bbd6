# Sourced by scripts/bench: what an auditor takes, from the store alone and over a registry.

# watched COMMAND…: runs it, and leaves its seconds in `took` and its peak memory in MB in `peak`.
watched() {
    local began=$EPOCHREALTIME pid seen
    peak=0
    "$@" >/dev/null &
    pid=$!
    while seen=$(awk '$1 == "VmHWM:" { printf "%.1f", $2 / 1024 }' "/proc/$pid/status" 2>/dev/null) && [[ -n $seen ]]; do
        peak=$seen
        sleep 0.02
    done
    # What failed has no speed.
    wait "$pid" || exit 1
    took=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.4f", b - a }')
}

# audit_rows ENTRIES: one-signature entries a second, beside reading and hashing the same commits, and the auditor's memory.
audit_rows() {
    local entries=$1 world=$work/world/deploys took peak peaks=$work/peaks
    long_log deploys "$((entries - 5))"
    export HOLDFAST_HOME=$world/home
    : >"$peaks"
    from_store() {
        watched holdfast audit --fresh --offline --store "$world/objects"
        printf '%s\n' "$peak" >>"$peaks"
        awk -v n="$entries" -v s="$took" 'BEGIN { printf "%.0f", n / s }'
    }
    over_http() {
        watched holdfast audit --fresh
        awk -v n="$entries" -v s="$took" 'BEGIN { printf "%.0f", n / s }'
    }
    read_and_hash() {
        local took
        took=$(seconds bash -c "cat $world/objects/log/commits/*/* | sha256sum")
        awk -v n="$entries" -v s="$took" 'BEGIN { printf "%.0f", n / s }'
    }
    alternate from_store read_and_hash
    row "audit of the store, $entries entries" "entries/s" "cat every commit, piped to sha256sum" "ours >= 20000"
    mapfile -t ours <"$peaks"
    peer=(200)
    row "its memory, $entries entries" "MB" "the bound" "ours <= 200"
    start_registry "$world"
    # The data was made under another address, for which the token was kept.
    export HOLDFAST_URL=http://127.0.0.1:$registry_port HOLDFAST_TOKEN
    HOLDFAST_TOKEN=$(kept_token)
    alternate over_http read_and_hash
    unset HOLDFAST_URL HOLDFAST_TOKEN
    stop_registry
    row "audit over the registry, $entries entries" "entries/s" "cat every commit, piped to sha256sum" "ours >= 20000"
    rm -rf "${world:?}"
}

# HOLDFAST_AUDIT_ENTRIES=1000000 shows that memory stays as it is.
bench_audit() { audit_rows "${HOLDFAST_AUDIT_ENTRIES:-100000}"; }
