# Sourced by scripts/interop: the judges themselves, installed once below target/interop/tools.

# Written last, so that an installation that was cut off is made again.
is_current() { [[ -f $1 && ! $1 -ot $2 ]]; }

install_tools() {
    mkdir -p "$tools/bin"
    export PATH=$tools/bin:$PATH
    install_python
    install_go
    command -v b3sum >/dev/null || cargo install --quiet --locked --root "$tools" b3sum
}

install_python() {
    local wanted=$judges/python/requirements.txt
    is_current "$tools/python/installed" "$wanted" && return
    python3 -m venv --clear "$tools/python"
    "$tools/python/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
    touch "$tools/python/installed"
}

install_go() {
    (cd "$judges/go" && go build -mod=readonly -o "$tools/log-judge" .)
    [[ $extent == fast ]] || (cd "$judges/witness" && go build -mod=readonly -o "$tools/witness" .)
}
