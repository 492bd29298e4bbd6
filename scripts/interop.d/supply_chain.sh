# Sourced by scripts/interop: how our own binaries were built and what is in them, said in documents of other tools' making,
# attested, wanted by policy for a pin, and the same when they come back.

documents=(provenance spdx cyclonedx)

judge_supply_chain() {
    local dir=$work/supply document
    world supply
    mkdir -p "$dir/dist" "$dir/other"
    cp "$target/release/holdfast" "$target/release/holdfast-registry" "$dir/dist/"
    printf 'something else\n' >"$dir/other/program"
    holdfast -q key generate --out "$dir/builder.pem" >/dev/null
    holdfast policy show --format json | python evidence_policy "$dir/builder.pem" >"$dir/policy.json"
    holdfast policy edit --file "$dir/policy.json" >/dev/null
    holdfast push shop/holdfast@1.0.0 "$dir/dist" >/dev/null
    holdfast push shop/holdfast@2.0.0 "$dir/other" >/dev/null
    write_documents "$dir"
    for document in "${documents[@]}"; do
        python enveloped "$dir/builder.pem" "$dir/$document.json" "$dir"/dist/* >"$dir/$document.intoto.json"
    done
    pin_needs_documents "$dir"
    documents_come_back "$dir"
    stop_registry
}

# SPDX has no word for where cargo-sbom says that crates come from, so that becomes "nothing is asserted".
write_documents() {
    (cd "$root" && cargo sbom --cargo-package holdfast-cli --output-format spdx_json_2_3) |
        sed 's|"registry+[^"]*"|"NOASSERTION"|' >"$1/spdx.json"
    (cd "$root" && cargo sbom --cargo-package holdfast-cli --output-format cyclone_dx_json_1_6) >"$1/cyclonedx.json"
    python provenance "$root" "$build_began" "$build_ended" "${build_command[@]}" >"$1/provenance.json"
}

as_builder() { HOLDFAST_KEY=$work/supply/builder.pem holdfast "$@"; }
# attested WHO REF ENVELOPE: prints the evidence that a pin cites.
attested() {
    local entry
    entry=$("$1" attest "$2" "$3" --format json | python field index) && printf 'attest:%s' "$entry"
}

pin_needs_documents() {
    local pin=(holdfast pin shop/prod shop/holdfast@1.0.0 -m "built here") provenance spdx cyclonedx other
    exits 6 "${pin[@]}"
    # The bill of materials of one artifact is none of another.
    exits 4 as_builder attest shop/holdfast@2.0.0 "$1/spdx.intoto.json"
    provenance=$(attested as_builder shop/holdfast@1.0.0 "$1/provenance.intoto.json")
    cyclonedx=$(attested as_builder shop/holdfast@1.0.0 "$1/cyclonedx.intoto.json")
    python enveloped "$1/builder.pem" "$1/spdx.json" "$1/other/program" >"$1/other.intoto.json"
    other=$(attested as_builder shop/holdfast@2.0.0 "$1/other.intoto.json")
    exits 6 "${pin[@]}" --evidence "$provenance" --evidence "$cyclonedx" --evidence "$other"
    # Nor is one that the builder did not attest.
    other=$(attested holdfast shop/holdfast@1.0.0 "$1/spdx.intoto.json")
    exits 6 "${pin[@]}" --evidence "$provenance" --evidence "$cyclonedx" --evidence "$other"
    spdx=$(attested as_builder shop/holdfast@1.0.0 "$1/spdx.intoto.json")
    "${pin[@]}" --evidence "$provenance" --evidence "$spdx" --evidence "$cyclonedx" >/dev/null
    holdfast known-good shop/prod >/dev/null
    holdfast verify shop/holdfast@1.0.0 >/dev/null
    holdfast audit >/dev/null
}

# What `holdfast show` lists is fetched and judged by whoever made the formats.
documents_come_back() {
    local sha256 document count=0
    mkdir -p "$1/back"
    holdfast show shop/holdfast@1.0.0 --format json >"$1/show.json"
    for sha256 in $(python attested_envelopes "$1/show.json"); do
        python fetch "$url" "/v1/log/attachments/$sha256" >"$1/back/$sha256"
        for document in "${documents[@]}"; do
            ! cmp -s "$1/back/$sha256" "$1/$document.intoto.json" || count=$((count + 1))
        done
    done
    [[ $count -ge 3 ]] || fail "$count of the 3 documents came back as they were"
    python supply_chain "$1/builder.pem" "$1/show.json" "$1"/back/*
}
