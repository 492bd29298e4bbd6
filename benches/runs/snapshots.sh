# Sourced by scripts/bench: snapshots of a tree and of dumps, beside backup tools that others wrote.
#
# HOLDFAST_BENCH_TREE     another tree than the Rust toolchain; - leaves trees out
# HOLDFAST_BENCH_PEERS    which peers: "restic borg" and, where it is built, rustic
# HOLDFAST_BENCH_RUSTIC   1 builds rustic first, which takes long
# HOLDFAST_BENCH_DUMPS    how many database dumps: 10; 0 leaves them out
# HOLDFAST_BENCH_SCALE    pgbench's scale: 20
# HOLDFAST_BENCH_MILLION  1 also stores a million files of 1 KB; it needs 6 GB of disk
#
# Settings: restic 0.14 as it comes (repository version 2, compression auto; it always encrypts), borg with zstd,1 and without
# encryption, rustic as it comes. All repositories and the registry's store lie on one file system; a side's time ends with
# `sync -f` of it, and its caches are its own and begin empty with each repository. What a pair wrote stays until the end,
# 8 GB each: for minutes after many files went, ext4 is slow to make new ones, and whoever is next would pay for it.

. "$root/scripts/interop.d/postgres.sh"

large_file="" stage=""

need_backup_tools() {
    peers=(${HOLDFAST_BENCH_PEERS:-restic borg})
    export PATH=$target/tools/bin:$PATH
    need_debian restic borgbackup
    if [[ ${HOLDFAST_BENCH_RUSTIC:-0} == 1 ]] && ! command -v rustic >/dev/null; then
        nice cargo install --locked --quiet --root "$target/tools" rustic-rs
    fi
    if [[ -z ${HOLDFAST_BENCH_PEERS:-} ]] && command -v rustic >/dev/null; then peers+=(rustic); fi
    export RESTIC_PASSWORD=bench RUSTIC_PASSWORD=bench RUSTIC_NO_PROGRESS=true
    export BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes BORG_RELOCATED_REPO_ACCESS_IS_OK=yes
}

# The tree is copied once, so that nobody changes it but us; leaves `tree` and `large_file`.
need_tree() {
    tree=${HOLDFAST_BENCH_TREE:-}
    if [[ -z $tree ]]; then
        tree=$target/bench/tree
        if [[ ! -d $tree ]]; then
            mkdir -p "$target/bench"
            cp -a "$(rustc --print sysroot)" "$tree.new"
            mv "$tree.new" "$tree"
        fi
    fi
    large_file=$(find "$tree" -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-)
    # Read once, so that no side pays for the disk; and old enough for every side to trust its times.
    tar -cf - -C "$tree" . | cat >/dev/null
    sync -f "$tree"
    sleep 2
}

# watched COMMAND…: adds a line to what is known of this side and stage.
watched_run() {
    local side=$1
    shift
    sync -f "$work"
    python3 "$root/benches/runs/watched.py" "$work" "$([[ $side == ours ]] && printf '%s' "$registry" || printf -- -)" "$@" \
        >>"$work/$side.$stage" 2>>"$work/$side.log" || {
        tail -n 20 "$work/$side.log" >&2
        exit 1
    }
    printf '  %s: %s: %s (s, cpu s, MB, server MB)\n' "$stage" "$side" "$(tail -n 1 "$work/$side.$stage")" >&2
}

# What a repository takes, in bytes: all its files, whatever they are for.
stored_bytes() { find "$@" -type f -printf '%s\n' | awk '{ n += $1 } END { printf "%.0f", n }'; }

# Each side: SIDE_new makes a repository in $repo, SIDE_backup N and SIDE_restore N are commands, SIDE_stored says its bytes.
ours_new() { new_world "$repo"; }
ours_backup() { watched_run ours holdfast snapshot "bench/tree@$1" "$tree"; }
ours_restore() { watched_run ours holdfast restore "bench/tree@$1" --to "$out"; }
# The reserve for a full disk is no part of what is stored; the index can be made anew, as the caches of the others can.
ours_stored() { stored_bytes "$repo/objects" ! -name .reserve; }
ours_end() { stop_registry; }

