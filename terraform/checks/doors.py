"""What a scanner cannot follow from module to module: groups and lists that guard something, a firewall, TLS."""

from .world import World, strings

# Groups that no resource of the plan carries, and why.
CARRIED_LATER = {
    "setup": "tasks that are run once by hand carry it",
    "endpoints": "interface endpoints carry it, of which a small environment has none",
}
KNOWN_BAD_INPUTS = "AWSManagedRulesKnownBadInputsRuleSet"
_RULES = ("aws_security_group", "aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule")


def check(world: World) -> list[str]:
    """What guards nothing, and what nothing guards."""
    state, found = world.state, []
    carried = {
        text for one in state.resources if one.type not in _RULES for path, text in strings(one.values) if path != "id"
    }
    for group in state.of("aws_security_group"):
        if group.text("id") not in carried and not any(name in group.address for name in CARRIED_LATER):
            found.append(f"{group.address} is attached to nothing")
    for one in state.of("aws_network_acl"):
        if not one.values.get("subnet_ids"):
            found.append(f"{one.address} guards no subnet")

    acls = {one.text("arn"): one for one in state.of("aws_wafv2_web_acl")}
    guarded = {one.text("resource_arn"): one.text("web_acl_arn") for one in state.of("aws_wafv2_web_acl_association")}
    for balancer in state.of("aws_lb"):
        acl = acls.get(guarded.get(balancer.text("arn"), ""))
        if acl is None:
            found.append(f"{balancer.address} has no firewall")
        elif KNOWN_BAD_INPUTS not in {text for _, text in strings(acl.values)}:
            found.append(f"{acl.address} lets known attacks through (Log4j among them)")

    groups = {}
    for one in state.of("aws_db_parameter_group", "aws_rds_cluster_parameter_group"):
        groups[one.text("name")] = groups[one.text("id")] = {
            pair["name"]: pair["value"] for pair in one.values.get("parameter") or []
        }
    for key, types in (
        ("db_cluster_parameter_group_name", "aws_rds_cluster"),
        ("parameter_group_name", "aws_db_instance"),
    ):
        for one in state.of(types):
            if groups.get(one.text(key), {}).get("require_secure_transport") != "ON":
                found.append(f"{one.address} takes connections without TLS")
    return found
