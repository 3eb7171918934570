#!/usr/bin/env bash
# Checks terraform/ as far as it goes without an account: format, every module's tests, a plan and a throw-away apply of both
# environments, and then what a validator cannot see: secrets, pages, metrics, backups, rights, parity, sizes and cost.
#
#   scripts/check-terraform.sh           all of it
#   scripts/check-terraform.sh --plans DIR   only the checks over the plans that an earlier run left in DIR
#
# Needs terraform 1.11 or later and python3 with venv. Where no provider can be downloaded, the stand-in of TERRAFORM_OFFLINE (default:
# ../shared/tools/terraform-offline) serves its schema; without it the real provider is used, and what needs a plan is left out, which
# it says. Writes nothing into the tree. Exits with 1 if anything was found, 69 if a tool is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

plans=
case ${1:-} in
  '') ;;
  --plans) plans=$(realpath "${2:?check-terraform: --plans needs a folder}") ;;
  --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "check-terraform: unknown option $1; see --help" >&2; exit 64 ;;
esac

tools=${XDG_CACHE_HOME:-$HOME/.cache}/wallet-terraform-checks
offline=${TERRAFORM_OFFLINE:-../shared/tools/terraform-offline}/check.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
step() { printf '\n== terraform: %s (%ss)\n' "$1" "$SECONDS"; }

need_terraform() {
  local version
  if ! command -v terraform >/dev/null; then
    echo "check-terraform: terraform is missing. Install 1.11 or later from https://developer.hashicorp.com/terraform/install;" >&2
    echo "check-terraform: no package registry that we know carries a release that is new enough." >&2
    exit 69
  fi
  version=$(terraform version -json 2>/dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin)["terraform_version"])')
  if [[ $(printf '%s\n1.11.0\n' "$version" | sort -V | head -1) != 1.11.0 ]]; then
    echo "check-terraform: terraform $version is too old: write-only arguments need 1.11" >&2
    exit 69
  fi
  echo "terraform $version"
}

# A virtual environment apart from the system and from the tree: prepare NAME PROOF PACKAGE...
prepare() {
  local folder=$tools/$1 proof=$2
  shift 2
  if [[ ! -x $folder/bin/$proof && ! -d $(echo "$folder"/lib/python3*/site-packages/"$proof") ]]; then
    echo "installs $* in $folder"
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check "$@"
  fi
}

