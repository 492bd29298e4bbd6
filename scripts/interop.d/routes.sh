# Sourced by scripts/interop: schemathesis asks every route what nobody should ask, as the served OpenAPI describes them.

judge_routes() {
    local dir=$work/routes
    world routes
    printf 'a file\n' >"$dir/file"
    holdfast push shop/web@1.0.0 "$dir/file" >/dev/null
    holdfast pin shop/prod shop/web@1.0.0 -m "smoke passed" >/dev/null
    python fetch "$url" /v1/openapi.json >"$dir/openapi.json"
    attack "$dir/openapi.json" --report json --report-json-path "$dir/report.json" || fail_with "schemathesis" "$dir/attack.log"
    holdfast known-good shop/prod >/dev/null
    holdfast audit >/dev/null
    # A description that is wrong must not go unnoticed.
    sed 's|"text/plain; charset=utf-8"|"text/csv"|' "$dir/openapi.json" >"$dir/damaged.json"
    refuses attack "$dir/damaged.json" --include-path /healthz
    ok "schemathesis: every route of the served OpenAPI" "$(python attacked "$dir/report.json")"
    stop_registry
}

# attack DESCRIPTION FLAG…: at most two minutes, from the same seed each time. (Its workers race in Python's parser, so one.)
attack() {
    (cd "$work/routes" && "$tools/python/bin/schemathesis" --config-file "$judges/schemathesis.toml" run "$1" --url "$url" \
        --header "Authorization: Bearer $INTEROP_TOKEN" \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
        --phases examples,coverage,fuzzing --max-examples 100 --seed 20 --max-time 120 --workers 1 \
        --request-timeout 10 --suppress-health-check all --generation-database none --no-color "${@:2}") \
        >"$work/routes/attack.log" 2>&1
}
