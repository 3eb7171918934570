#!/usr/bin/env bash
# The whole product on this machine: wallet service, control daemon and dashboard on a one-machine region.
#
#   scripts/demo.sh                        opens the dashboard in this terminal; q or Ctrl-C ends everything
#   scripts/demo.sh --headless --for 120s  the same without a terminal: a scale-out and a database failover
#                                          drill under load, a summary, exit 1 if any invariant broke
#   scripts/demo.sh --help                 every option
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install.sh
echo "demo: building (the first time takes some minutes)"
cargo build --release --workspace --bins --quiet
exec target/release/sandbox demo "$@"
