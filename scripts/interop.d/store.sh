# Sourced by scripts/interop: the same registry on somebody else's object store, an S3 bucket of moto's server.

judge_bucket() {
    local moto port
    stop_registry
    # It is read before the server has begun to write.
    : >"$work/moto.txt"
    "$tools/python/bin/python" "$judges/python/bucket.py" >>"$work/moto.txt" 2>"$work/moto.log" &
    moto=$!
    started_pids+=("$moto")
    for _ in {1..200}; do
        port=$(sed -n 's/^port //p' "$work/moto.txt")
        [[ -z $port ]] || break
        kill -0 "$moto" 2>/dev/null || fail "moto's server did not start: $(tail -n 3 "$work/moto.log")"
        sleep 0.1
    done
    export AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_ALLOW_HTTP=true AWS_REGION=us-east-1
    export AWS_ACCESS_KEY_ID=interop AWS_SECRET_ACCESS_KEY=interop
    five_lines
    conformance
    end_to_end
}

five_lines() {
    # Nodes that share a bucket share keys, so those are made first: by a start on a store of its own.
    start_registry "$work/keys-only"
    stop_registry
    new_world "$work/bucket" --store s3://interop/five-lines --keys "$work/keys-only/keys"
    holdfast push shop/web@1.4.2 "$work/files" >/dev/null
    holdfast pin shop/prod shop/web@1.4.2 -m "smoke passed" >/dev/null
    holdfast known-good shop/prod >/dev/null
    holdfast pull shop/web@1.4.2 --to "$work/from-bucket" >/dev/null
    diff -r "$work/files" "$work/from-bucket" || fail "what was pulled from the bucket is not what was pushed"
    stop_registry
    ok "moto: the five lines on s3://" "$(wc -l <"$work/moto.log") requests"
}

conformance() {
    (cd "$root" && HOLDFAST_TEST_S3=s3://interop cargo test --locked --quiet -p holdfast-registry --lib objects::conformance) \
        >"$work/conformance.log" 2>&1 || fail_with "the store's conformance suite" "$work/conformance.log"
    ok "moto: conformance suite of the store" "$(passed "$work/conformance.log") tests"
}

end_to_end() {
    (cd "$root" && HOLDFAST_TEST_STORE=s3://interop/e2e cargo test --locked --quiet -p holdfast-tests --test e2e) \
        >"$work/e2e.log" 2>&1 || fail_with "the end-to-end suite on a bucket" "$work/e2e.log"
    ok "moto: end-to-end suite on s3://" "$(passed "$work/e2e.log") tests"
}

passed() { sed -n 's/^test result: ok\. \([0-9]*\) passed.*/\1/p' "$1" | awk '{ n += $1 } END { print n }'; }
