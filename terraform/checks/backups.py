"""Trap 6: backups are taken of the ledger, locked, kept, copied to another region, and restored as a test."""

from .world import World

HOME = "sa-east-1"
DATABASES = ("aws_rds_cluster",)


def _days(rule: dict) -> int:
    lifecycle = (rule.get("lifecycle") or [{}])[0]
    return int(lifecycle.get("delete_after") or 0)


def check(world: World) -> list[str]:
    """What would be missing on the day it is needed."""
    state, found = world.state, []
    selections = [tag for one in state.of("aws_backup_selection") for tag in one.values.get("selection_tag") or []]
    if not selections:
        found.append("nothing selects what is backed up")
    for one in state.of(*DATABASES):
        tags = one.values.get("tags_all") or one.values.get("tags") or {}
        if not any(tags.get(tag["key"]) == tag["value"] for tag in selections):
            found.append(f"{one.address} carries none of the tags that are backed up: {selections}")
        if int(one.values.get("backup_retention_period") or 0) < 7:
            found.append(f"{one.address} keeps its own point-in-time recovery for less than a week")
    if not state.of(*DATABASES):
        found.append("there is no database to back up")

    vaults = {one.text("name"): one for one in state.of("aws_backup_vault")}
    locked = {one.text("backup_vault_name"): one for one in state.of("aws_backup_vault_lock_configuration")}
    regions = {one.text("arn"): one.text("region") for one in vaults.values()}
    for name, vault in vaults.items():
        if name not in locked:
            found.append(f"{vault.address} is not locked")
        elif int(locked[name].values.get("min_retention_days") or 0) < 7:
            found.append(f"{vault.address} lets recovery points go within a week")
        if not vault.text("kms_key_arn"):
            found.append(f"{vault.address} is not encrypted with a key of ours")
    for plan in state.of("aws_backup_plan"):
        for rule in plan.values.get("rule") or []:
            where = f"{plan.address} {rule['rule_name']}"
            if rule["target_vault_name"] not in vaults:
                found.append(f"{where} goes to {rule['target_vault_name']}, which is no vault of the environment")
            if _days(rule) < 7:
                found.append(f"{where} is kept for {_days(rule)} days")
            copies = rule.get("copy_action") or []
            if len(vaults) > 1 and not copies:
                found.append(f"{where} is not copied although a second vault exists")
            for copy in copies:
                region = regions.get(copy["destination_vault_arn"])
                if region is None or region == HOME:
                    found.append(
                        f"{where} is copied to {region or copy['destination_vault_arn']}, which is not another region of ours"
                    )
    if not state.of("aws_backup_plan"):
        found.append("there is no backup plan")
    if not state.of("aws_backup_restore_testing_selection"):
        found.append("no restore is ever tested")
    return found
