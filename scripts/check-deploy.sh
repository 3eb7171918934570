#!/usr/bin/env bash
# Plays scripts/deploy.sh, and the dry runs of its neighbours, against pretended aws, terraform and docker commands: what it does, in
# which order, and what becomes of it when the account, the plan, the migration, the rolling deployment or our own deposits are not
# as they should be.
#
#   scripts/check-deploy.sh    needs bash, git, python3; some seconds
set -euo pipefail
cd "$(dirname "$0")/.."
[[ ${1:-} != --help ]] || { sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tools=$work/bin tree=$work/tree
mkdir "$tools"

# The tree as it is now, committed in a clone: deploy.sh refuses what is not.
git clone -q . "$tree"
tar -C . --exclude=./target --exclude=./.git --exclude='*.tfvars' --exclude=.terraform -cf - . | tar -C "$tree" -xf -
mkdir -p "$tree/terraform/environments/"{staging,production}
printf '#!/bin/sh\nexit 0\n' >"$tree/scripts/check-terraform.sh"
chmod +x "$tree/scripts/check-terraform.sh"
echo '*.tfvars' >"$tree/.git/info/exclude"
git -C "$tree" add -A
git -C "$tree" -c user.name=check -c user.email=check@example.com commit -qm check --allow-empty
git -C "$tree" tag v1.0.0
git -C "$tree" tag v0.9.9

cat >"$tools/pretend" <<'PRETEND'
#!/usr/bin/env bash
# Answers as the command that it is called as; WRONG says what is not as it should be. Every call is written down.
called=$(basename "$0")
echo "$called $*" >>"$CALLS"
family() { sed -n 's/.*--task-definition \([^ ]*\).*/\1/p' <<<"$*"; }
case "$called $*" in
  *get-caller-identity*) [[ $WRONG == account ]] && echo 999999999999 || echo 111111111111 ;;
  *"describe-services"*"ACTIVE"*) [[ $WRONG == first ]] && echo None || echo arn:old/definition:7 ;;
  *"describe-task-definition"*containerDefinitions*) echo "111111111111.dkr.ecr.sa-east-1.amazonaws.com/wallet/image:${RUNS:-1.0.0}" ;;
  *"describe-task-definition"*) echo "arn:new/$(family "$*"):8" ;;
  *"describe-services"*)
    service=$(sed -n 's/.*--services \([^ ]*\).*/\1/p' <<<"$*") cluster=$(sed -n 's/.*--cluster \([^ ]*\).*/\1/p' <<<"$*") state=COMPLETED
    definition=arn:new/$cluster-$service:8
    # Until the way back is applied.
    if [[ $WRONG == rollout ]] && (($(grep -c 'terraform.*apply.*tfplan' "$CALLS") < 2)); then definition=arn:old/$cluster-$service:7; fi
    echo "{\"services\": [{\"runningCount\": 6, \"desiredCount\": 6, \"deployments\": [{\"status\": \"PRIMARY\", \"rolloutState\": \"$state\", \"taskDefinition\": \"$definition\"}]}]}" ;;
  *describe-images*) [[ $WRONG == pushed ]] ;;
  *get-login-password*) echo secret ;;
  "docker login"*) cat >/dev/null ;;
  *run-task*) echo arn:task/1 ;;
  *describe-tasks*) [[ $WRONG == migration ]] && code=1 || code=0
    echo "{\"tasks\": [{\"containers\": [{\"name\": \"migrate\", \"exitCode\": $code}]}]}" ;;
  *get-metric-statistics*) case $WRONG in
      canary) echo '{"Datapoints": [{"Timestamp": "1", "Average": 0.5}]}' ;;
      silence) echo '{"Datapoints": []}' ;;
      *) echo '{"Datapoints": [{"Timestamp": "1", "Average": 1.0}, {"Timestamp": "2", "Average": 0.999}]}' ;;
    esac ;;
  *describe-alarms*) [[ $WRONG == alarm ]] && echo wallet-staging-latency-high || true ;;
  *"show -json"*)
    actions='["create","delete"]' type=aws_ecs_task_definition
    [[ $WRONG == data ]] && type=aws_rds_cluster
    more=''
    [[ $WRONG == moved && $* == *now.tfplan ]] && more=',{"address": "b", "type": "aws_lb", "change": {"actions": ["delete"]}}'
    echo "{\"resource_changes\": [{\"address\": \"a\", \"type\": \"$type\", \"change\": {\"actions\": $actions}}$more],
      \"planned_values\": {\"outputs\": {\"control_environment\": {\"value\": \"kind: Environment\"}}}}" ;;
  *"output -json stack"*) echo '{"deploy": {"subnets": ["s"], "security_groups": ["g"]}}' ;;
