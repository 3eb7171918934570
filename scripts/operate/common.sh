# shellcheck shell=bash disable=SC2034,SC2154
# What deploy.sh, setup-monitoring.sh and cost-analysis.sh share: dry runs, confirmations, and what stands in terraform/.
# Sourced, never run. The caller sets `program`, `dry` (0 or 1), `yes` (0 or 1) and, for production, `named`.

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
# die CODE MESSAGE WAY-OUT: 64 is a wrong call, 69 something missing, 1 a failure.
die() {
  local code=$1
  printf '%s: %s\n' "$program" "$2" >&2
  if (($# > 2)); then printf '%s: %s\n' "$program" "$3" >&2; fi
  exit "$code"
}

# Commands are shown as a shell would read them.
quoted() {
  local words
  words=$(for one in "$@"; do
    if [[ $one =~ ^[A-Za-z0-9_./:=@,+-]+$ ]]; then printf ' %s' "$one"; else printf " '%s'" "${one//\'/\'\\\'\'}"; fi
  done)
  printf '%s' "${words# }"
}

# Runs a command, or says what would be run.
run() {
  if ((dry)); then printf '  $ %s\n' "$(quoted "$@")"; else "$@"; fi
}

# ask VARIABLE ANSWER-OF-A-DRY-RUN COMMAND...: keeps what a command prints.
ask() {
  local -n into=$1
  local pretended=$2 answer
  shift 2
  if ((dry)); then
    printf '  $ %s   # answers e.g. %s\n' "$(quoted "$@")" "${pretended//$'\n'/ }"
    into=$pretended
  else
    answer=$("$@") || die 1 "this failed: $(quoted "$@")" "its own message stands above; nothing after it was done"
    # shellcheck disable=SC2034
    into=$answer
  fi
}

need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || ((dry)) || die 69 "$tool is missing" "install it, or see what would run with --dry-run"
  done
}

# confirm QUESTION: staging takes y, production takes its own name. --yes answers, in production only together with --name production.
confirm() {
  local answer
  if ((dry)); then say "  ? $1 (a dry run asks nothing)"; return; fi
  if ((yes)); then
    [[ $environment != production || ${named:-} == production ]] ||
      die 64 "--yes alone does nothing in production" "add --name production, or leave --yes out and answer"
    return
  fi
  [[ -t 0 ]] || die 64 "there is no terminal to ask in" "add --yes (in production also --name production)"
  if [[ $environment == production ]]; then
    read -rp "$1 Type 'production' to go on: " answer
    [[ $answer == production ]] || die 1 "not confirmed; nothing was done"
  else
    read -rp "$1 [y/N] " answer
    [[ $answer == [yY] ]] || die 1 "not confirmed; nothing was done"
  fi
}

# Reads `KEY = "value"` at the beginning of a line of terraform.tfvars.
tfvar() { sed -n "s/^$1[[:space:]]*=[[:space:]]*\"\([^\"]*\)\".*/\1/p" "$tfvars" | head -1; }
# image_tag IMAGE: the tag in `image_tags = { wallet-svc = "1.0.0", control = "1.0.0" }`.
image_tag() { sed -n "/^[[:space:]]*image_tags[[:space:]]*=/s/.*$1[[:space:]]*=[[:space:]]*\"\([^\"]*\)\".*/\1/p" "$tfvars" | head -1; }

# Which environment, where it stands, whose account it is.
environment_of() {
  case ${1:-} in
    staging | production) environment=$1 ;;
    '') die 64 "no environment" "say staging or production; see --help" ;;
    *) die 64 "there is no environment $1" "say staging or production" ;;
  esac
  name=wallet-$environment
  folder=terraform/environments/$environment
  tfvars=$folder/terraform.tfvars
  region=sa-east-1
  if [[ ! -e $tfvars ]] && ((dry)); then
    say "$tfvars does not exist; the dry run takes the example"
    tfvars=$folder/terraform.tfvars.example
  fi
  [[ -e $tfvars ]] || { ((dry)) && tfvars=/dev/null; } ||
    die 69 "$tfvars does not exist" "cp $folder/terraform.tfvars.example $tfvars, and put in your own values"
  account=$(tfvar account_id)
  account=${account:-000000000000}
}

# The credentials must be of the environment's own account.
check_account() {
  local mine
  ask mine "$account" aws sts get-caller-identity --query Account --output text
  [[ $mine == "$account" ]] ||
    die 1 "these credentials are of account $mine, and $environment is $account" "sign in to $account (aws sso login --profile ...), or correct account_id"
}

terraform_in() { run terraform "-chdir=$folder" "$@"; }
terraform_init() { terraform_in init -input=false "-backend-config=bucket=wallet-state-$account"; }
