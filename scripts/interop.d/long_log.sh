# Sourced by scripts/interop: Tessera's fsck on a long log, over HTTP and in the store's own folder.

long_log_entries=70000

judge_long_log() {
    local size data=$work/long/registry
    world long
    head -c 100 /dev/urandom >"$work/long/file"
    holdfast push shop/web@1.0.0 "$work/long/file" >/dev/null
    holdfast pin shop/prod shop/web@1.0.0 -m "smoke passed" >/dev/null
    holdfast trust show --format json | python verifier_key >"$work/long/key"
    size=$(holdfast log checkpoint | sed -n 2p)
    stop_registry
    holdfast-bench grow --data "$data" --key "$data/home/key.pem" --what deploys \
        --entries $((long_log_entries - size)) --artifact shop/web@1.0.0 --channel shop/prod >/dev/null
    start_registry "$data"
    reach
    wait_for_checkpoint "$long_log_entries"
    sound "over HTTP" --storage_url="$url/log/" --bearer_token="$INTEROP_TOKEN"
    python flip "$data/objects/log/tile/entries/100"
    unsound --storage_url="$url/log/" --bearer_token="$INTEROP_TOKEN"
    python flip "$data/objects/log/tile/entries/100"
    sound "in the store's folder" --storage_url="file://$data/objects/log"
    judge_damaged_logs "$data/objects/log"
    stop_registry
}

# check_log FLAG…: fsck ends with 0 whatever it found, so that what it says counts.
check_log() {
    fsck --ui=false --N=4 --public_key="$work/long/key" "$@" >"$work/long/fsck.log" 2>&1 || return 1
    ! grep -q "fsck failed" "$work/long/fsck.log" &&
        grep -q "Successfully fsck'd log with size $long_log_entries and root" "$work/long/fsck.log"
}

# sound WHERE FLAG…
sound() {
    check_log "${@:2}" || fail_with "fsck refuses the log $1" "$work/long/fsck.log"
    ok "tessera fsck: the log $1" "$long_log_entries entries"
}

# unsound FLAG…
unsound() {
    ! check_log "$@" || fail "fsck takes what was damaged on purpose: $*"
    grep -q "fsck failed" "$work/long/fsck.log" || fail_with "fsck does not say what is wrong" "$work/long/fsck.log"
}

# One flipped bit in an entry, in each level of hash tiles, or in the checkpoint.
judge_damaged_logs() {
    local file
    for file in tile/entries/100 tile/0/200 tile/0/273.p/112 tile/1/000 tile/1/001.p/17 tile/2/000.p/1 checkpoint; do
        rm -rf "$work/long/damaged"
        mkdir "$work/long/damaged"
        cp -a "$1/checkpoint" "$1/tile" "$work/long/damaged/"
        python flip "$work/long/damaged/$file"
        unsound --storage_url="file://$work/long/damaged"
    done
    rm -rf "$work/long/damaged"
}
