#!/usr/bin/env bash
# Brings one environment to what this tree says: checks, plan, confirmation, images, migration, rolling deployment, verification by
# our own deposits, and the way back if it fails.
#
#   scripts/deploy.sh ENVIRONMENT [OPTIONS]        ENVIRONMENT: staging or production
#
#   --version TAG       the tag of both images; written into terraform.tfvars. Without it: the tags that stand there
#   --rollback          with --version: go back to a version that was pushed before; builds nothing and migrates nothing
#   --contract          a migration since the running version takes something away, and you know that no running task reads it
#   --lose-data         the plan deletes or replaces something that holds data, and you mean it
#   --without-canary    do not wait for our own deposits (an environment without a canary token); alarms are still looked at
#   --plan-only         check and plan, and end
#   --yes               answer every question with yes; in production only with --name production
#   --name NAME         the environment's name once more, for --yes in production
#   --dry-run           print every command in order; needs neither AWS nor any tool, changes nothing
#   --help              this
#
# Needs terraform 1.11, the AWS CLI 2 with credentials of the environment's account, docker, git, python3. Ends with 0 when the new
# version runs and is verified, 1 when something failed (what became of it is said), 64 for a wrong call, 69 for a missing tool.
set -euo pipefail
cd "$(dirname "$0")/.."
program=deploy dry=0 yes=0 named='' version='' rollback=0 contract=0 lose=0 canary=1 plan_only=0 first=0 applying=0 tags_written=''
# shellcheck source=scripts/operate/common.sh
source scripts/operate/common.sh

minutes_rollout=40 minutes_canary=5 canary_least=0.99
images=(wallet-svc control)
# Names of alarms whose description begins with P1 or P2.
# shellcheck disable=SC2016
paging='[MetricAlarms, CompositeAlarms][] | [?starts_with(AlarmDescription, `P1`) || starts_with(AlarmDescription, `P2`)].AlarmName'

arguments() {
  local environment_asked=''
  while (($#)); do
    case $1 in
      --version) version=${2:-}; shift ;;
      --rollback) rollback=1 ;;
      --contract) contract=1 ;;
      --lose-data) lose=1 ;;
      --without-canary) canary=0 ;;
      --plan-only) plan_only=1 ;;
      --yes) yes=1 ;;
      --name) named=${2:-}; shift ;;
      --dry-run) dry=1 ;;
      --help) sed -n '2,21s/^# \{0,1\}//p' "$0"; exit 0 ;;
      -*) die 64 "unknown option $1" "see --help" ;;
      *) environment_asked=$1 ;;
    esac
    shift || die 64 "the last option lacks its value" "see --help"
  done
  environment_of "$environment_asked"
  registry=$account.dkr.ecr.$region.amazonaws.com
  written_service=$(image_tag wallet-svc) written_control=$(image_tag control)
  # What is gone back to; what really runs, once that is known.
  before_service=$written_service before_control=$written_control
  if ((rollback)) && [[ -z $version ]]; then
    die 64 "--rollback goes back to a version, and none is named" "aws ecr describe-images --repository-name $name/wallet-svc lists them"
  fi
  if [[ -n $version && ! $version =~ ^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$ || $version == latest ]]; then
    die 64 "'$version' is no version" "a tag such as 1.4.0; never latest, because tags are never reused"
  fi
}

# What ends before anything was applied leaves terraform.tfvars as it was.
ended() {
  ((applying)) || [[ -z $tags_written ]] || set_tags "$written_service" "$written_control"
  rm -rf "$work"
}

# Writes both tags into terraform.tfvars; nothing else of the file changes.
set_tags() {
  local service=$1 control=$2
  say "image_tags = { wallet-svc = \"$service\", control = \"$control\" }  -> $tfvars"
  ((dry)) && return
  grep -q '^[[:space:]]*image_tags[[:space:]]*=[[:space:]]*{.*}' "$tfvars" ||
    die 1 "$tfvars has no line 'image_tags = { wallet-svc = \"...\", control = \"...\" }'" "write it as terraform.tfvars.example does"
  sed -i "s/^\([[:space:]]*image_tags[[:space:]]*=\).*/\1 { wallet-svc = \"$service\", control = \"$control\" }/" "$tfvars"
}