esac
PRETEND
chmod +x "$tools/pretend"
for tool in aws terraform docker sleep; do ln -s pretend "$tools/$tool"; done

passed=0 failed=0
# scene NAME WRONG EXIT-CODE TAGS-AFTERWARDS OPTIONS... -- EXPECTED-CALL... ; an expected call that begins with ! must not have been made.
scene() {
  local what=$1 wrong=$2 code=$3 tags=$4 got=0 options=() one bad='' last=0 at
  shift 4
  while [[ $1 != -- ]]; do options+=("$1"); shift; done
  shift
  printf 'account_id = "111111111111"\ndeployment = {\n  image_tags = { wallet-svc = "1.0.0", control = "1.0.0" }\n}\n' |
    tee "$tree/terraform/environments/staging/terraform.tfvars" >"$tree/terraform/environments/production/terraform.tfvars"
  : >"$work/calls"
  (cd "$tree" && WRONG=$wrong CALLS=$work/calls PATH=$tools:$PATH scripts/deploy.sh "${options[@]}") >"$work/said" 2>&1 </dev/null || got=$?
  ((got == code)) || bad="ended with $got, not $code"
  for one in "$@"; do
    if [[ $one == !* ]]; then
      grep -q -- "${one#!}" "$work/calls" && bad="called ${one#!}"
    else
      at=$(tail -n "+$((last + 1))" "$work/calls" | grep -n -m1 -- "$one" | cut -d: -f1 || true)
      if [[ -z $at ]]; then bad="did not call '$one' after call $last"; else last=$((last + at)); fi
    fi
  done
  grep -q "wallet-svc = \"$tags\"" "$tree/terraform/environments/${options[0]}/terraform.tfvars" || bad="terraform.tfvars does not say $tags"
  if [[ -z $bad ]]; then
    echo "ok   $what"; ((passed += 1))
  else
    echo "FAIL $what: $bad"; sed 's/^/       /' "$work/said"; sed 's/^/       called: /' "$work/calls"; ((failed += 1))
  fi
}

new=(staging --version 1.1.0 --yes)
scene "a deployment, in order" '' 0 1.1.0 "${new[@]}" -- get-caller-identity 'init.*wallet-state-111111111111' validate 'plan.*seen' \
  'docker build.*wallet-svc:1.1.0' 'docker push.*control:1.1.0' 'docker run.*check' 'apply.*migrate' run-task 'plan.*now' 'apply.*now.tfplan' \
  describe-services get-metric-statistics describe-alarms
scene "the first deployment makes users and tables, then starts tasks anew" first 0 1.1.0 "${new[@]}" -- 'apply.*registry' 'docker push' 'plan.*now' 'apply.*now.tfplan' \
  'run-task.*journal-setup' 'run-task.*migrate' 'update-service.*wallet-svc' 'update-service.*control'