restic_new() { restic init --quiet --repo "$repo" >&2; }
restic_backup() { (cd "$tree" && watched_run restic restic backup --quiet --repo "$repo" --cache-dir "$repo.cache" --tag "t$1" .); }
restic_restore() { watched_run restic restic restore --quiet --repo "$repo" --cache-dir "$repo.cache" latest --target "$out"; }
restic_stored() { stored_bytes "$repo"; }
restic_end() { :; }

borg_new() {
    export BORG_BASE_DIR=$repo.cache
    borg init --encryption none "$repo" >&2
}
borg_backup() { (cd "$tree" && watched_run borg borg create --compression zstd,1 "$repo::t$1" .); }
borg_restore() { (mkdir "$out" && cd "$out" && watched_run borg borg extract "$repo::t$1"); }
borg_stored() { stored_bytes "$repo"; }
borg_end() { :; }

rustic_new() { rustic --repository "$repo" --cache-dir "$repo.cache" init >"$work/rustic.log" 2>&1; }
rustic_backup() { (cd "$tree" && watched_run rustic rustic --repository "$repo" --cache-dir "$repo.cache" backup .); }
rustic_restore() { watched_run rustic rustic --repository "$repo" --cache-dir "$repo.cache" restore latest "$out"; }
rustic_stored() { stored_bytes "$repo"; }
rustic_end() { :; }

# A few bytes in the middle of the largest file, other ones each time.
change_large_file() {
    head -c 16 /dev/urandom | dd of="$large_file" bs=1 seek="$(($(stat -c %s "$large_file") / 2))" conv=notrunc status=none
}

# round SIDE PAIR: one repository from its making to a restore of all.
round() {
    local side=$1 repo=$work/repo/$1-$2 out=$work/out/$1-$2
    mkdir -p "$work/repo" "$work/out"
    "${side}_new"
    stage=first && "${side}_backup" 1
    "${side}_stored" >>"$work/$side.stored" && printf '\n' >>"$work/$side.stored"
    stage=same && "${side}_backup" 2
    change_large_file
    # A change within two seconds of another is one that times cannot show; no side is to be tested on that.
    sleep 2
    stage=changed && "${side}_backup" 3
    stage=restore && "${side}_restore" 3
    [[ $2 != 1 ]] || diff -r --no-dereference "$tree" "$out" >&2 || {
        printf '%s restores something else\n' "$side" >&2
        exit 1
    }
    "${side}_end"
}

copy_round() {
    local out=$work/out/copy-$1
    stage=restore && watched_run copy cp -a "$tree" "$out"
}

# column SIDE STAGE NUMBER: what was measured, a line each.
column() { awk -v n="$3" '{ print $n }' "$work/$1.$2"; }

# best STAGE COLUMN SIDE…: the side with the smallest median.
best() {
    local of=$1 number=$2 side
    for side in "${@:3}"; do printf '%s %s\n' "$(median $(column "$side" "$of" "$number"))" "$side"; done | sort -g | head -n 1 | cut -d ' ' -f 2
}

# compare WORK STAGE COLUMN UNIT TARGET SIDE…: our median beside the best of these sides.
compare() {
    local side
    side=$(best "$2" "$3" "${@:6}")
    mapfile -t ours < <(column ours "$2" "$3")
    mapfile -t peer < <(column "$side" "$2" "$3")
    row "$1" "$4" "$side, the best of: ${*:6}" "$5"
}