check() {
  step "checks"
  need terraform aws git python3
  ((rollback || plan_only)) || need docker
  if ((!dry && !rollback)) && [[ -n $(git status --porcelain) ]]; then
    die 1 "the work tree has changes that are not committed" "commit or stash them: an image must be what a commit says"
  fi
  run aws --version
  check_account
  run scripts/check-terraform.sh
}

# tag_running IMAGE: the tag of what a service runs now; nothing if there is no such service.
tag_running() {
  local definition image
  definition=$(aws ecs describe-services --region "$region" --cluster "$name" --services "$1" \
    --query "services[?status=='ACTIVE'].taskDefinition | [0]" --output text 2>/dev/null || echo None)
  [[ $definition != None && -n $definition ]] || return 0
  image=$(aws ecs describe-task-definition --region "$region" --task-definition "$definition" \
    --query "taskDefinition.containerDefinitions[?name=='$1'].image | [0]" --output text)
  printf '%s' "${image##*:}"
}

# Whether the environment was never deployed, and otherwise what runs in it.
look_at_running() {
  local image
  if ((dry)); then
    for image in "${images[@]}"; do
      say "  $ $(quoted aws ecs describe-services --region "$region" --cluster "$name" --services "$image")   # none: a first deployment"
    done
    running_tag=${before_service:-1.0.0}
    return
  fi
  running_tag=$(tag_running wallet-svc)
  if [[ -z $running_tag ]]; then first=1; say "nothing: a first deployment"; return; fi
  before_service=$running_tag
  before_control=$(tag_running control)
  before_control=${before_control:-$written_control}
  say "wallet-svc $before_service, control $before_control"
}

# Expand first, contract a release later: tasks of the running version go on while the migration is done and after it.
check_migrations() {
  local since files taking
  ((rollback || first)) && return
  since=v$running_tag
  if ! git rev-parse -q --verify "$since^{commit}" >/dev/null; then
    say "migrations: there is no git tag $since, so every migration is looked at"
    files=$(git ls-files wallet-svc/migrations)
  else
    files=$(git diff --name-only --diff-filter=A "$since" HEAD -- wallet-svc/migrations)
    local changed
    changed=$(git diff --name-only --diff-filter=MDR "$since" HEAD -- wallet-svc/migrations)
    [[ -z $changed ]] || die 1 "migrations that were carried out before were changed: $changed" "undo that, and write a new migration"
  fi
  [[ -n $files ]] || { say "migrations: none since $since"; return; }
  say "migrations since $since:"
  # shellcheck disable=SC2086
  printf '  %s\n' $files
  # shellcheck disable=SC2086
  taking=$(grep -inE '\b(DROP|RENAME|TRUNCATE)\b|\b(MODIFY|CHANGE)[[:space:]]+(COLUMN)?' $files | grep -vE ':[[:space:]]*--' || true)
  [[ -n $taking ]] || { say "  they only add"; return; }
  printf '%s\n' "$taking"
  ((contract)) || ((dry)) ||
    die 1 "the lines above take something away or change it" \
      "if no running task needs it any more (it was unused in $running_tag already), say --contract"
}

plan() {
  local into=$1 verdict=0
  terraform_in plan -input=false -lock-timeout=5m "-out=$work/$into.tfplan"
  if ((dry)); then
    say "  $ terraform -chdir=$folder show -json $work/$into.tfplan > $work/$into.json"
    say "  $ python3 scripts/operate/plan.py summary $work/$into.json"
    return
  fi
  terraform "-chdir=$folder" show -json "$work/$into.tfplan" >"$work/$into.json"
  python3 scripts/operate/plan.py summary "$work/$into.json" || verdict=$?
  ((verdict == 0 || (verdict == 3 && lose))) ||
    die 1 "the plan loses what holds data" "change the configuration, or say --lose-data if that is what you want"
}

build_and_push() {
  step "images"
  if ((first)) || ((dry)); then
    ((dry)) && say "  # only in a first deployment:"
    terraform_in apply -input=false -auto-approve -target=module.stack.module.registry
  fi
  if ((dry)); then
    say "  $ aws ecr get-login-password --region $region | docker login --username AWS --password-stdin $registry"
  else
    aws ecr get-login-password --region "$region" | docker login --username AWS --password-stdin "$registry"
  fi
  local image tag
  for image in "${images[@]}"; do
    tag=${version:-$(image_tag "$image")}
    if ((!dry)) && aws ecr describe-images --region "$region" --repository-name "$name/$image" --image-ids "imageTag=$tag" >/dev/null 2>&1; then
      say "$image $tag was pushed before; a tag stays what it was"
      continue
    fi
    run docker build -f "$image/Dockerfile" --label "org.opencontainers.image.revision=$(git rev-parse HEAD)" \
      --label "org.opencontainers.image.version=$tag" -t "$registry/$name/$image:$tag" .
    run docker push "$registry/$name/$image:$tag"
  done
}

