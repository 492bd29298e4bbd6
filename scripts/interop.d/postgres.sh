# Sourced by scripts/interop and scripts/bench: databases that others wrote, backed up while they are written to.
#
# PostgreSQL is that of Debian, with pgbench's own load; SQLite is written to by Python. What is restored goes into a new
# database and is compared with what the old one says about the same moment.

. "$root/scripts/interop.d/debian.sh"

pg_data="" pg_server="" pg_bin="" pg_port=""
pg_password='p@ss word/1'

# as_postgres COMMAND…: PostgreSQL refuses to be root.
as_postgres() { if [[ $(id -u) == 0 ]]; then runuser -u postgres -- "$@"; else "$@"; fi; }

# pg COMMAND…: a client program of the superuser, who needs no password over the socket.
pg() { PGHOST=$pg_data PGPORT=$pg_port PGUSER=keeper "$pg_bin/$1" "${@:2}"; }

# Leaves `pg_port` and `pg_url`, which needs a password.
start_postgres() {
    need_debian postgresql
    pg_bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
    # Not below `work`, whose folders the user of PostgreSQL need not be allowed to enter.
    pg_data=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-postgres-XXXXXX")
    printf '%s' "$pg_password" >"$pg_data/password"
    [[ $(id -u) != 0 ]] || chown -R postgres "$pg_data"
    chmod 755 "$pg_data"
    pg_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    (cd "$pg_data" && as_postgres "$pg_bin/initdb" --pgdata="$pg_data/data" --username=keeper --pwfile="$pg_data/password" \
        --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C >"$work/initdb.log" 2>&1)
    (cd "$pg_data" && exec "$(command -v setpriv)" --reuid="$([[ $(id -u) == 0 ]] && id -u postgres || id -u)" --clear-groups \
        "$pg_bin/postgres" -D "$pg_data/data" -k "$pg_data" -p "$pg_port" -h 127.0.0.1 -c shared_buffers=256MB -c max_wal_size=4GB \
        >"$work/postgres.log" 2>&1) &
    pg_server=$!
    started_pids+=("$pg_server")
    for _ in {1..300}; do
        ! pg pg_isready --quiet || break
        sleep 0.1
    done
    pg_url=postgres://keeper:p%40ss%20word%2F1@127.0.0.1:$pg_port
}

stop_postgres() {
    # The smart way waits for clients; this one ends them.
    kill -INT "$pg_server"
    wait "$pg_server" || true
    rm -rf "$pg_data"
}

query() { pg psql --no-psqlrc --quiet --tuples-only --no-align --dbname="$1" --command="$2"; }

# Every row of every table in one digest a table, and how many there are.
table_digests() {
    local table
    for table in pgbench_accounts pgbench_branches pgbench_tellers pgbench_history; do
        printf '%s %s\n' "$table" "$(query "$1" "SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM $table t")"
    done
}

# The sums that each transaction of pgbench changes alike: equal only when all or nothing of each is there.
is_transactional() {
    [[ $(query "$1" "SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history) \
        AND (SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(bbalance) FROM pgbench_branches) \
        AND (SELECT sum(bbalance) FROM pgbench_branches) = (SELECT sum(delta) FROM pgbench_history)") == t ]]
}

# restored REF: leaves the only file of a snapshot in $restored.
restored() {
    rm -rf "$work/restored"
    holdfast restore "$1" --to "$work/restored" >"$work/restore.log" 2>&1 || fail_with "restore of $1" "$work/restore.log"
    restored=$(find "$work/restored" -type f)
}

