"""Trap 4: a page reaches people. Topics have the promised channels, and key and topic let the publishers in."""

import fnmatch

from .world import Document, World, listed, statements

# What the seed promises: P1 by SMS and e-mail, P2 and P3 by e-mail, P4 on dashboards.
CHANNELS = {"P1": {"sms", "email"}, "P2": {"email"}, "P3": {"email"}, "P4": set()}
PUBLISHERS = {
    "cloudwatch.amazonaws.com": "alarms",
    "events.amazonaws.com": "events",
    "budgets.amazonaws.com": "the budget",
    "costalerts.amazonaws.com": "cost anomalies",
    "backup.amazonaws.com": "backups",
}
KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")


def _services(text: str, actions: tuple[str, ...]) -> set[str]:
    """The services that a policy lets do all of these."""
    granted: dict[str, set[str]] = {}
    for one in statements(text):
        principal = one.get("Principal")
        services = listed(principal.get("Service")) if isinstance(principal, dict) else []
        patterns = [str(action).lower() for action in listed(one.get("Action"))]
        has = {action for action in actions if any(fnmatch.fnmatch(action.lower(), pattern) for pattern in patterns)}
        for service in services:
            granted.setdefault(service, set()).update(has)
    return {service for service, has in granted.items() if has == set(actions)}


def _key_policies(state: Document) -> dict[str, str]:
    """The policy of each key by its ARN, and by its identifier."""
    policies = {}
    for key in state.of("aws_kms_key"):
        attached = [
            one
            for one in state.of("aws_kms_key_policy")
            if one.values.get("key_id") in (key.values.get("id"), key.values.get("key_id"), key.values.get("arn"))
        ]
        text = attached[0].text("policy") if attached else key.text("policy")
        for name in ("arn", "id", "key_id"):
            policies[key.text(name)] = text
    return policies


def check(world: World) -> list[str]:
    """Severities without a channel, alarms without a topic, topics that a publisher cannot use."""
    state, found = world.state, []
    topics = {one.text("arn"): one for one in state.of("aws_sns_topic")}
    protocols: dict[str, set[str]] = {}
    for one in state.of("aws_sns_topic_subscription"):
        protocols.setdefault(one.text("topic_arn"), set()).add(one.text("protocol"))

    told: dict[str, set[str]] = {}
    for alarm in state.of("aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm"):
        severity = (alarm.values.get("tags") or {}).get("Severity", "none")
        for action in alarm.values.get("alarm_actions") or []:
            if action not in topics:
                found.append(f"{alarm.address} tells {action}, which is no topic of the environment")
            told.setdefault(severity, set()).update(protocols.get(action, set()))
    for severity, wanted in CHANNELS.items():
        if severity not in told:
            found.append(f"no alarm is of severity {severity}")
        elif told[severity] != wanted:
            have, want = ("+".join(sorted(one)) or "nothing" for one in (told[severity], wanted))
            found.append(f"{severity} goes out by {have}; promised is {want}")

    keys = _key_policies(state)
    topic_policies = {one.text("arn"): one.text("policy") for one in state.of("aws_sns_topic_policy")}
    for arn, topic in topics.items():
        key = topic.text("kms_master_key_id")
        if not key:
            found.append(f"{topic.address} is not encrypted")
        elif key not in keys:
            found.append(f"{topic.address} is encrypted with {key}, which is no key of the environment")
        else:
            for service in PUBLISHERS.keys() - _services(keys[key], KEY_ACTIONS):
                found.append(
                    f"{topic.address}: the key does not let {service} in, so {PUBLISHERS[service]} reach nobody"
                )
        for service in PUBLISHERS.keys() - _services(topic_policies.get(arn, ""), ("sns:Publish",)):
            found.append(
                f"{topic.address}: the topic does not let {service} publish, so {PUBLISHERS[service]} reach nobody"
            )
    for target in state.of("aws_cloudwatch_event_target"):
        if target.text("arn") not in topics:
            found.append(f"{target.address} sends to {target.text('arn')}, which is no topic of the environment")
    return found
