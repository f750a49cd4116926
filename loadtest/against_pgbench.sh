#!/bin/sh
# The host against pgbench with the same statements and bound parameters: 10 connections,
# 50 users, in turns. Prints each ratio and the median. Needs a lab that is up and a
# machine that is quiet.
#   insert  one job a request
#   mix     every second request updates 1,000 rows, which are its connection's own
# usage: loadtest/against_pgbench.sh [insert|mix] [ROUNDS] [SECONDS]
set -eu
profile=${1:-insert}
rounds=${2:-8}
seconds=${3:-5}
lab=$(dirname "$(readlink -f "$0")")/../scripts/lab

script=$(mktemp)
trap 'rm -f "$script"' EXIT
chmod 644 "$script"
cat >"$script" <<'SQL'
INSERT INTO jobs (type, payload, priority) VALUES (:type, :payload::jsonb, :priority)
RETURNING id, type, payload, status, priority, created_at, updated_at;
SQL
requests=1 # in one transaction of the script
if [ "$profile" = mix ]; then
  requests=2
  cat >>"$script" <<'SQL'
\set low :client_id * 1000
\set high :low + 1000
UPDATE jobs SET updated_at = now() WHERE id > :low AND id <= :high;
SQL
fi

pgbench_rate() {
  "$lab" psql -- pgbench -n -M prepared -c 10 -j 2 -T "$seconds" -f "$script" \
    -D type=send_email -D payload='{"source":"lab","size":100}' -D priority=3 2>/dev/null |
    sed -n 's/^tps = \([0-9.]*\).*/\1/p' | awk -v n="$requests" '{ print $1 * n }'
}
host_rate() {
  "$lab" load "$profile" --seconds "$seconds" --warm-up 1 --json 2>/dev/null |
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
  tee -a /dev/stderr | awk '{ print $NF }' | sort -n |
  awk '{ r[NR] = $1 } END { print "median", (NR % 2) ? r[(NR + 1) / 2] : (r[NR / 2] + r[NR / 2 + 1]) / 2 }'
