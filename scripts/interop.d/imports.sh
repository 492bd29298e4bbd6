# Sourced by scripts/interop: what tar and restic archived, imported, restored and compared with what they unpack themselves.

# A tree with what archives know: modes, times, links of both kinds, odd names, a hole, attributes where the disk takes them.
odd_tree() {
    mkdir -p "$1/sub/deep" "$1/empty"
    head -c 3000000 /dev/urandom >"$1/large"
    printf 'text' >"$1/sub/a name
with a newline"
    printf 'bytes' >"$1/sub/$(printf 'not\377utf8')"
    ln "$1/large" "$1/sub/same"
    ln -s ../large "$1/sub/deep/link"
    ln -s nowhere "$1/dangling"
    truncate -s 5000000 "$1/sparse"
    printf 'run' >"$1/run" && chmod 4755 "$1/run"
    chmod 700 "$1/sub/deep"
    touch -d '2001-02-03 04:05:06.789012345' "$1/sub/deep" "$1/run"
}

# The same in every byte, mode, owner, time and link.
described() { (cd "$1" && find . -mindepth 1 -printf '%P\t%y\t%m\t%n\t%l\t%T@\t%U:%G\n' | sed -E 's/\t([0-9]+)\.([0-9]{9})[0-9]*\t/\t\1.\2\t/' | LC_ALL=C sort); }
same_tree() {
    diff -r --no-dereference "$1" "$2" >&2 || fail "$3: other content"
    diff <(described "$1") <(described "$2") >&2 || fail "$3: other metadata"
}

judge_imports() {
    local ref refs=() n
    need_debian restic
    world imports
    odd_tree "$work/odd"
    tar --create --format=pax --file "$work/odd.tar" --directory "$work/odd" .
    ref=$(holdfast import shop/files@tar "tar:$work/odd.tar" 2>"$work/import.log") || fail_with "import of a tar" "$work/import.log"
    holdfast restore "$ref" --to "$work/from-tar" >"$work/import.log" 2>&1 || fail_with "restore of $ref" "$work/import.log"
    same_tree "$work/odd" "$work/from-tar" "tar"
    head -c 1000000 "$work/odd.tar" >"$work/cut.tar"
    refuses holdfast import shop/files@cut "tar:$work/cut.tar"
    refuses holdfast show shop/files@cut
    ok "tar: imported and restored" "$(find "$work/odd" | wc -l) entries"

    export RESTIC_PASSWORD=interop RESTIC_REPOSITORY=$work/restic
    restic init --quiet >"$work/restic.log" 2>&1
    for n in 1 2; do
        printf '%s' "$n" >"$work/odd/changed"
        (cd "$work/odd" && restic backup --quiet .) >>"$work/restic.log" 2>&1
    done
    holdfast import shop/old "restic:$work/restic" >"$work/refs" 2>"$work/import.log" || fail_with "import of restic" "$work/import.log"
    mapfile -t refs <"$work/refs"
    [[ ${#refs[@]} == 2 ]] || fail "two restic snapshots became ${#refs[@]}"
    holdfast restore "${refs[1]}" --to "$work/from-restic" >"$work/import.log" 2>&1 || fail_with "restore of ${refs[1]}" "$work/import.log"
    restic restore latest --quiet --target "$work/by-restic" >>"$work/restic.log" 2>&1
    same_tree "$work/by-restic" "$work/from-restic" "restic"
    [[ -z $(holdfast import shop/old "restic:$work/restic" 2>"$work/import.log") ]] || fail "a restic snapshot was imported twice"
    RESTIC_PASSWORD=wrong refuses holdfast import shop/other "restic:$work/restic"
    unset RESTIC_PASSWORD RESTIC_REPOSITORY
    stop_registry
    ok "restic: imported and restored as restic itself does" "${#refs[@]} snapshots"
}