# The daemon refuses to start on a file that it cannot use: ask it before it is deployed.
check_control_file() {
  local tag=${version:-$(image_tag control)}
  step "control's environment file"
  if ((dry)); then
    say "  $ python3 scripts/operate/plan.py control $work/seen.json > $work/environment.yaml"
  else
    python3 scripts/operate/plan.py control "$work/seen.json" >"$work/environment.yaml"
    [[ -s $work/environment.yaml ]] || { say "not known before it is applied; control checks it when it starts"; return; }
    chmod 0444 "$work/environment.yaml"
  fi
  run docker run --rm --read-only --network none -v "$work/environment.yaml:/etc/control/environments/environment.yaml:ro" \
    "$registry/$name/control:$tag" check --environment /etc/control/environments/environment.yaml --runbooks /etc/control/runbooks
}

# run_task FAMILY: a one-off task to its end; nothing else may go on if it fails.
run_task() {
  local family=$1 network task
  if ((dry)); then
    say "  $ aws ecs run-task --region $region --cluster $name --launch-type FARGATE --task-definition $family" \
      "--network-configuration (subnets and security group of output stack.deploy)"
    say "  $ aws ecs wait tasks-stopped --region $region --cluster $name --tasks ARN"
    say "  $ aws ecs describe-tasks --region $region --cluster $name --tasks ARN | python3 scripts/operate/ecs.py stopped"
    return
  fi
  network=$(terraform "-chdir=$folder" output -json stack | python3 -c '
import json, sys
deploy = json.load(sys.stdin)["deploy"]
network = {"subnets": deploy["subnets"], "securityGroups": deploy["security_groups"], "assignPublicIp": "DISABLED"}
print(json.dumps({"awsvpcConfiguration": network}))')
  task=$(aws ecs run-task --region "$region" --cluster "$name" --launch-type FARGATE --task-definition "$family" \
    --network-configuration "$network" --query 'tasks[0].taskArn' --output text)
  [[ $task == arn:* ]] || die 1 "$family did not start" "aws ecs run-task said why above; capacity, image or network"
  say "$family: ${task##*/}"
  aws ecs wait tasks-stopped --region "$region" --cluster "$name" --tasks "$task"
  aws ecs describe-tasks --region "$region" --cluster "$name" --tasks "$task" | python3 scripts/operate/ecs.py stopped ||
    die 1 "$family failed; the version that ran before still runs" "its log: streams 'migrate' in /$name/wallet-svc, 'setup' in /$name/control"
}

migrate() {
  step "migration: expand, while the running version goes on"
  # A task definition alone changes nothing that runs.
  terraform_in apply -input=false -auto-approve -target=module.stack.module.service.aws_ecs_task_definition.migrate
  run_task "$name-migrate"
}

apply() {
  step "apply"
  # The first plan is stale: images' registry or the migration's task definition were made since.
  plan now
  run python3 scripts/operate/plan.py within "$work/seen.json" "$work/now.json" ||
    die 1 "the world moved since you confirmed: the second plan does more than the first" "look at it with --plan-only, then begin again"
  terraform_in apply -input=false "$work/now.tfplan"
  if ((first)); then
    step "first deployment: users, tables, then the tasks anew"
    run_task "$name-journal-setup"
    run_task "$name-migrate"
    run aws ecs update-service --region "$region" --cluster "$name" --service wallet-svc --force-new-deployment --query service.status --output text
    run aws ecs update-service --region "$region" --cluster "$name" --service control --force-new-deployment --query service.status --output text
  fi
}

# wait_for SERVICE: until ECS says that every task is of the new version. 0 completed, 1 failed.
wait_for() {
  local service=$1 wanted said word until=$((SECONDS + minutes_rollout * 60))
  if ((dry)); then
    say "  $ aws ecs describe-task-definition --region $region --task-definition $name-$service   # what must run"
    say "  $ aws ecs describe-services --region $region --cluster $name --services $service |" \
      "python3 scripts/operate/ecs.py rollout ARN   # every 15 s, $minutes_rollout min at most"
    return
  fi
  wanted=$(aws ecs describe-task-definition --region "$region" --task-definition "$name-$service" \
    --query taskDefinition.taskDefinitionArn --output text)
  while ((SECONDS < until)); do
    said=$(aws ecs describe-services --region "$region" --cluster "$name" --services "$service" | python3 scripts/operate/ecs.py rollout "$wanted")
    word=${said%%$'\n'*}
    say "$service: $word, ${said#*$'\n'}"
    case $word in completed) return 0 ;; failed) return 1 ;; esac
    sleep 15
  done
  say "$service: not done after $minutes_rollout minutes"
  return 1
}