all_modules() {
  local tests
  for tests in terraform/modules/*/tests; do
    basename "$(dirname "$tests")"
  done
}

# What the offline check must refuse, and for this reason, or it proves nothing: refuses WHAT REASON <HCL
refuses() {
  local what=$1 reason=$2 tree=$work/broken
  rm -rf "$tree"
  mkdir -p "$tree/environments/test"
  cat >"$tree/environments/test/main.tf"
  if "$offline" "$tree" --env environments/test --out "$work/broken-plans" >"$work/broken.txt" 2>&1; then
    echo "FAIL a tree with $what passes"
    return 1
  elif ! grep -q "$reason" "$work/broken.txt"; then
    cat "$work/broken.txt"
    echo "FAIL a tree with $what is refused, but not because of that"
    return 1
  fi
  echo "ok   a tree with $what is refused: $reason"
}

# One module by itself. Called where errexit is off, so each step says what its failure means.
test_module() {
  cd "$1" && terraform init -backend=false >/dev/null || return 1
  # A module that is given a second provider cannot be validated alone; its tests give it one.
  grep -q configuration_aliases versions.tf || terraform validate -no-color || return 1
  # The values were judged by validate; asking the stand-in's oracle again in each run doubles the time.
  FAKE_AWS_ORACLE='' terraform test -no-color
}

# Every module, in a copy of the tree: sound, and its tests pass.
check_modules() {
  local module passed=0 failed=0
  cp -r terraform "$work/tree"
  for module in $(all_modules); do
    if (test_module "$work/tree/modules/$module") >"$work/module.txt" 2>&1; then
      echo "ok   module $module: $(grep '^Success! [0-9]' "$work/module.txt" || echo 'no tests')"
      ((passed += 1))
    else
      cat "$work/module.txt"
      echo "FAIL module $module"
      ((failed += 1))
    fi
  done
  echo "modules: $passed passed, $failed failed"
  ((failed == 0))
}

# The stand-in's oracle outlives whoever started it unless the kernel is told otherwise; a run would leave hundreds of them.
bind_oracle() {
  local oracle=${TERRAFORM_OFFLINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/terraform-offline}/oracle/terraform-provider-aws_v3.39.0_x5
  printf '#!/bin/sh\nexec setpriv --pdeathsig KILL "%s" "$@"\n' "$oracle" >"$work/oracle"
  chmod +x "$work/oracle"
  export FAKE_AWS_ORACLE=$work/oracle
}

plan_offline() {
  bind_oracle
  "$offline" terraform --env environments/staging --env environments/production --out "$plans"

  step "configurations that cannot be planned"
  refuses "a call to a module that is not there" "Unreadable module directory" <<'HCL'
module "cache" {
  source = "../../modules/cache"
}
HCL
  refuses "a loop over what is not known yet" "Invalid for_each argument" <<'HCL'
resource "aws_sns_topic" "one" {
  name = "one"
}

resource "aws_sns_topic" "many" {
  for_each = toset([aws_sns_topic.one.arn])
  name     = "many"
}
HCL

  export TF_CLI_CONFIG_FILE=${TERRAFORM_OFFLINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/terraform-offline}/rc
  step "modules"
  check_modules
  step "autoscaling is left alone"
  FAKE_AWS_ORACLE='' PYTHONPATH=terraform python3 -m checks.drift terraform production
}

validate_online() {
  local environment
  check_modules
  for environment in staging production; do
    (cd "$work/tree/environments/$environment" && terraform init -backend=false >/dev/null && terraform validate)
  done
}

scan() {
  local checkov=$tools/checkov/bin/checkov words=() name
  mkdir -p "$work/scan"
  run_checkov() { "$checkov" --skip-download --compact --soft-fail -o json "$@" 2>"$work/scan/errors.txt" || { cat "$work/scan/errors.txt"; return 1; }; }
  run_checkov -d terraform --framework terraform --download-external-modules false >"$work/scan/hcl.json"
  words=("HCL=$work/scan/hcl.json")
  if [[ -n $plans ]]; then
    for name in staging production; do
      PYTHONPATH=terraform python3 -m checks.resolve "$plans/environments-$name.plan.json" "$plans/environments-$name.state.json" >"$work/$name.plan.json"
      run_checkov -f "$work/$name.plan.json" --framework terraform_plan --repo-root-for-plan-enrichment terraform >"$work/scan/$name.json"
      words+=("the plan of $name=$work/scan/$name.json")
    done
  fi
  PYTHONPATH=terraform "$tools/checks/bin/python" -m checks.scan "${words[@]}"
}

export PYTHONDONTWRITEBYTECODE=1 CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1 TF_INPUT=0
step "tools"
need_terraform
prepare checks parliament pyyaml parliament==1.6.4 'setuptools<81'
prepare checkov checkov checkov==3.3.30

step "format"
terraform fmt -check -recursive -diff terraform

if [[ -z $plans && -x $offline ]]; then
  step "plan and throw-away apply of both environments"
  plans=$work/plans
  plan_offline
elif [[ -z $plans ]]; then
  step "modules with the real provider; a plan needs an account and is left out"
  validate_online
fi

failed=0
step "the checks themselves"
PYTHONPATH=terraform "$tools/checks/bin/python" -W ignore -m unittest -q checks.tests.test_checks || failed=1

if [[ -n $plans ]]; then
  step "both environments"
  PYTHONPATH=terraform "$tools/checks/bin/python" -m checks "$plans" . || failed=1
fi

step "checkov"
scan || failed=1

step "done"
exit "$failed"
