#!/usr/bin/env bash
# Runs control, unmodified, against an emulator of AWS that is not ours: moto, from PyPI.
# What it must answer, and what is known to differ there, is in scripts/emulator/expected.txt.
#
#   scripts/check-emulator.sh    needs target/debug/control, python3, and once the package registry
set -euo pipefail
cd "$(dirname "$0")/.."

moto=5.2.5
control=target/debug/control
venv=target/emulator/venv-$moto
work=$(mktemp -d)
children=()
ended() {
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap ended EXIT

fail() { echo "check-emulator: $*" >&2; exit 1; }
[[ -x $control ]] || fail "$control is missing: cargo build -p control"

if [[ ! -x $venv/bin/moto_server ]]; then
  # The server's own extra brings 300 MB that none of our services needs.
  rm -rf "$venv" && python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "moto==$moto" flask flask-cors
fi

port=$("$venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
"$venv/bin/moto_server" -H 127.0.0.1 -p "$port" >"$work/server.log" 2>&1 &
server=$!
children+=("$server")
for _ in $(seq 100); do
  if curl --silent --fail --output /dev/null "$url/moto-api/"; then break; fi
  kill -0 "$server" 2>/dev/null || fail "the emulator ended: $(tail -3 "$work/server.log")"
  sleep 0.2
done

broker=$("$venv/bin/python" scripts/emulator/environment.py "$url")
mkdir "$work/environments" "$work/prices"
cp control/prices/sa-east-1.yaml "$work/prices/"
sed -e "s|broker: arn:.*|broker: $broker|" -e 's/000000000000/123456789012/' \
  control/environments/local.yaml >"$work/environments/local.yaml"

export AWS_ENDPOINT_URL=$url AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
# Its exit code is 1 as long as some part differs; which one is what we compare.
"$control" check-aws --environment "$work/environments/local.yaml" --bill >"$work/answered" || true
cat "$work/answered"
if ! diff <(cut -c1-17 "$work/answered" | sed 's/ *$//') scripts/emulator/expected.txt; then
  fail "answers are not as expected (expected on the right)"
fi
# Tasks that the emulator does not start and brokers that it cannot show have no price, and so the
# whole has none: at least so much, and why.
"$control" cost --environment "$work/environments/local.yaml" >"$work/cost" && fail "cost: known?"
grep -q '^local: not known; at least \$1\.' "$work/cost" || fail "cost: $(cat "$work/cost")"
grep -q 'not known    broker: not seen yet' "$work/cost" || fail "cost: $(cat "$work/cost")"

hash=$(printf secret | sha256sum | cut -d' ' -f1)
echo "- { name: eye, role: viewer, sha256: $hash }" >"$work/tokens.yaml"
"$control" serve --environment "$work/environments/local.yaml" --tokens "$work/tokens.yaml" \
  --journal "$work/journal.db" --listen 127.0.0.1:0 --address-file "$work/address" \
  >"$work/control.log" 2>&1 &
daemon=$!
children+=("$daemon")
for _ in $(seq 100); do
  if [[ -s $work/address ]]; then break; fi
  kill -0 "$daemon" 2>/dev/null || fail "control ended: $(tail -3 "$work/control.log")"
  sleep 0.2
done
"$venv/bin/python" scripts/emulator/watch.py "$(cat "$work/address")"
kill -TERM "$daemon"
wait "$daemon" || fail "control did not end well: $(tail -3 "$work/control.log")"
"$control" audit verify "$work/journal.db"
echo "check-emulator: as expected of moto $moto"