# Five minutes of our own deposits through the load balancer, and no alarm that pages. 0 good, 1 bad.
verify() {
  local alarms verdict=0
  if ((canary)); then
    say "waits $minutes_canary minutes for our own deposits"
    run sleep $((minutes_canary * 60))
    if ((dry)); then
      say "  $ aws cloudwatch get-metric-statistics --namespace Wallet/Control --metric-name CanarySuccess ... |" \
        "python3 scripts/operate/ecs.py points $canary_least"
    else
      aws cloudwatch get-metric-statistics --region "$region" --namespace Wallet/Control --metric-name CanarySuccess \
        --dimensions "Name=Environment,Value=$environment" --period 60 --statistics Average \
        --start-time "$(date -u -d "-$minutes_canary min" +%FT%TZ)" --end-time "$(date -u +%FT%TZ)" |
        python3 scripts/operate/ecs.py points "$canary_least" || verdict=$?
      ((verdict != 2)) || say "the canary is silent: give control its token (docs/DEPLOYMENT.md), or say --without-canary"
    fi
  fi
  ask alarms "" aws cloudwatch describe-alarms --region "$region" --state-value ALARM --alarm-name-prefix "$name-" \
    --alarm-types MetricAlarm CompositeAlarm --query "$paging" --output text
  [[ -z $alarms || $alarms == None ]] || { say "in alarm: $alarms"; verdict=1; }
  return "$verdict"
}

go_back() {
  step "back to wallet-svc $before_service, control $before_control"
  confirm "Roll $environment back?"
  set_tags "$before_service" "$before_control"
  plan back
  terraform_in apply -input=false "$work/back.tfplan"
  if ! { wait_for wallet-svc && wait_for control; }; then
    die 1 "the way back did not complete" \
      "docs/TROUBLESHOOTING.md, 'a deployment hangs'; ECS events: aws ecs describe-services --cluster $name --services wallet-svc control"
  fi
  die 1 "rolled back: wallet-svc $before_service and control $before_control run" \
    "the migration stays: it only added. Find the cause in /$name/wallet-svc"
}

main() {
  arguments "$@"
  work=$(mktemp -d)
  trap ended EXIT
  ((dry)) && say "A dry run: nothing is called and nothing changes. What would run, in order:"
  check
  step "what runs now"
  look_at_running
  check_migrations
  if [[ -n $version ]]; then set_tags "$version" "$version" && tags_written=yes; fi
  step "plan"
  terraform_init
  terraform_in validate
  plan seen
  ((plan_only)) && exit 0
  confirm "Do this to $environment (account $account), wallet-svc ${version:-$(image_tag wallet-svc)}, control ${version:-$(image_tag control)}?"
  ((rollback)) || build_and_push
  ((rollback)) || check_control_file
  applying=1
  ((first || rollback)) || migrate
  apply
  step "rolling deployment"
  if ! { wait_for wallet-svc && wait_for control; }; then
    ((first || rollback)) && die 1 "the tasks did not become healthy" \
      "docs/TROUBLESHOOTING.md, 'tasks do not start'; there is no version before this to go back to by itself"
    go_back
  fi
  step "verification"
  if ! verify; then
    ((first || rollback)) && die 1 "it runs, and is not verified" "see what is said above"
    go_back
  fi
  step "done"
  if ((dry)); then say "a dry run: nothing was done"; return; fi
  say "$environment runs wallet-svc ${version:-$(image_tag wallet-svc)} and control ${version:-$(image_tag control)}"
}
main "$@"
