# Sourced by scripts/interop: every type of statement that a live log can have, read by others' parsers.

judge_statements() {
    world statements
    say_everything
    wait_for_checkpoint "$(holdfast log checkpoint | sed -n 2p)"
    python statements "$url" "$root/schemas/vectors/statements" "$work/statements/show.json"
    stop_registry
}

# One statement of each type at least.
say_everything() {
    local id dir=$work/statements
    printf 'one\n' >"$dir/one"
    printf 'two\n' >"$dir/two"
    printf '{"passed":true}\n' >"$dir/result.json"
    {
        holdfast push shop/web@1.0.0 "$dir/one"
        holdfast push shop/web@2.0.0 "$dir/two"
        holdfast attest shop/web@1.0.0 "$dir/result.json" --type https://in-toto.io/attestation/test-result/v0.1
        holdfast tag shop/web@1.0.0 latest
        holdfast deploy shop/prod shop/web@1.0.0 started
        holdfast deploy shop/prod shop/web@1.0.0 succeeded
        holdfast pin shop/prod shop/web@1.0.0 -m "smoke passed" --metric latency=12:ms
        holdfast deploy shop/prod shop/web@2.0.0 succeeded
        holdfast deny shop/web@2.0.0 -m "wrong totals"
        id=$(holdfast -q rollback start shop/prod --to shop/web@1.0.0 -m "wrong totals")
        holdfast rollback finish "$id" --outcome succeeded
        holdfast lift shop/web@2.0.0 -m "was another"
        holdfast freeze shop/prod -m "holidays"
        holdfast thaw shop/prod -m "back"
        holdfast -q token grant ci --action read --name 'shop/*'
        holdfast token revoke "$(holdfast token list --format json | python field -1 index)" -m "lost"
        holdfast show shop/web@1.0.0 --format json >"$dir/show.json"
    } >"$dir/said.log"
}
