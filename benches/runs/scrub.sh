# Sourced by scripts/bench: reading back what is stored, by a registry that does nothing else.
#
# The peer is the lesser of what `b3sum` reads of the same bytes on the same disk, cold or warm as we are, and of one core
# that unpacks and hashes the stored chunks in memory. The first scrub of an artifact proves the alias, too, so SHA-256 of the
# whole is computed, which no second core helps with: its peer is at most what one core does of that. Cold means that the page
# cache was dropped, where we may.

may_drop_cache() { [[ -w /proc/sys/vm/drop_caches ]]; }

# Leaves the store and the file as cold or as warm as this row wants them.
chill() {
    if [[ $1 == cold ]]; then
        sync
        echo 1 >/proc/sys/vm/drop_caches
    else
        cat "$work/content.bin" >/dev/null
        find "$data/objects" -type f -exec cat {} + >/dev/null
    fi
}

scrub_once() {
    chill "$warmth"
    holdfast-registry scrub --data "$data" --log-level warn --format json |
        python3 -c 'import datetime, json, sys
run = json.load(sys.stdin)
at = lambda text: datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
print("%.1f" % (run["bytes"] / 1e6 / max(at(run["ended"]) - at(run["started"]), 0.001)))'
}

hash_once() {
    local took
    chill "$warmth"
    took=$(seconds b3sum "$work/content.bin")
    awk -v s="$took" -v n="$(stat -c %s "$work/content.bin")" -v core="$core" \
        'BEGIN { disk = n / 1e6 / s; printf "%.1f", disk < core ? disk : core }'
}

# scrub_rows WHAT: content.bin is there.
scrub_rows() {
    local what=$1 data=$work/world/$1 core sha256 warmth
    new_world "$data"
    holdfast push shop/file@1.0.0 "$work/content.bin" >/dev/null
    stop_registry
    sync -f "$work"
    holdfast-bench unpack --folder "$data/objects/chunks" >"$work/cores.txt"
    core=$(figure mb_per_s <"$work/cores.txt") sha256=$(figure sha256_mb_per_s <"$work/cores.txt")
    printf '  one core unpacks and hashes %s MB/s, and %s MB/s with SHA-256\n' "$core" "$sha256" >&2
    warmth=warm
    ours=("$(scrub_once)") peer=("$(printf '%s\n' "$(hash_once)" "$sha256" | sort -g | head -n 1)")
    row "first scrub of 1 GB that $what, warm" MB/s "the same, or SHA-256 of one core ($sha256)" "ratio >= 0.8"
    for warmth in cold warm; do
        [[ $warmth == warm ]] || may_drop_cache || continue
        alternate scrub_once hash_once
        row "scrub of 1 GB that $what, $warmth" MB/s "b3sum or one core of BLAKE3 + zstd" "ratio >= 0.8"
    done
    rm -rf "$data"
}

bench_scrub() {
    need_b3sum
    head -c 1000000000 /dev/urandom >"$work/content.bin"
    scrub_rows "does not compress"
    tar -cf - -C "$(rustc --print sysroot)" . | head -c 1000000000 >"$work/content.bin" || true
    scrub_rows "compresses"
}
