#!/usr/bin/env bash
# Puts up what watches one environment (topics, alarms, dashboards, event rules) without touching what runs, and proves that it works:
# people have confirmed, alarms have data, the heartbeat and the canary come.
#
#   scripts/setup-monitoring.sh ENVIRONMENT [OPTIONS]     ENVIRONMENT: staging or production
#
#   --verify            only look, change nothing
#   --test-page TOPIC   send a message marked as a test to p1-sms, p1, p2 or p3; people are really told
#   --token NAME:ROLE   let somebody into control's API (viewer, operator, approver, admin); prints the token once
#   --yes               answer every question with yes; in production only with --name production
#   --name NAME         the environment's name once more, for --yes in production
#   --dry-run           print every command in order; needs neither AWS nor any tool, changes nothing
#   --help              this
#
# Needs terraform 1.11, the AWS CLI 2 with credentials of the environment's account, python3. Ends with 0 when everything is in order,
# 1 when something is not (each thing is said with its remedy), 64 for a wrong call, 69 for a missing tool.
set -euo pipefail
cd "$(dirname "$0")/.."
program=setup-monitoring dry=0 yes=0 named='' verify_only=0 page='' person='' bad=0
# shellcheck source=scripts/operate/common.sh
source scripts/operate/common.sh

modules=(notify alarms dashboards audit cost)

arguments() {
  local asked=''
  while (($#)); do
    case $1 in
      --verify) verify_only=1 ;;
      --test-page) page=${2:-}; shift ;;
      --token) person=${2:-}; shift ;;
      --yes) yes=1 ;;
      --name) named=${2:-}; shift ;;
      --dry-run) dry=1 ;;
      --help) sed -n '2,17s/^# \{0,1\}//p' "$0"; exit 0 ;;
      -*) die 64 "unknown option $1" "see --help" ;;
      *) asked=$1 ;;
    esac
    shift || die 64 "the last option lacks its value" "see --help"
  done
  environment_of "$asked"
  [[ $page =~ ^(|p1-sms|p1|p2|p3)$ ]] || die 64 "there is no topic $page to page" "p1-sms, p1, p2 or p3"
  [[ -z $person || $person == *:* ]] || die 64 "--token takes NAME:ROLE" "such as ana:operator"
}

# peek VARIABLE COMMAND...: a look that fails is one more thing that is not in order, and the rest is looked at all the same.
# shellcheck disable=SC2034
peek() {
  local -n seen=$1
  shift
  seen=''
  if ((dry)); then run "$@"; else seen=$("$@") || bad=$((bad + 1)); fi
}

# look COMMAND... | READER...: what is not in order is counted, and the rest is looked at all the same.
look() {
  local reader=$1
  shift
  # shellcheck disable=SC2086
  if ((dry)); then
    say "  $ $(quoted "$@") | python3 scripts/operate/watch.py $reader"
  else
    "$@" | python3 scripts/operate/watch.py $reader || bad=$((bad + 1))
  fi
}

put_up() {
  local targets=() module
  for module in "${modules[@]}"; do targets+=("-target=module.stack.module.$module"); done
  step "topics, alarms, dashboards, audit trail, budget"
  terraform_init
  terraform_in plan -input=false -lock-timeout=5m "-out=$work/watch.tfplan" "${targets[@]}"
  if ((dry)); then
    say "  $ terraform -chdir=$folder show -json $work/watch.tfplan > $work/watch.json"
    say "  $ python3 scripts/operate/plan.py summary $work/watch.json"
  else
    terraform "-chdir=$folder" show -json "$work/watch.tfplan" >"$work/watch.json"
    python3 scripts/operate/plan.py summary "$work/watch.json" || die 1 "the plan loses what holds data" "deploy.sh --lose-data is the way to mean that"
  fi
  confirm "Put this up in $environment (account $account)?"
  terraform_in apply -input=false "$work/watch.tfplan"
}

