#!/usr/bin/env bash
# What this machine can do: starts a region, raises the load until it no longer keeps up, then runs half of that.
# Prints TPS at saturation, p99 at half of it, and CPU seconds per 1,000 operations by process.
#
#   scripts/baseline.sh [--tasks N] [--seconds S] [--start RATE] [--wallets W]
set -euo pipefail
cd "$(dirname "$0")/.."

tasks=2 seconds=20 rate=2000 wallets=2000
while (($#)); do
  case $1 in
    --tasks) tasks=$2; shift 2 ;;
    --seconds) seconds=$2; shift 2 ;;
    --start) rate=$2; shift 2 ;;
    --wallets) wallets=$2; shift 2 ;;
    --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "baseline: unknown option $1; see --help" >&2; exit 64 ;;
  esac
done

scripts/install.sh
cargo build --release --workspace --bins --locked --quiet
bin=target/release
dir=$(mktemp -d)
# The region ends with this script, however that ends: its standard input closes.
exec 3> >(exec "$bin/sandbox" up --dir "$dir" --tasks "$tasks" --tasks-max "$tasks" --until-stdin-closes >"$dir.log" 2>&1)
region=$!
trap 'exec 3>&-; wait "$region" 2>/dev/null || true; rm -rf "$dir" "$dir.log"' EXIT
for _ in {1..120}; do
  [[ -e $dir/sandbox.json ]] && break
  kill -0 "$region" 2>/dev/null || { cat "$dir.log" >&2; exit 1; }
  sleep 0.5
done

field() { sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\).*/\1/p" "$dir/sandbox.json" | head -1; }
database="mysql://$(field database_user)@127.0.0.1:$(field database_writer_port)/wallet"
LOADGEN_DB_PASSWORD=$(field database_password)
export LOADGEN_DB_PASSWORD

# CPU ticks used so far, a line for each kind of process: `wallet-svc 1234`.
ticks() {
  sed -n 's/^ *"role": "\([^"]*\)".*/role \1/p; s/^ *"pid": \([0-9]*\).*/pid \1/p' "$dir/sandbox.json" |
    while read -r what value; do
      if [[ $what == role ]]; then role=${value%%-[0-9]*}
      elif [[ -e /proc/$value/stat ]]; then
        sed 's/.*) //' "/proc/$value/stat" | awk -v role="$role" '{ print role, $12 + $13 }'
      fi
    done | awk '{ sum[$1] += $2 } END { for (role in sum) print role, sum[role] }' | sort
}

# Runs the mix at a rate; leaves the report in $dir/load.txt and the CPU used in $dir/cpu.txt.
load() {
  ticks >"$dir/before.txt"
  TIMEFORMAT='loadgen %U %S'
  { time "$bin/loadgen" run --url "$(field wallet_url)" --signing-key "$(field signing_key_file)" --rate "$1" \
      --seconds "$seconds" --wallets "$wallets" --audit-db "$database" --report "$dir/load.json" >"$dir/load.txt" 2>"$dir/load.err"; } 2>"$dir/own.txt" ||
    { cat "$dir/load.txt" "$dir/load.err"; echo "baseline: the run at $1/s was not clean" >&2; exit 1; }
  ticks >"$dir/after.txt"
}
number() { sed -n "s/^ *\"$1\": \([0-9.]*\).*/\1/p" "$dir/load.json" | head -1; }
line() { echo "  $1/s asked: $(number tps | cut -c1-7) TPS answered, p50 $(number p50_ms) p95 $(number p95_ms) p99 $(number p99_ms) ms, $(number unavailable) unavailable, $(number unsent) not sent"; }

echo "baseline: $(nproc) cores, $tasks tasks, ${seconds} s a step, commits durable"
saturation=0
for _ in {1..12}; do
  load "$rate"
  line "$rate"
  tps=$(number tps | cut -d. -f1)
  ((tps > saturation)) && saturation=$tps
  # It keeps up while nearly all that is asked is answered.
  ((tps * 100 < rate * 95)) && break
  rate=$((rate * 3 / 2))
done

half=$((saturation / 2))
echo "saturation: $saturation TPS; now half of it"
load "$half"
line "$half"
echo "CPU seconds per 1,000 operations at $half/s, by process:"
operations=$(($(number succeeded) + $(number declined)))
{ join "$dir/before.txt" "$dir/after.txt" | awk -v hz="$(getconf CLK_TCK)" '{ print $1, ($3 - $2) / hz }'
  awk '{ print $1, $2 + $3 }' "$dir/own.txt"; } |
  awk -v n="$operations" '{ printf "  %-14s %.3f\n", $1, $2 * 1000 / n; sum += $2 } END { printf "  %-14s %.3f\n", "all", sum * 1000 / n }'
