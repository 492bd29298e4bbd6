# Sourced by scripts/soak: the real registry under clocks that somebody sets (t28), by libfaketime: ten years on, ten years back,
# hour by hour for days in which nobody ran. What has a window keeps it, nothing is deleted, and what is right again works.

# clock AHEAD: what the registry and its sweeps take the time to be, such as +10y or -1d.
clock() { printf '%s\n' "$1" >"$work/clock"; }

# The registry's own commands live by its clock, too: it takes orders of this minute only.
swept() { "${faked[@]}" holdfast-registry sweep --data "$data" --listen "127.0.0.1:$port" --format json; }

# whole WHEN: what was published before is there, byte for byte, and nothing has ended.
whole() {
    check_pulled shop/web@kept "$work/in/kept" yes
    check_pulled shop/web@base "$work/in/base" yes
    [[ $(holdfast list shop/web) == *shop/web@base*shop/web@kept* ]] || die "$1: an artifact ended early"
}

# refused_sweep WHEN: a sweep ends and deletes nothing, whether it fails or finds nothing to do.
refused_sweep() {
    swept >"$work/said" 2>&1 || return 0
    python3 -c 'import json, sys; said = json.load(open(sys.argv[1])); sys.exit(bool(said["ended"] or said["objects"]))' "$work/said" ||
        die "$1: a sweep ended or deleted something: $(cat "$work/said")"
}

soak_clocks() {
    [[ $# -eq 0 ]] || usage
    local port data serve tracer="" faked hour ahead name clocks=0
    begin_faults
    need_debian faketime
    clock +0
    faked=(env LD_PRELOAD="$(dpkg -L libfaketime | grep 'libfaketimeMT\.so\.1$')" FAKETIME_TIMESTAMP_FILE="$work/clock"
        FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1)
    serve=("${faked[@]}" holdfast-registry serve --listen "127.0.0.1:$port" --data "$data" --log-level error)
    plain
    log_in "$data"
    for name in base kept; do head -c 300000 /dev/urandom >"$work/in/$name"; done
    holdfast push shop/web@base "$work/in/base" --keep 2h >/dev/null
    holdfast pin shop/prod shop/web@base --reason base >/dev/null
    holdfast push shop/web@kept "$work/in/kept" --keep 30d >/dev/null
    whole "at first"
    for ahead in +10y -10y +6d -1d; do
        clock "$ahead"
        refused_sweep "$ahead"
        clocks=$((clocks + 1))
        ! holdfast push "shop/web@wrong-$clocks" "$work/in/base" >"$work/said" 2>&1 || [[ $ahead == -* ]] ||
            die "$ahead: a statement was logged far from the time of its signature"
        clock +0
        whole "back from $ahead"
        holdfast push "shop/web@right-$clocks" "$work/in/kept" >/dev/null || die "back from $ahead nothing is logged"
        say "$ahead and back: nothing ended, nothing lost"
    done
    for hour in 3 12 27 30 51; do
        clock "+${hour}h"
        refused_sweep "+${hour}h"
        clocks=$((clocks + 1))
    done
    clock +0
    whole "after two days that never passed"
    holdfast known-good shop/prod >/dev/null || die "known-good does not answer"
    holdfast audit >"$work/said" 2>&1 || die "the audit of all that finds: $(tail -n 20 "$work/said")"
    say "clocks: $clocks of them wrong, nothing ended early, nothing was deleted, the audit is clean, in $SECONDS s"
}
