# Sourced by scripts/bench: known-good lookups with very many artifacts present, beside the same with few.
#
# Both logs lie in memory, as what a lookup reads of an index on a disk is in memory, too; the two registries run side by
# side and are asked in turn. HOLDFAST_BENCH_ARTIFACTS says how many; a million takes some minutes to be made.

readonly few_artifacts=10000

# artifacts_world NAME ARTIFACTS: a registry with a pin and so many artifacts; leaves `registry` and `registry_port`.
artifacts_world() {
    local data=/dev/shm/holdfast-bench-$$/$1
    new_world "$data"
    printf 'a small file\n' >"$work/small.bin"
    holdfast push shop/web@1.0.0 "$work/small.bin" >/dev/null
    holdfast pin shop/prod shop/web@1.0.0 -m "smoke passed" >/dev/null
    stop_registry
    holdfast-bench grow --data "$data" --key "$data/home/key.pem" --what publishes --entries "$2" \
        --artifact shop/web@1.0.0 --channel shop/prod >/dev/null
    start_registry "$data"
    token_header
    mv "$work/header.txt" "$work/$1.header"
}

# asked NAME PORT QUESTION: lookups a second.
asked() {
    holdfast-bench load --port "$2" --path "/v1/channels/shop/prod/known-good$3" --numbers "$few_artifacts" \
        --header-file "$work/$1.header" | figure per_s
}

bench_many() {
    local many=${HOLDFAST_BENCH_ARTIFACTS:-300000} few few_port many_port question
    artifacts_world few "$few_artifacts"
    few=$registry few_port=$registry_port
    artifacts_world many "$many"
    many_port=$registry_port
    many_side() { asked many "$many_port" "$question"; }
    few_side() { asked few "$few_port" "$question"; }
    question=""
    alternate many_side few_side
    row "known-good over HTTP, $many artifacts" "req/s" "the same with $few_artifacts artifacts" "ratio >= 0.9"
    question="?min_size={}"
    alternate many_side few_side
    row "the same, every question another" "req/s" "the same with $few_artifacts artifacts" "ratio >= 0.8"
    stop_registry
    stop_process "$few"
    rm -rf "/dev/shm/holdfast-bench-$$"
}