scene "an image that was pushed before is not built again" pushed 0 1.1.0 "${new[@]}" -- describe-images '!docker push'
scene "another account" account 1 1.0.0 "${new[@]}" -- '!terraform' '!run-task'
scene "a plan that loses the database" data 1 1.0.0 "${new[@]}" -- '!apply' '!docker'
scene "the same, meant" data 0 1.1.0 "${new[@]}" --lose-data -- 'apply.*now.tfplan'
scene "a failed migration stops before anything runs" migration 1 1.1.0 "${new[@]}" -- run-task '!apply.*tfplan'
scene "a world that moved after the confirmation" moved 1 1.1.0 "${new[@]}" -- run-task 'plan.*now' '!apply.*tfplan'
scene "a version that does not become healthy is taken back" rollout 1 1.0.0 "${new[@]}" -- 'apply.*now.tfplan' 'plan.*back' 'apply.*back.tfplan'
RUNS=0.9.9 scene "what is gone back to is what ran, whatever terraform.tfvars said" canary 1 0.9.9 "${new[@]}" -- 'apply.*back.tfplan'
scene "deposits that fail take the version back" canary 1 1.0.0 "${new[@]}" -- get-metric-statistics 'apply.*back.tfplan'
scene "a silent canary is no proof" silence 1 1.0.0 "${new[@]}" -- 'apply.*back.tfplan'
scene "without a canary, alarms decide" silence 0 1.1.0 "${new[@]}" --without-canary -- '!get-metric-statistics' describe-alarms
scene "an alarm that pages takes the version back" alarm 1 1.0.0 "${new[@]}" -- describe-alarms 'apply.*back.tfplan'
scene "a rollback builds nothing and migrates nothing" '' 0 0.9.0 staging --version 0.9.0 --rollback --yes -- '!docker' '!run-task' 'apply.*now.tfplan'
scene "only a plan" '' 0 1.0.0 staging --version 1.1.0 --plan-only -- 'plan.*seen' '!apply'
scene "nobody to ask" '' 64 1.0.0 staging --version 1.1.0 -- '!apply'
scene "production does not take --yes alone" '' 64 1.0.0 production --version 1.1.0 --yes -- '!apply'
scene "production takes its name" '' 0 1.1.0 production --version 1.1.0 --yes --name production --without-canary -- 'apply.*now.tfplan'
scene "a dry run calls nothing" '' 0 1.0.0 staging --version 1.1.0 --dry-run -- '!.'
scene "latest is no version" '' 64 1.0.0 staging --version latest --yes -- '!.'
scene "no such environment, no file of it" '' 64 1.0.0 staging --rollback --yes -- '!.'

# The other two scripts that an engineer runs.
dry() {
  : >"$work/calls"
  if (cd "$tree" && WRONG='' CALLS=$work/calls PATH=$tools:$PATH "$@" --dry-run) >"$work/said" 2>&1 </dev/null && [[ ! -s $work/calls ]]; then
    echo "ok   a dry run calls nothing: $*"; ((passed += 1))
  else
    echo "FAIL a dry run calls nothing: $*"; cat "$work/said" "$work/calls"; ((failed += 1))
  fi
}
for environment in staging production; do
  dry scripts/setup-monitoring.sh "$environment"
  dry scripts/setup-monitoring.sh "$environment" --token ana:operator
  dry scripts/setup-monitoring.sh "$environment" --test-page p1
  dry scripts/cost-analysis.sh "$environment" --running --bill
done

# A migration that takes something away, a release later.
echo 'ALTER TABLE entry DROP COLUMN old;' >"$tree/wallet-svc/migrations/9999_contract.sql"
git -C "$tree" add -A
git -C "$tree" -c user.name=check -c user.email=check@example.com commit -qm contract
scene "a migration that takes something away asks" '' 1 1.0.0 "${new[@]}" -- '!terraform'
scene "the same, known to be safe" '' 0 1.1.0 "${new[@]}" --contract -- run-task 'apply.*now.tfplan'
sed -i '1s/^/-- changed\n/' "$tree"/wallet-svc/migrations/0001_*.sql
git -C "$tree" -c user.name=check -c user.email=check@example.com commit -qam rewritten
scene "a migration that was rewritten is refused" '' 1 1.0.0 "${new[@]}" --contract -- '!terraform'

echo "deploy: $passed passed, $failed failed"
((failed == 0))