# A minute of a metric within the last ten, or something is not in order.
comes() {
  local namespace=$1 metric=$2 remedy=$3 count
  peek count aws cloudwatch get-metric-statistics --region "$region" --namespace "$namespace" --metric-name "$metric" \
    --dimensions "Name=Environment,Value=$environment" --period 60 --statistics SampleCount \
    --start-time "$(date -u -d '-10 min' +%FT%TZ)" --end-time "$(date -u +%FT%TZ)" --query 'length(Datapoints)' --output text
  ((!dry)) || return 0
  if ((${count:-0} > 0)); then say "  $namespace $metric: $count of the last 10 minutes"; else
    say "  $namespace $metric: nothing in the last 10 minutes; $remedy"
    bad=$((bad + 1))
  fi
}

verify() {
  step "people"
  look "subscriptions $name" aws sns list-subscriptions --region "$region" --output json
  local outside spent
  peek outside aws sns get-sms-sandbox-account-status --region "$region" --query IsInSandbox --output text
  if [[ ${outside,,} == true ]]; then
    say "  SMS go only to verified numbers: the account is in the SMS sandbox; ask AWS support to leave it"
    bad=$((bad + 1))
  fi
  peek spent aws sns get-sms-attributes --region "$region" --attributes MonthlySpendLimit --query attributes.MonthlySpendLimit --output text
  ((dry)) || say "  SMS may cost ${spent:-(unknown)} USD a month; beyond it AWS drops them silently"

  step "alarms"
  look alarms aws cloudwatch describe-alarms --region "$region" --alarm-name-prefix "$name-" --alarm-types MetricAlarm CompositeAlarm --output json

  step "what must always come"
  comes Wallet Requests "no task publishes: is the service deployed, and has its role cloudwatch:PutMetricData?"
  comes Wallet/Control Heartbeat "no control daemon leads: query 'control/errors'"
  comes Wallet/Control CanarySuccess "control has no canary token: deployment.canary_token_secret_arn"

  step "dashboards"
  local boards
  peek boards aws cloudwatch list-dashboards --region "$region" --dashboard-name-prefix "$name-" --query 'length(DashboardEntries)' --output text
  ((dry)) || say "  ${boards:-none} of 4: business, technical, infrastructure, security"
  ((dry)) || [[ $boards == 4 ]] || bad=$((bad + 1))
}

test_page() {
  step "a test of $page"
  confirm "Tell everybody on $name-$page that this is a test?"
  run aws sns publish --region "$region" --topic-arn "arn:aws:sns:$region:$account:$name-$page" --subject "TEST of $name" \
    --message "TEST of $name-$page. Nothing is wrong. Say to whoever sent it that you got it."
}

# control reads its list anew at the next start of its tasks; the leader's successor takes over within seconds.
let_in() {
  local secret=$name/control-tokens
  step "a token for ${person%%:*}"
  confirm "Let ${person%%:*} in as ${person#*:}, and start control's tasks anew one by one?"
  if ((dry)); then
    say "  $ aws secretsmanager get-secret-value --region $region --secret-id $secret --query SecretString --output text > $work/tokens"
    say "  $ python3 scripts/operate/watch.py token ${person%%:*} ${person#*:} $work/tokens"
  else
    (umask 077; aws secretsmanager get-secret-value --region "$region" --secret-id "$secret" --query SecretString --output text >"$work/tokens")
    python3 scripts/operate/watch.py token "${person%%:*}" "${person#*:}" "$work/tokens" || die 1 "no token was made" "its reason stands above"
    say "the line above is the token: hand it over safely, it is kept nowhere"
  fi
  run aws secretsmanager put-secret-value --region "$region" --secret-id "$secret" --secret-string "file://$work/tokens" --query Name --output text
  run aws ecs update-service --region "$region" --cluster "$name" --service control --force-new-deployment --query service.status --output text
}

main() {
  arguments "$@"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  ((dry)) && say "A dry run: nothing is called and nothing changes. What would run, in order:"
  need aws python3
  check_account
  if [[ -n $page ]]; then test_page; fi
  if [[ -n $person ]]; then let_in; fi
  [[ -z $page$person ]] || exit 0
  ((verify_only)) || { need terraform; put_up; }
  verify
  step "done"
  ((bad == 0)) || die 1 "$bad things are not in order" "each is said above with its remedy; docs/MONITORING.md has the rest"
  if ((dry)); then say "a dry run: nobody looked"; else say "everything that watches $environment is in order"; fi
}
main "$@"