# Both processes at their peaks, which need not come together: so this is an upper bound.
memory() {
    mapfile -t ours < <(cat "${@/#/$work/ours.}" | awk '{ print $3 + $4 }' | sort -g | tail -n 1)
    peer=("$(cat "${@/#/$work/restic.}" 2>/dev/null | awk '{ print $3 }' | sort -g | tail -n 1)")
    [[ -n ${peer[0]} ]] || peer=(400)
}

bench_snapshots() {
    local peers
    need_backup_tools
    mkdir -p "$work/out"
    [[ ${HOLDFAST_BENCH_TREE:-} == - ]] || tree_rows
    [[ ${HOLDFAST_BENCH_DUMPS:-10} == 0 ]] || dumps_rows "${HOLDFAST_BENCH_DUMPS:-10}"
    [[ ${HOLDFAST_BENCH_MILLION:-0} != 1 ]] || million_rows
}

tree_rows() {
    local pair side tree repo out
    need_tree
    for ((pair = 1; pair <= pairs; pair++)); do
        printf ' pair %d of %d\n' "$pair" "$pairs" >&2
        for side in ours "${peers[@]}"; do round "$side" "$pair"; done
        copy_round "$pair"
    done
    compare "first snapshot of a tree" first 1 s "ratio <= 0.40" "${peers[@]}"
    compare "no change" same 1 s "ratio <= 0.40" "${peers[@]}"
    compare "a few bytes in its largest file" changed 1 s "ratio <= 0.45" "${peers[@]}"
    compare "restore of all, beside a copy" restore 1 s "ratio <= 1.3" copy
    compare "restore of all, beside peers" restore 1 s "ratio <= 1" "${peers[@]}"
    compare "stored bytes of the first" stored 1 B "ratio <= 0.85" "${peers[@]}"
    compare "processor time of the first" first 2 s "ratio <= 1" "${peers[@]}"
    memory first same changed
    row "peak memory of snapshots, client + registry" MB "restic's own" "ours <= 400"
    memory restore
    row "peak memory of a restore, client + registry" MB "restic's own" "ours <= 400"
}

# Plain dumps of a database that is worked on in between, each stored as a stream.
dumps_rows() {
    local n side dumps=$work/dumps repo
    mkdir -p "$dumps"
    start_postgres
    pg createdb shop
    pg pgbench --quiet --initialize --scale="${HOLDFAST_BENCH_SCALE:-20}" shop 2>/dev/null
    for ((n = 1; n <= $1; n++)); do
        pg pgbench --client=2 --time=5 shop >/dev/null 2>&1
        pg pg_dump --format=plain shop >"$dumps/$n.sql"
    done
    stop_postgres
    for side in ours "${peers[@]}"; do
        repo=$work/repo/$side-dumps
        "${side}_new"
        stage=dumps
        for ((n = 1; n <= $1; n++)); do "${side}_dump" "$n"; done
        "${side}_stored" >"$work/$side.dumps-stored"
        "${side}_end"
        rm -rf "$repo" "$repo.cache"
    done
    rm -rf "$dumps"
    compare "$1 dumps of pgbench, stored bytes" dumps-stored 1 B "ratio <= 1.0" "${peers[@]}"
    compare "storing one of them" dumps 1 s "ratio <= 1" "${peers[@]}"
}
ours_dump() { watched_run ours sh -c "holdfast snapshot shop/db@$1 - --name shop.sql <'$dumps/$1.sql'"; }
restic_dump() { watched_run restic sh -c "restic backup --quiet --repo '$repo' --cache-dir '$repo.cache' --stdin --stdin-filename shop.sql <'$dumps/$1.sql'"; }
borg_dump() { watched_run borg sh -c "borg create --compression zstd,1 '$repo::d$1' - <'$dumps/$1.sql'"; }
# Without --force it takes a second stream of the same name for the first one, unread.
rustic_dump() { watched_run rustic sh -c "rustic --repository '$repo' --cache-dir '$repo.cache' backup --force --stdin-filename shop.sql - <'$dumps/$1.sql'"; }

# Ten times as many files must not take more than ten times as long, but for a little.
million_rows() {
    local count tree repo peak
    for count in 100000 1000000; do
        tree=$work/files-$count repo=$work/repo/ours-$count
        python3 "$root/benches/runs/small_files.py" "$tree" "$count"
        sync -f "$work"
        sleep 2
        ours_new
        stage=first-$count && ours_backup 1
        stage=same-$count && ours_backup 2
        stage=restore-$count && out=$work/out/$count && ours_restore 2
        diff -r --no-dereference "$tree" "$work/out/$count" >&2
        ours_end
        rm -rf "$tree" "$repo" "$work/out/$count"
    done
    for stage in first same restore; do
        ours=("$(column ours "$stage-1000000" 1 | awk '{ print $1 / 10 }')")
        peer=("$(column ours "$stage-100000" 1)")
        row "$stage: a tenth of 1,000,000 files of 1 KB" s "100,000 such files" "ratio <= 1.3"
    done
    memory first-1000000 same-1000000 restore-1000000
    row "peak memory, 1,000,000 files" MB "the bound" "ours <= 400"
}