judge_postgres() {
    local refs=() ref n load
    start_postgres
    world postgres
    pg createdb shop
    pg pgbench --quiet --initialize --scale=20 shop >"$work/pgbench.log" 2>&1
    pg pgbench --client=2 --time=3600 shop >"$work/load.log" 2>&1 &
    load=$!
    started_pids+=("$load")
    sleep 3
    for n in 1 2; do
        holdfast snapshot shop/db@now --postgres "$pg_url/shop" --schema-state 1 >"$work/ref" 2>"$work/snapshot.log" &
        watch_command_lines "$!"
        wait "$!" || fail_with "snapshot under load" "$work/snapshot.log"
        refs+=("$(<"$work/ref")")
        sleep 2
    done
    for ref in "${refs[@]}"; do restores_as_it_was "$ref"; done
    kill -INT "$load"
    wait "$load" || true
    ref=$(holdfast snapshot shop/db@now --postgres "$pg_url/shop" --plain 2>"$work/snapshot.log") || fail_with "plain snapshot" "$work/snapshot.log"
    restored "$ref"
    pg createdb plain
    pg psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --dbname=plain --file="$restored" >"$work/plain.log" 2>&1 || fail_with "psql of the plain dump" "$work/plain.log"
    diff <(table_digests shop) <(table_digests plain) || fail "the plain dump has other rows"
    ok "PostgreSQL: plain dump into a new database" "$(table_digests plain | awk '{ split($2, c, "|"); n += c[1] } END { print n }') rows"
    failed_dumps_publish_nothing
    stop_registry
    stop_postgres
    judge_sqlite
}

# No command line of our programs, nor of those that they run, may show the password, but for the one that we typed it into.
watch_command_lines() {
    local pid=$1 shown
    while kill -0 "$pid" 2>/dev/null; do
        shown=$(ps -e -o pid=,args= | awk -v pid="$pid" '$1 != pid' | grep -E '(pg_dump|psql).*(p%40ss|p@ss)' | grep -v grep || true)
        [[ -z $shown ]] || fail "a command line shows the password: $shown"
        sleep 0.1
    done
}

# restores_as_it_was REF: the snapshot that a dump was made at says which rows it has to hold.
restores_as_it_was() {
    local ref=$1 position rows wanted manifest
    manifest=$(holdfast show "$ref" --format json)
    ! grep -qF -e 'p%40ss' -e 'p@ss' <<<"$manifest" || fail "the manifest of $ref shows the password"
    position=$(python position "$ref" <<<"$manifest")
    restored "$ref"
    pg dropdb --if-exists again
    pg createdb again
    pg pg_restore --exit-on-error --jobs=2 --dbname=again "$restored" >"$work/pg_restore.log" 2>&1 || fail_with "pg_restore of $ref" "$work/pg_restore.log"
    is_transactional again || fail "$ref holds parts of transactions"
    rows=$(query again "SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM pgbench_history t")
    # Its rows are only ever added, so those that the snapshot saw are there still.
    wanted=$(query shop "SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM pgbench_history t \
        WHERE pg_visible_in_snapshot((t.xmin::text)::xid8, '$position')")
    [[ $rows == "$wanted" ]] || fail "$ref holds $rows of the history, its snapshot saw $wanted"
    ok "PostgreSQL: restored from a snapshot under load" "${rows%%|*} rows of history, as snapshot $position saw them"
}

failed_dumps_publish_nothing() {
    local before after
    before=$(holdfast list shop --format json | sha256sum)
    refuses holdfast snapshot shop/db@now --postgres "$pg_url/no_such_database"
    refuses holdfast snapshot shop/db@now --name x --from-command -- sh -c 'head -c 5000000 /dev/urandom; exit 1'
    refuses holdfast snapshot shop/db@now --sqlite "$work/pgbench.log"
    after=$(holdfast list shop --format json | sha256sum)
    [[ $before == "$after" ]] || fail "a dump that failed was published"
    ok "databases: a dump that fails publishes nothing" "3 ways"
}

# A writer moves amounts between rows, so their sum tells whether a copy is of one moment.
judge_sqlite() {
    local mode n writer ref file sums=""
    need_debian sqlite3
    world sqlite
    for mode in wal delete; do
        file=$work/$mode.sqlite
        : >"$work/writer.log"
        python writer "$file" "$mode" >>"$work/writer.log" 2>&1 &
        writer=$!
        started_pids+=("$writer")
        for _ in {1..300}; do
            ! grep -q '^writing' "$work/writer.log" || break
            sleep 0.1
        done
        for n in 1 2 3; do
            ref=$(holdfast snapshot "shop/$mode@now" --sqlite "$file" 2>"$work/sqlite.log") || fail_with "snapshot of SQLite in mode $mode" "$work/sqlite.log"
            restored "$ref"
            sums+="$(python writer "$restored" check) "
        done
        kill -0 "$writer" 2>/dev/null || fail_with "the writer ended" "$work/writer.log"
        kill "$writer"
        wait "$writer" || true
    done
    stop_registry
    ok "SQLite: restored from snapshots under write load" "$sums"
}
