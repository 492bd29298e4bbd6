# Sourced by scripts/interop: Ed25519 by published test vectors (T21).

judge_signatures() {
    python vectors "$tools/vectors/wycheproof.json" "$tools/vectors/cctv.json" holdfast-bench signatures
}
