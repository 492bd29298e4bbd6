# Sourced by scripts/interop: files that went in and came out, hashed by other programs.

# Digests that the artifact's signed manifest has, by path: "PATH BLAKE3 SHA256" lines.
manifest_digests() { holdfast show "$1" --format json | python digests; }

judge_files() {
    local path blake3 sha256 count=0
    mkdir -p "$work/files/deep/er"
    : >"$work/files/empty"
    printf 'x' >"$work/files/one byte"
    head -c 5000000 /dev/urandom >"$work/files/deep/random"
    cp "$target/release/holdfast" "$work/files/deep/er/program"
    holdfast push interop/files@1.0.0 "$work/files" >/dev/null
    holdfast pull interop/files@1.0.0 --to "$work/pulled" >/dev/null
    diff -r "$work/files" "$work/pulled" || fail "what was pulled is not what was pushed"
    while IFS=$'\t' read -r path blake3 sha256; do
        same b3sum "$work/pulled/$path" "$blake3"
        same sha256sum "$work/pulled/$path" "$sha256"
        count=$((count + 1))
    done < <(manifest_digests interop/files@1.0.0)
    [[ $count == 4 ]] || fail "the manifest lists $count files, 4 were pushed"
    printf 'y' >"$work/pulled/one byte"
    refuses diff -r "$work/files" "$work/pulled"
    ok "b3sum: BLAKE3 of pulled files" "$count"
    ok "sha256sum: SHA-256 of pulled files" "$count"
}

# same PROGRAM FILE DIGEST
same() {
    local found
    found=$("$1" <"$2" | cut -d' ' -f1)
    [[ $found == "$3" ]] || fail "$1 says $found of ${2##*/}, the manifest $3"
}

# Three successive published wheels of one package.
judge_wheels() {
    local version file
    for version in 3.8 3.9 3.10; do
        mkdir -p "$work/wheels/$version"
        "$tools/python/bin/pip" download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
            --dest "$work/wheels/$version" "idna==$version"
        holdfast push "wheels/idna@$version" "$work/wheels/$version" >/dev/null
    done
    for version in 3.8 3.9 3.10; do
        holdfast pull "wheels/idna@$version" --to "$work/installed/$version" >/dev/null
        for file in "$work/wheels/$version"/*.whl; do
            cmp "$file" "$work/installed/$version/${file##*/}" || fail "idna $version came back changed"
        done
    done
    "$tools/python/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-index \
        --target "$work/site" "$work"/installed/3.10/*.whl
    ok "pip: three published wheels, pulled back identical" "idna 3.8, 3.9, 3.10"
}
