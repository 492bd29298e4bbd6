# Sourced by scripts/soak: the seeded simulation of two nodes and the sweeper, and the bugs that are planted to show that it finds them.

# planted PATCH SEEDS: a copy of the tree with one planted bug must fail, and says by which seed.
planted() {
    local patch=$1 seeds=$2 name log
    name=$(basename "$patch" .patch)
    log=$runs/$name.log
    patch --quiet --strip 1 --directory "$copy" <"$patch"
    if (cd "$copy" && HOLDFAST_SIM_SEEDS=$seeds HOLDFAST_SIM_STEPS=36 CARGO_TARGET_DIR=$target RUST_BACKTRACE=0 \
        cargo test --locked -p holdfast-tests --test sim every_seed -- --nocapture) >"$log" 2>&1; then
        say "$name is NOT found by $seeds seeds; all output in $log"
        return 1
    fi
    patch --quiet --strip 1 --reverse --directory "$copy" <"$patch"
    if ! grep -q '^seed [0-9]* fails after' "$log"; then
        tail -n 40 "$log" >&2
        say "$name does not build or run; all output in $log"
        return 1
    fi
    printf '%-18s %s\n%18s %s\n' "$name" "$(head -n 1 "$patch")" "" "$(grep '^seed [0-9]* fails after' "$log" | head -n 1)"
}

soak_mutations() {
    local patch failed=0
    runs=$target/sim-mutations copy=$target/sim-mutations/tree
    rm -rf "$runs" && mkdir -p "$copy"
    (cd "$root" && git ls-files -z | tar --null --files-from - --create) | tar --extract --directory "$copy"
    for patch in "$root"/tests/tests/sim/mutations/*.patch; do
        planted "$patch" 1000 || failed=1
    done
    [[ $failed -eq 0 ]] || return 1
    say "sim: every planted bug is found, in $SECONDS s"
}

soak_sim() {
    local seeds=10000 first=0
    while [[ $# -gt 0 ]]; do
        case $1 in
        --seeds) seeds=${2:?a number} && shift 2 ;;
        --first) first=${2:?a number} && shift 2 ;;
        --mutations) [[ $# -eq 1 ]] || usage && soak_mutations && return ;;
        *) usage ;;
        esac
    done
    cd "$root"
    HOLDFAST_SIM_FIRST=$first HOLDFAST_SIM_SEEDS=$seeds HOLDFAST_SIM_STEPS=36 RUST_BACKTRACE=0 \
        cargo test --locked --release -p holdfast-tests --test sim every_seed -- --nocapture
    say "sim: $seeds seeds, every rule held, in $SECONDS s"
}
