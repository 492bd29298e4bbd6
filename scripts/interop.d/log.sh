# Sourced by scripts/interop: the log as others see it. Its registry stays for the judges of content.

# The log grows in steps, and the checkpoint of each is kept: older roots must stay what they were.
judge_log() {
    local count grown=0
    world fast
    for count in 1 7 247 1 60 190 500; do
        holdfast-bench fill --home "$HOLDFAST_HOME" --name "interop/tiny$((grown += 1))" --entries "$count" >/dev/null
        holdfast log checkpoint >"$work/checkpoint.$grown"
    done
    wait_for_checkpoint 1000
    "$tools/log-judge" "$url"
    python judge "$url" "$work"
    verify_statement
}

verify_statement() {
    local verify=(openssl pkeyutl -verify -pubin -inkey "$work/key.pem" -rawin -in "$work/pae.bin" -sigfile)
    "${verify[@]}" "$work/sig.bin" >/dev/null || fail "openssl refuses a statement's signature"
    cp "$work/sig.bin" "$work/damaged.bin"
    python flip "$work/damaged.bin"
    refuses "${verify[@]}" "$work/damaged.bin"
    ok "openssl pkeyutl: signature of a statement" "$(wc -c <"$work/pae.bin") bytes"
}
