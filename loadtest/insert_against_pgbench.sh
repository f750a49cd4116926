#!/bin/sh
# One insert per request through the host, against pgbench with the same statement
# and bound parameters: 10 connections, 50 users, in turns. Prints each ratio and
# the median. Needs a lab that is up and a machine that is quiet.
# usage: loadtest/insert_against_pgbench.sh [ROUNDS] [SECONDS]
set -eu
rounds=${1:-5}
seconds=${2:-5}
lab=$(dirname "$(readlink -f "$0")")/../scripts/lab

statement=$(mktemp)
trap 'rm -f "$statement"' EXIT
chmod 644 "$statement"
cat >"$statement" <<'SQL'
INSERT INTO jobs (type, payload, priority) VALUES (:type, :payload::jsonb, :priority)
RETURNING id, type, payload, status, priority, created_at, updated_at;
SQL

pgbench_rate() {
  "$lab" psql -- pgbench -n -M prepared -c 10 -j 2 -T "$seconds" -f "$statement" \
    -D type=send_email -D payload='{"source":"lab","size":100}' -D priority=3 2>/dev/null |
    sed -n 's/^tps = \([0-9.]*\).*/\1/p'
}
host_rate() {
  "$lab" load insert --seconds "$seconds" --warm-up 1 --json 2>/dev/null |
    sed -n 's/^ *"ok": \([0-9]*\.[0-9]*\).*/\1/p' | tail -n 1 # of "rate": the only one with a point
}

"$lab" use bounded_timeout >/dev/null
for round in $(seq "$rounds"); do
  "$lab" reset >/dev/null
  peer=$(pgbench_rate)
  "$lab" reset >/dev/null
  ours=$(host_rate)
  echo "$round $peer $ours"
done | awk '{ printf "round %d: pgbench %.0f/s, host %.0f/s, ratio %.3f\n", $1, $2, $3, $3 / $2; fflush() }' |
  tee /dev/stderr | awk '{ print $NF }' | sort -n |
  awk '{ r[NR] = $1 } END { print "median", (NR % 2) ? r[(NR + 1) / 2] : (r[NR / 2] + r[NR / 2 + 1]) / 2 }'
