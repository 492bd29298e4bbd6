# Sourced by scripts/soak: power cuts (t03, t04, t05). strace records every write and flush of the real registry while it is
# used; power.py replays that onto a strict model of a file system up to a moment, drops what was not made durable, and the
# registry is started on what is left. What was acknowledged by then must be there, whole.

# cut TIME SEED: the power is cut then; a registry starts on what is left, and the checker looks at everything acknowledged.
cut() {
    local time=$1 seed=$2 left=$work/left what at source
    rm -rf "$left"
    python3 "$root/scripts/soak.d/power.py" "$data" "$time" "$seed" "$left" "${traces[@]}"
    # The index is a projection: a power cut may take it, and it is made anew.
    rm -f "$left"/index.sqlite*
    serve=(holdfast-registry serve --listen "127.0.0.1:$port" --data "$left" --log-level error)
    local data=$left
    # A client that saw more would rightly refuse what is older: this one saw nothing yet.
    rm -rf "$work/home"
    cp -a "$work/home-new" "$work/home"
    export HOLDFAST_HOME=$work/home
    plain
    while read -r at what source; do
        awk -v at="$at" -v time="$time" 'BEGIN { exit !(at <= time) }' || continue
        case $what in
        pin) holdfast known-good shop/prod >/dev/null || die "after a cut at $time (seed $seed) the acknowledged pin is lost" ;;
        *) check_pulled "$what" "$source" yes ;;
        esac
    done <"$work/acknowledged"
    end_registry
    cuts=$((cuts + 1))
}

# recorded: starts the registry under strace, which records what it does to its store.
recorded() {
    traces+=("$work/trace-${#traces[@]}")
    : >"$data/out.log"
    strace --follow-forks --quiet=all -y -ttt -xx -s 20000000 --output="${traces[-1]}" --seccomp-bpf \
        --trace=openat,write,pwrite64,writev,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,ftruncate,fallocate,fsync,fdatasync,syncfs \
        "${serve[@]}" >"$data/out.log" 2>>"$data/error.log" &
    registry=$!
    started_pids+=("$registry")
    wait_for_registry
}

# Ends the recorded registry by a signal; strace ends with it.
end_recorded() {
    pkill "-$1" --parent "$registry" || true
    wait "$registry" 2>/dev/null || true
    registry=""
}

# acknowledge WHAT SOURCE COMMAND…: the command succeeds, and when it has, that is noted.
acknowledge() {
    local what=$1 source=$2
    shift 2
    "$@" >"$work/said" 2>&1 || die "$* failed: $(tail -n 3 "$work/said")"
    printf '%s %s %s\n' "$EPOCHREALTIME" "$what" "$source" >>"$work/acknowledged"
}

use_registry() {
    local n
    for n in 1 2 3; do
        head -c $((n * 1000000)) /dev/urandom >"$work/in/$1-$n"
        acknowledge "shop/web@$1-$n" "$work/in/$1-$n" holdfast push "shop/web@$1-$n" "$work/in/$1-$n"
    done
    # The same bytes again (t05), and a namespace that nobody wrote to before (t04).
    acknowledge "shop/same@$1" "$work/in/$1-3" holdfast push "shop/same@$1" "$work/in/$1-3"
    acknowledge "new$1/web@1" "$work/in/$1-2" holdfast push "new$1/web@1" "$work/in/$1-2"
    acknowledge pin - holdfast pin shop/prod "shop/web@$1-1" --reason "$1"
    mkdir -p "$work/in/$1-tree"
    head -c 700000 /dev/urandom >"$work/in/$1-tree/large" && printf '%s\n' "$1" >"$work/in/$1-tree/small"
    acknowledge "shop/data@$1" "$work/in/$1-tree" holdfast snapshot "shop/data@$1" "$work/in/$1-tree"
}

soak_power() {
    local seeds=3 data port serve tracer="" traces=() cuts=0 at seed
    while [[ $# -gt 0 ]]; do
        case $1 in
        --seeds) seeds=${2:?a number} && shift 2 ;;
        *) usage ;;
        esac
    done
    begin_faults
    serve=(holdfast-registry serve --listen "127.0.0.1:$port" --data "$data" --log-level error)
    : >"$work/acknowledged"
    recorded
    log_in "$data"
    cp -a "$HOLDFAST_HOME" "$work/home-new"
    use_registry first
    end_recorded KILL
    recorded
    use_registry second
    end_recorded TERM
    # At each acknowledgement, a moment before it, and in between.
    for at in $(awk '{ print $1, $1 - 0.002 } NR > 1 { print (before + $1) / 2 } { before = $1 }' OFMT=%.6f "$work/acknowledged"); do
        for ((seed = 0; seed <= seeds; seed++)); do cut "$at" "$seed"; done
    done
    say "power: $cuts cuts, $(wc -l <"$work/acknowledged") acknowledgements, none of them lost, in $SECONDS s"
}
