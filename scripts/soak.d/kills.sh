# Sourced by scripts/soak: the real registry is killed at each system call by which it changes its store, while it publishes,
# pins, stores a snapshot, deletes and sweeps; and its flushes fail. A checker knows what was acknowledged.
#
# A kill is no power cut: what the kernel was given stays. Power cuts are tests of their own (t03 to t05).

calls_of_stores=(openat write pwrite64 rename renameat2 linkat unlink unlinkat mkdir mkdirat ftruncate fallocate fsync fdatasync syncfs)
flushes=fsync,fdatasync,syncfs

# struck CALLS PLACE MOMENT: starts the registry so that it is killed at a call of what comes. Leaves `registry`, its parent.
struck() {
    : >"$data/out.log"
    python3 "$root/scripts/soak.d/strike.py" "$work/counts" "$1" "$2" "$3" -- "${serve[@]}" >"$data/out.log" 2>>"$data/error.log" &
    registry=$!
    started_pids+=("$registry")
    wait_for_registry
    kill -USR1 "$registry" 2>/dev/null || true
}

# unflushed N: starts the registry so that each thread's flushes fail from the Nth on. Leaves `registry` and `tracer`.
unflushed() {
    plain
    strace --follow-forks --quiet=all --output=/dev/null --attach="$registry" --trace="$flushes" --inject="$flushes:error=EIO:when=$1+" &
    tracer=$!
    for _ in {1..500}; do
        ! grep -q "^TracerPid:.*[1-9]" "/proc/$registry/status" || return 0
        sleep 0.01
    done
    die "strace does not attach to the registry"
}

# Returns when the registry serves, or has ended.
wait_for_registry() {
    for _ in {1..2000}; do
        ! grep -q '^holdfast-registry: serving' "$data/out.log" || return 0
        kill -0 "$registry" 2>/dev/null || return 0
        sleep 0.01
    done
    die "the registry neither serves nor ends"
}

plain() {
    : >"$data/out.log"
    "${serve[@]}" >"$data/out.log" 2>>"$data/error.log" &
    registry=$!
    started_pids+=("$registry")
    wait_for_registry
    kill -0 "$registry" 2>/dev/null || die "the registry does not start again: $(tail -n 5 "$data/error.log")"
}

# Ends the registry, when the fault has not.
end_registry() {
    kill "$registry" 2>/dev/null || true
    wait "$registry" 2>/dev/null || true
    [[ -z $tracer ]] || wait "$tracer" || true
    registry="" tracer=""
}

# Programs, a folder for everything in `work`, `data` for a registry and a `port` that it always has.
begin_faults() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-faults-XXXXXX")
    . "$root/scripts/interop.d/world.sh"
    . "$root/scripts/interop.d/debian.sh"
    trap 'clean_up; rm -rf "$work"' EXIT
    need_debian strace
    build_binaries
    data=$work/data
    mkdir -p "$work/in" "$data"
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
}

die() {
    say "$*"
    exit 1
}

# Each deed: DEED_do ID does it and answers whether it was acknowledged; DEED_check ID ACKNOWLEDGED fails when it should.
publish_do() { head -c 3000 /dev/urandom >"$work/in/$1" && holdfast push "shop/web@$1" "$work/in/$1"; }
publish_check() { check_pulled "shop/web@$1" "$work/in/$1" "$2"; }

snapshot_do() {
    mkdir -p "$work/in/$1"
    head -c 400000 /dev/urandom >"$work/in/$1/large" && printf '%s\n' "$1" >"$work/in/$1/small"
    holdfast snapshot "shop/data@$1" "$work/in/$1"
}
snapshot_check() { check_pulled "shop/data@$1" "$work/in/$1" "$2"; }

pin_do() { holdfast pin shop/prod shop/web@base --reason "$1"; }
pin_check() {
    local said
    said=$(holdfast history shop/prod 2>&1) || die "no history: $said"
    [[ $2 == no || $said == *"$1"* ]] || die "the acknowledged pin $1 is lost"
    holdfast known-good shop/prod >/dev/null || die "known-good does not answer after pin $1"
}

