# Sourced by whoever needs programs that others wrote.

# need_debian PACKAGE…: installs what is missing, where we may.
need_debian() {
    local package missing=()
    for package in "$@"; do
        dpkg-query --show --showformat '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    if [[ $(id -u) != 0 ]] || ! { apt-get update && apt-get install --yes --no-install-recommends "${missing[@]}"; } >&2; then
        printf 'install these Debian packages first: %s\n' "${missing[*]}" >&2
        exit 1
    fi
}
