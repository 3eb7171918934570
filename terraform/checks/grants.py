"""Trap 7: who may do what. Policies are sound, `*` is rare and explained, control may do what it calls and no more."""

import json
import re
from pathlib import Path
from typing import Iterator, NamedTuple

from . import sdk
from .world import Document, World, listed, policy, statements

# Arguments that hold a policy.
POLICY_ARGUMENTS = (
    "access_policy",
    "access_policies",
    "assume_role_policy",
    "policy",
    "resource_policy",
    "inline_policy",
)
IDENTITY = ("aws_iam_policy", "aws_iam_role_policy")

# Actions for which AWS knows no resource, so that `*` is the only resource there is. Lower case, `*` at the end.
NO_RESOURCE = (
    "application-autoscaling:describe*",
    "ce:getcostandusage",
    "cloudwatch:getmetricdata",
    "cloudwatch:putmetricdata",
    "ecr:getauthorizationtoken",
    "elasticloadbalancing:describe*",
    "ecs:listtasks",
    "rds:describedb*",
    "xray:puttelemetryrecords",
    "xray:puttracesegments",
    "ssmmessages:createcontrolchannel",
    "ssmmessages:createdatachannel",
    "ssmmessages:opencontrolchannel",
    "ssmmessages:opendatachannel",
)
# Policies whose `*` is meant, and why.
WIDE = {
    "ci-boundary": "a boundary grants nothing: it is the ceiling, and its denials are what it says",
    "ci-apply": "builds the whole account of one environment, under the boundary; it can delete neither keys nor data",
}
# What parliament finds that makes a policy wrong; `*` is judged above.
ISSUES = (
    "UNKNOWN_ACTION",
    "UNKNOWN_PREFIX",
    "MALFORMED",
    "INVALID_ARN",
    "NO_EFFECT",
    "UNKNOWN_OPERATOR",
    "MISMATCHED_TYPE",
)
# What control may do beside the calls in its source, and why.
BESIDE_CALLS = {
    "kms:decrypt": "its topics are encrypted",
    "kms:generatedatakey": "its topics are encrypted",
    "kms:generatedatakey*": "its topics are encrypted",
    "ssmmessages:createcontrolchannel": "ECS Exec, by which an engineer runs its command line beside it",
    "ssmmessages:createdatachannel": "ECS Exec",
    "ssmmessages:opencontrolchannel": "ECS Exec",
    "ssmmessages:opendatachannel": "ECS Exec",
}


class Policy(NamedTuple):
    """A policy and where it stands."""

    address: str
    type: str
    text: str


def policies(state: Document) -> Iterator[Policy]:
    """Every policy of the environment."""
    for one in state.resources:
        for key in POLICY_ARGUMENTS:
            text = one.values.get(key)
            if isinstance(text, str) and policy(text).get("Statement"):
                yield Policy(f"{one.address}.{key}", one.type, text)


def _name(state: Document, address: str) -> str:
    resource = address.rsplit(".", 1)[0]
    return next((one.text("name") for one in state.resources if one.address == resource), "")


def _unbounded(actions: list[str]) -> list[str]:
    """The actions that could name a resource."""
    known = lambda action: any(
        action == one or (one.endswith("*") and action.startswith(one[:-1])) for one in NO_RESOURCE
    )
    return sorted(action for action in actions if not known(action.lower()))


def stars(state: Document) -> list[str]:
    """Identity policies that allow something on everything."""
    found = []
    for one in policies(state):
        name = _name(state, one.address)
        if one.type not in IDENTITY or any(name.endswith(wide) for wide in WIDE):
            continue
        for statement in statements(one.text):
            actions = [str(action) for action in listed(statement.get("Action"))]
            if any(action == "*" or action.endswith(":*") for action in actions):
                found.append(f"{one.address} allows {actions} without naming actions")
            if "*" in listed(statement.get("Resource")) and not statement.get("Condition"):
                left = _unbounded(actions)
                if left:
                    found.append(f"{one.address} allows {', '.join(left)} on every resource")
            if any(action.lower() == "iam:passrole" for action in actions):
                if "iam:PassedToService" not in str(statement.get("Condition")):
                    found.append(f"{one.address} passes roles to any service")
    return found


def strangers(state: Document) -> list[str]:
    """Resource policies that let anybody in."""
    found = []
    for one in policies(state):
        for statement in statements(one.text):
            principal = statement.get("Principal")
            everybody = principal == "*" or (isinstance(principal, dict) and "*" in listed(principal.get("AWS")))
            if everybody and not statement.get("Condition"):
                found.append(f"{one.address} lets everybody in")
    return found


def _control_role(state: Document) -> str:
    """The name of control's task role, by the task definition of its service."""
    for one in state.of("aws_ecs_task_definition"):
        if re.search(r"(^|[-/])control$", one.text("family")):
            return one.text("task_role_arn")
    return ""


def control_actions(state: Document) -> set[str]:
    """What control's task role is allowed, in lower case."""
    arn = _control_role(state)
    roles = [one for one in state.of("aws_iam_role") if one.text("arn") == arn]
    names = {one.text(key) for one in roles for key in ("name", "id")}
    texts = [one.text("policy") for one in state.of("aws_iam_role_policy") if one.text("role") in names]
    attached = {
        one.text("policy_arn") for one in state.of("aws_iam_role_policy_attachment") if one.text("role") in names
    }
    texts += [one.text("policy") for one in state.of("aws_iam_policy") if one.text("arn") in attached]
    known = {one.text("arn") for one in state.of("aws_iam_policy")}
    actions = {
        str(action).lower() for text in texts for one in statements(text) for action in listed(one.get("Action"))
    }
    return actions | {f"everything in {arn}" for arn in attached - known}


def control(state: Document, root: Path) -> list[str]:
    """Calls that control may not make, and rights that it does not use."""
    called = sdk.calls(root / "control/src/aws")
    allowed = control_actions(state)
    if not allowed:
        return ["control's task role, or its policy, was not found"]
    found = [f"control calls {one} ({called[one]}) and may not" for one in sorted(called.keys() - allowed)]
    return found + [
        f"control may {one} and never calls it" for one in sorted(allowed - called.keys() - BESIDE_CALLS.keys())
    ]


def sound(state: Document) -> list[str]:
    """What parliament finds: actions and resources that do not exist, conditions that cannot hold."""
    import parliament  # only here: the other checks need no package

    found = []
    for one in policies(state):
        document = policy(one.text)
        # parliament knows identity policies; a trust or resource policy has a principal and may lack a resource.
        for statement in listed(document["Statement"]):
            statement.pop("Principal", None)
            statement.pop("NotPrincipal", None)
            if one.type not in IDENTITY and "Resource" not in statement and "NotResource" not in statement:
                statement["Resource"] = "*"
            # The throw-away apply knows no ARN of a secret that RDS makes; its place is empty there.
            for key in ("Resource", "NotResource"):
                if "" in listed(statement.get(key)):
                    statement[key] = [name for name in listed(statement[key]) if name]
        analyzed = parliament.analyze_policy_string(json.dumps(document))
        for finding in analyzed.findings:
            # AWS documents ArnLike for the encryption context of log groups, which parliament takes for plain text.
            known = finding.issue == "MISMATCHED_TYPE" and "kms:EncryptionContext:aws:logs:arn" in one.text
            if finding.issue in ISSUES and not known:
                found.append(f"{one.address}: {finding.issue} {finding.detail} {finding.location}")
    return found


def check(world: World, root: Path) -> list[str]:
    """All of it."""
    return stars(world.state) + strangers(world.state) + control(world.state, root) + sound(world.state)
