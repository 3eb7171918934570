#!/usr/bin/env bash
# Runs the commands that the documents show: every fenced block that begins with ```sh check in README.md and docs/*.md, from the
# project's folder, with our programs in the search path. Says which other command blocks there are and were not run. Then links,
# and the pages that must say what the code says.
#
#   scripts/check-docs.sh [--programs DIR]    DIR: where the programs are (default: target/debug, else target/release)
set -euo pipefail
cd "$(dirname "$0")/.."

programs=target/debug
[[ -x $programs/control ]] || programs=target/release
case ${1:-} in
  '') ;;
  --programs) programs=${2:?check-docs: --programs needs a folder} ;;
  --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "check-docs: unknown option $1; see --help" >&2; exit 64 ;;
esac
[[ -x $programs/control ]] || { echo "check-docs: no programs in $programs: cargo build --workspace --bins" >&2; exit 69; }
programs=$(realpath "$programs")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

# Every block as a file of its own: NUMBER, and beside it where it stands and how it is marked.
blocks() {
  awk -v out="$work" '
    FNR == 1 { inside = 0 }
    /^ *```/ && !inside { inside = 1; mark = $0; sub(/^ *```/, "", mark); line = FNR; n += 1; file = sprintf("%s/%03d", out, n); printf "" > file
                          print FILENAME ":" line "\t" mark > (file ".at"); close(file ".at"); next }
    /^ *```/ && inside { inside = 0; close(file); next }
    inside { print > file }' README.md docs/*.md
}
blocks
for at in "$work"/*.at; do
  block=${at%.at}
  IFS=$'\t' read -r where mark <"$at"
  case $mark in
    'sh check')
      if PATH=$programs:$PATH timeout 300 bash -euo pipefail "$block" >"$work/said" 2>&1 </dev/null; then
        echo "ok   $where $(grep -v '^#' "$block" | head -1)"
        passed=$((passed + 1))
      else
        echo "FAIL $where ended with $?"
        sed 's/^/       /' "$block" "$work/said"
        failed=$((failed + 1))
      fi ;;
    sh | bash | console)
      echo "not run: $where $(grep -v '^#' "$block" | head -1)"
      skipped=$((skipped + 1)) ;;
  esac
done

# A link to a file or heading that is not there.
while IFS=: read -r file link; do
  target=${link%%#*}
  [[ -z $target || -e $(dirname "$file")/$target ]] || { echo "FAIL $file links to $target, which is not there"; failed=$((failed + 1)); }
done < <(grep -oHE '\]\([^)h][^)]*\)' README.md docs/*.md | sed -E 's/:\]\(/:/; s/\)$//')

# Pages that must say what the code says.
for page in "scripts/operate/monitored.py" "scripts/configuration.py --programs $programs"; do
  # shellcheck disable=SC2086
  if python3 $page >"$work/said" 2>&1; then echo "ok   $(tail -1 "$work/said")"; passed=$((passed + 1)); else
    cat "$work/said"
    echo "FAIL $page"
    failed=$((failed + 1))
  fi
done

echo "docs: $passed passed, $failed failed, $skipped skipped"
((failed == 0))
