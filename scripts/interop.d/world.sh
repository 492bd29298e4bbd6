# Sourced by scripts/interop and scripts/bench: a registry of their own on a free port, and somebody who is logged in.
# The caller sets `root`, `target` and `work`. Everything written is below `work`, nothing of the user's own counts.

while read -r name; do [[ $name =~ ^HOLDFAST_(TEST_|BENCH_|AUDIT_ENTRIES$) ]] || unset "$name"; done < <(compgen -e HOLDFAST_)
registry="" registry_port=""
started_pids=()

build_command=(cargo build --locked --release -p holdfast-registry -p holdfast-cli -p holdfast-benches)
build_binaries() {
    build_began=$EPOCHSECONDS
    (cd "$root" && "${build_command[@]}")
    build_ended=$EPOCHSECONDS
    PATH=$target/release:$PATH
}

# The memory and processor limits of a registry are its defaults: nothing here tunes it.
# start_registry DATA [FLAG…]: leaves `registry` (its process) and `registry_port`.
start_registry() {
    local data=$1
    shift
    mkdir -p "$data"
    : >"$data/out.log"
    holdfast-registry serve --listen 127.0.0.1:0 --data "$data" --log-level warn "$@" >"$data/out.log" 2>"$data/error.log" &
    registry=$!
    started_pids+=("$registry")
    for _ in {1..3000}; do
        registry_port=$(sed -n 's|^holdfast-registry: serving on http://127.0.0.1:||p' "$data/out.log")
        [[ -z $registry_port ]] || return 0
        kill -0 "$registry" 2>/dev/null || break
        sleep 0.01
    done
    cat "$data/out.log" "$data/error.log" >&2
    printf 'the registry did not start\n' >&2
    return 1
}

stop_registry() {
    [[ -n $registry ]] || return 0
    kill "$registry"
    wait "$registry" || true
    registry=""
}

# log_in DATA: the first login at a registry that was just started; leaves HOLDFAST_HOME.
log_in() {
    local login
    login=$(sed -n 's/^login: holdfast login //p' "$1/out.log")
    export HOLDFAST_HOME=$1/home
    holdfast login "$login" >/dev/null
}

# new_world DATA [FLAG…]: a fresh registry with somebody logged in.
new_world() {
    start_registry "$@"
    log_in "$1"
}

clean_up() {
    local pid
    for pid in "${started_pids[@]}"; do
        kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
    done
}