# What is swept was published and deleted before, in peace; another artifact shares half of its content and must stay.
sweep_prepare() {
    head -c 200000 /dev/urandom >"$work/in/$1"
    holdfast push "shop/gone@$1" "$work/in/$1" >/dev/null
    holdfast delete "shop/gone@$1" --reason "not needed" --yes >/dev/null 2>&1
}
sweep_do() { holdfast-registry sweep --data "$data" --listen "127.0.0.1:$port"; }
sweep_check() {
    local status=0
    sweep_do >"$work/said" 2>&1 || die "the sweep does not go on after $1: $(tail -n 3 "$work/said")"
    check_pulled shop/web@base "$work/in/base" yes
    holdfast pull "shop/gone@$1" --to "$work/out" >/dev/null 2>&1 || status=$?
    [[ $status == 5 ]] || die "what was deleted answers $status"
    holdfast push "shop/again@$1" "$work/in/$1" >/dev/null || die "the bytes that were swept cannot be pushed again"
    check_pulled "shop/again@$1" "$work/in/$1" yes
}

# check_pulled REF SOURCE ACKNOWLEDGED: there and whole, or wholly absent when nobody was told that it is there.
check_pulled() {
    local status=0
    rm -rf "$work/out"
    if [[ -d $2 ]]; then holdfast restore "$1" --to "$work/out"; else holdfast pull "$1" --to "$work/out"; fi >"$work/said" 2>&1 || status=$?
    case $status in
    0) if [[ -d $2 ]]; then diff -r "$2" "$work/out"; else cmp "$2" "$work/out/$(basename "$2")"; fi >&2 || die "$1 came back as something else" ;;
    3) [[ $3 == no ]] || die "$1 was acknowledged and is lost" ;;
    *) die "$1 is half there: $(tail -n 3 "$work/said")" ;;
    esac
}

# round DEED ID COMMAND…: COMMAND starts a registry with a fault; then the deed, a start without it, and the check.
round() {
    local deed=$1 id=$2 acknowledged=yes
    shift 2
    if declare -F "${deed}_prepare" >/dev/null; then
        plain
        "${deed}_prepare" "$id"
        end_registry
    fi
    "$@"
    timeout 60 bash -c "${deed}_do $id" >"$work/said" 2>&1 || acknowledged=no
    end_registry
    plain
    "${deed}_check" "$id" "$acknowledged"
    end_registry
    rounds=$((rounds + 1))
    [[ $acknowledged == yes ]] || interrupted=$((interrupted + 1))
}

# places COUNT: which of so many calls are struck: all, or a sample spread over them.
places() { awk -v n="$1" -v k="${sample:-$1}" 'BEGIN { for (i = 1; i <= k && n > 0; i++) printf "%d\n", 1 + int((i - 0.5) * n / k) }' | sort -nu; }

# strike DEED CALL: kills the registry at each of these calls that the deed makes, one a round, before it and after it.
strike() {
    local deed=$1 call=$2 place moment
    round "$deed" "$deed-$call-count" struck "$call" 0 enter
    for place in $(places "$(cat "$work/counts")"); do
        for moment in enter leave; do
            round "$deed" "$deed-$call-$moment-$place" struck "$call" "$place" "$moment"
        done
    done
}

kills_of() {
    local deed=$1 call number
    for call in "${calls_of_stores[@]}"; do strike "$deed" "$call"; done
    for number in 1 2 3; do round "$deed" "$deed-flush-$number" unflushed "$number"; done
    say "$deed: $rounds rounds so far, $interrupted of them interrupted before the acknowledgement, in $SECONDS s"
}

soak_kills() {
    local sample="" deeds=(publish pin snapshot sweep) chosen=() deed port data serve tracer="" rounds=0 interrupted=0
    while [[ $# -gt 0 ]]; do
        case $1 in
        --sample) sample=${2:?a number} && shift 2 ;;
        -*) usage ;;
        *) [[ " ${deeds[*]} " == *" $1 "* ]] || usage
            chosen+=("$1") && shift ;;
        esac
    done
    begin_faults
    serve=(holdfast-registry serve --listen "127.0.0.1:$port" --data "$data" --log-level error)
    # What is young is swept, too.
    export HOLDFAST_SWEEP_GRACE=0s
    plain
    log_in "$data"
    head -c 300000 /dev/urandom >"$work/in/base"
    holdfast push shop/web@base "$work/in/base" >/dev/null
    holdfast pin shop/prod shop/web@base --reason base >/dev/null
    end_registry
    export work data port
    export -f publish_do snapshot_do pin_do sweep_do
    [[ ${#chosen[@]} -gt 0 ]] || chosen=("${deeds[@]}")
    for deed in "${chosen[@]}"; do kills_of "$deed"; done
    plain
    holdfast audit >"$work/said" 2>&1 || die "the audit of all that finds: $(tail -n 20 "$work/said")"
    say "kills: $rounds rounds, $interrupted interrupted, nothing acknowledged was lost and nothing is half there; the audit is clean, in $SECONDS s"
}
