#!/usr/bin/env bash
# What an environment costs a month in sa-east-1, beside the table of the architecture summary, by the one price book
# (control/prices/sa-east-1.yaml): as a plan would make it, as its state stands, and as it runs.
#
#   scripts/cost-analysis.sh ENVIRONMENT [OPTIONS]        ENVIRONMENT: staging or production
#
#   --plan FILE      a plan or a state as `terraform show -json` prints it; needs no AWS. Without it: the environment's state
#   --requests N     how many requests a second on average over the month, instead of terraform/checks/usage.yaml
#   --tasks N        how many tasks of the service all month, instead of its least
#   --running        also ask AWS what runs and what it costs, and what would make it less (`control cost`)
#   --bill           with --running: also ask Cost Explorer, which costs a cent
#   --dry-run        print every command in order; needs neither AWS nor any tool
#   --help           this
#
# Reads only; there is nothing to confirm. Ends with 0, with 1 if something has no price, 64 for a wrong call, 69 for a missing tool.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck disable=SC2034
program=cost-analysis dry=0 yes=0 plan='' requests='' tasks='' running=0 bill=0
# shellcheck source=scripts/operate/common.sh
source scripts/operate/common.sh

arguments() {
  local asked=''
  while (($#)); do
    case $1 in
      --plan) plan=${2:-}; shift ;;
      --requests) requests=${2:-}; shift ;;
      --tasks) tasks=${2:-}; shift ;;
      --running) running=1 ;;
      --bill) bill=1 ;;
      --dry-run) dry=1 ;;
      --help) sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 0 ;;
      -*) die 64 "unknown option $1" "see --help" ;;
      *) asked=$1 ;;
    esac
    shift || die 64 "the last option lacks its value" "see --help"
  done
  if [[ -n $plan ]] && ((!running)); then
    case $asked in staging | production) environment=$asked ;; *) die 64 "no environment '$asked'" "say staging or production" ;; esac
    [[ -r $plan ]] || ((dry)) || die 64 "$plan cannot be read" "terraform show -json FILE.tfplan > plan.json"
  else
    environment_of "$asked"
  fi
  [[ $requests =~ ^[0-9]*\.?[0-9]*$ ]] || die 64 "'$requests' requests a second" "a number"
  [[ $tasks =~ ^[0-9]*$ ]] || die 64 "'$tasks' tasks" "a whole number"
  [[ -z $tasks || -n $requests ]] || die 64 "--tasks goes with --requests" "so many tasks serve how many requests?"
}

# A python with a YAML reader: the system's, or one apart from it.
find_python() {
  python=python3
  if ((dry)) || python3 -c 'import yaml' 2>/dev/null; then return; fi
  local venv=${XDG_CACHE_HOME:-$HOME/.cache}/wallet-cost
  if [[ ! -x $venv/bin/python ]]; then
    say "installs pyyaml in $venv"
    python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check pyyaml
  fi
  python=$venv/bin/python
}

planned() {
  step "as Terraform describes it"
  local words=("$environment")
  if [[ -z $plan ]]; then
    plan=$work/state.json
    if ((dry)); then
      terraform_init
      say "  $ terraform -chdir=$folder show -json > $plan"
    else
      need terraform
      terraform "-chdir=$folder" init -input=false "-backend-config=bucket=wallet-state-$account" >/dev/null
      terraform "-chdir=$folder" show -json >"$plan"
    fi
  fi
  words+=("$plan")
  [[ -z $requests ]] || words+=("$requests")
  [[ -z $tasks ]] || words+=("$tasks")
  run env PYTHONPATH=terraform PYTHONDONTWRITEBYTECODE=1 "$python" scripts/operate/cost.py "${words[@]}" || unknown=1
}

as_it_runs() {
  step "as it runs, and what would make it less"
  local file=$work/environments/$environment.yaml control=target/release/control options=(--no-bill)
  if ((bill)); then options=(); fi
  mkdir -p "$work/environments"
  check_account
  if ((dry)); then
    say "  $ terraform -chdir=$folder output -raw control_environment > $file"
  else
    [[ -x $control ]] || die 69 "$control is missing" "cargo build --release --package control"
    cp -r control/prices "$work/prices"
    terraform "-chdir=$folder" output -raw control_environment >"$file"
  fi
  run "$control" cost --environment "$file" "${options[@]}" || unknown=1
}

main() {
  arguments "$@"
  work=$(mktemp -d) unknown=0
  trap 'rm -rf "$work"' EXIT
  ((dry)) && say "A dry run: nothing is asked. What would run, in order:"
  need python3
  find_python
  planned
  if ((running)); then as_it_runs; fi
  ((unknown == 0)) || die 1 "a part has no price, so the whole is only 'at least'" "add it to control/prices/sa-east-1.yaml with its source"
}
main "$@"
