#!/usr/bin/env bash
# Every check of the project, in the order in which they are cheapest to fail.
#
#   scripts/test.sh          all of it: format, lints, tests on real servers, documents, Terraform, one short drill
#   scripts/test.sh --quick  without the emulator, the scripts, Terraform and the drill
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-} in
  '' | --quick) ;;
  --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "test: unknown option $1; see --help" >&2; exit 64 ;;
esac

step() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }

step "what is installed"
scripts/install.sh

step "format"
cargo fmt --all --check

step "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

step "build"
cargo build --workspace --bins --locked

step "tests"
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --workspace --locked
else
  cargo test --workspace --locked
fi

step "documentation"
RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked --quiet

step "environment, price and runbook files"
target/debug/control check --environment control/environments/local.yaml --runbooks runbooks

if [[ ${1:-} != --quick ]]; then
  step "an emulator of AWS that is not ours"
  scripts/check-emulator.sh

  step "scripts and documents"
  scripts/check-deploy.sh
  scripts/check-docs.sh

  step "terraform"
  offline=${TERRAFORM_OFFLINE:-../shared/tools/terraform-offline}/check.sh
  if ! command -v terraform >/dev/null; then
    echo "NOT CHECKED: terraform is not installed"
  elif [[ ! -x $offline ]] && ! curl -sfm 10 -o /dev/null https://registry.terraform.io/.well-known/terraform.json; then
    echo "NOT CHECKED: no provider can be had from here"
  else
    scripts/check-terraform.sh
  fi

  step "a short drill under load"
  target/debug/sandbox demo --headless --for 90s --rate 60 --surge 400
fi

step "done"
