# Sourced by scripts/bench: content in and out, and what others notice meanwhile.

# A gigabyte that neither compresses nor repeats.
gigabyte() {
    [[ -f $work/gigabyte.bin ]] || head -c 1000000000 /dev/urandom >"$work/gigabyte.bin"
    cat "$work/gigabyte.bin" >/dev/null
}

need_b3sum() {
    export PATH=$target/tools/bin:$PATH
    command -v b3sum >/dev/null || cargo install --locked --quiet --root "$target/tools" b3sum
}

copy_and_hash() { b3sum "$work/gigabyte.bin" && cp "$work/gigabyte.bin" "$work/copy.bin" && sync -f "$work/copy.bin"; }

bench_push() {
    need_b3sum
    gigabyte
    new_world "$work/world/push"
    # Each push goes to a namespace of its own: nothing is known there before.
    push_once() { holdfast push "pair$1/file@1.0.0" "$work/gigabyte.bin" && sync -f "$work"; }
    push() {
        seconds push_once "$1"
        rm -rf "$work/world/push/objects/chunks/pair$1"
    }
    copy() {
        seconds copy_and_hash
        rm -f "$work/copy.bin"
    }
    alternate push copy
    row "push of 1 GB that does not compress, durable" "s" "b3sum FILE && cp FILE X && sync -f X" "ratio <= 1.5"
    stop_registry
    rm -rf "$work/world/push"
    bench_neighbours
}

# Eight pushes at once: what the registry needs, and how long somebody else's deny takes.
bench_neighbours() {
    local n pids=() pid
    new_world "$work/world/many"
    holdfast-bench deny --home "$HOLDFAST_HOME" --name shop/web --until "$work/many.done" >"$work/alone.txt" &
    pid=$!
    sleep 10
    touch "$work/many.done"
    wait "$pid"
    rm "$work/many.done"
    holdfast-bench deny --home "$HOLDFAST_HOME" --name shop/api --until "$work/many.done" >"$work/denies.txt" &
    pid=$!
    for n in {1..8}; do
        holdfast push "many$n/file@1.0.0" "$work/gigabyte.bin" >/dev/null 2>"$work/push$n.log" &
        pids+=($!)
    done
    for n in "${pids[@]}"; do wait "$n"; done
    touch "$work/many.done"
    wait "$pid"
    ours=("$(figure p99_ms <"$work/denies.txt")")
    peer=("$(figure p99_ms <"$work/alone.txt")")
    row "deny p99 while 8 pushes of 1 GB run" "ms" "the same with nobody else" "ours <= 250"
    ours=("$(awk '$1 == "VmHWM:" { printf "%.1f", $2 / 1024 }' "/proc/$registry/status")")
    stop_registry
    new_world "$work/world/idle"
    peer=("$(awk '$1 == "VmHWM:" { printf "%.1f", $2 / 1024 }' "/proc/$registry/status")")
    row "registry memory with 8 pushes of 1 GB" "MB" "a registry that was just started" "ours <= 200"
    stop_registry
}

bench_pull() {
    need_b3sum
    gigabyte
    new_world "$work/world/pull"
    holdfast push shop/file@1.0.0 "$work/gigabyte.bin" >/dev/null
    sync -f "$work"
    pull_once() { holdfast pull shop/file@1.0.0 --to "$work/world/out" && sync -f "$work"; }
    pull() {
        seconds pull_once
        cmp "$work/world/out/gigabyte.bin" "$work/gigabyte.bin" >&2
        rm -rf "$work/world/out"
    }
    copy_then_hash() { cp "$work/gigabyte.bin" "$work/copy.bin" && b3sum "$work/copy.bin" && sync -f "$work"; }
    copy() {
        seconds copy_then_hash
        rm -f "$work/copy.bin"
    }
    alternate pull copy
    row "pull of 1 GB, BLAKE3 checked" "s" "cp FILE X && b3sum X && sync -f X" "ratio <= 2"
    stop_registry
}
