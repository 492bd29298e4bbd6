# Sourced by scripts/interop: keys that other programs hold. The real ssh-agent and openssl sign, and the registry accepts
# what they signed like any other statement.

# Everything that is signed here is signed by the person who is logged in, whose key moves from place to place.
judge_keys() {
    local program
    for program in ssh-agent ssh-add ssh-keygen openssl; do
        command -v "$program" >/dev/null || fail "$program is not installed (Debian: openssh-client, openssl)"
    done
    world keys
    judge_agent
    judge_openssl
    stop_registry
}

# rotate_to FILE: the root key, and with it the owner's, becomes the one in FILE.
rotate_to() { holdfast policy rotate root-key "$1" --also-key "$1" --yes >/dev/null 2>&1; }

judge_agent() {
    local key=$work/agent-key
    eval "$(ssh-agent -s)" >/dev/null
    started_pids+=("$SSH_AGENT_PID")
    ssh-keygen -q -t ed25519 -N '' -C interop@agent -f "$key"
    ssh-keygen -q -t rsa -b 2048 -N '' -C interop@rsa -f "$work/rsa-key"
    ssh-add -q "$key" "$work/rsa-key"
    rotate_to "$key"
    holdfast key from ssh-agent interop@agent >/dev/null 2>&1
    holdfast freeze interop/agent -m "signed by the agent" >/dev/null
    ssh-add -q -d "$key.pub" 2>/dev/null
    refuses holdfast freeze interop/agent -m "the agent has no such key any more"
    # The file itself is OpenSSH's own format; a passphrase is for the agent to ask.
    holdfast key from "$key" >/dev/null 2>&1
    ssh-keygen -q -p -N secret -f "$key" >/dev/null
    refuses holdfast key from "$key"
    ssh-keygen -q -p -P secret -N '' -f "$key" >/dev/null
    ok "ssh-agent: $(ssh -V 2>&1 | cut -d, -f1)" "a statement, a key of another kind beside it, a key that is gone"
}

judge_openssl() {
    local key=$work/openssl.pem signer=$work/openssl-sign
    openssl genpkey -algorithm ed25519 -out "$key" 2>/dev/null
    # openssl wants a file to sign, as it must know its length.
    cat >"$signer" <<SIGNER
#!/usr/bin/env bash
set -euo pipefail
[[ \${1-} != public ]] || exec openssl pkey -in "$key" -pubout
bytes=\$(mktemp)
trap 'rm -f "\$bytes"' EXIT
cat >"\$bytes"
openssl pkeyutl -sign -rawin -inkey "$key" -in "\$bytes" | base64
SIGNER
    chmod 700 "$signer"
    rotate_to "$key"
    holdfast key from --signer "$signer" >/dev/null 2>&1
    holdfast freeze interop/openssl -m "signed by openssl" >/dev/null
    openssl genpkey -algorithm ed25519 -out "$key" 2>/dev/null
    refuses holdfast freeze interop/openssl -m "signed with another key"
    ok "openssl pkeyutl -sign -rawin: as --signer" "a statement, and not with another key"
}
