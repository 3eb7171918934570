"""For each trap: the sound environment passes, and each way to break it is found and named."""

import unittest
from pathlib import Path

from .. import backups, cost, doors, drift, exposure, grants, metrics, parity, people, resolve, scan, sdk, watch
from ..world import Document, World
from .broken import NOTIFY, SERVICES, add, alarm, allow, control_role, put, without, world

ROOT = Path(__file__).resolve().parents[3]


class Checks(unittest.TestCase):
    """A table for each check: how it is broken, and a word of the finding."""

    def table(self, check, rows) -> None:
        self.assertEqual(check(world()), [], "the sound environment")
        for change, word in rows:
            found = check(world(change))
            self.assertTrue(any(word in one for one in found), f"wanted '{word}', found {found}")

    def test_secrets_in_the_clear(self) -> None:
        database = ("aws_rds_cluster", "this")
        self.table(
            exposure.check,
            [
                (put(*database, master_password="hunter2-hunter2"), "master_password holds a value"),
                (put(*database, master_password_wo="hunter2"), "write-only and was stored"),
                (put(*database, note="AKIAABCDEFGHIJKLMNOP"), "an access key"),
                (put(*database, note="-----BEGIN RSA PRIVATE KEY-----"), "a private key"),
                (put(*database, note="redis://wallet:hunter2@cache:6379"), "a password in a URL"),
                (put(*database, note='{"username": "x", "password": "hunter2"}'), "a password in JSON"),
            ],
        )
        self.assertEqual(
            exposure.check(world(put(*database, auth_token="arn:aws:secretsmanager:x"))),
            [],
            "a name of a secret is none",
        )
        written = Document({"planned_values": {}, "configuration": {"root_module": {"x": "AKIAABCDEFGHIJKLMNOP"}}})
        self.assertTrue(exposure.check(World("test", written, Document({}))), "a secret written into a file")
        plan = Document({"planned_values": {}, "variables": {"db_password": {"value": "hunter2"}}})
        self.assertIn(
            "plan: the variable db_password carries a secret; pass its ARN instead",
            exposure.check(World("test", plan, Document({}))),
        )

    def test_pages_that_reach_nobody(self) -> None:
        self.table(
            people.check,
            [
                (without("aws_sns_topic_subscription", "p1-sms"), "P1 goes out by email; promised is email+sms"),
                (without("aws_sns_topic_subscription", "p2"), "P2 goes out by nothing"),
                (
                    lambda all_: all_.append(
                        {
                            "type": "aws_sns_topic_subscription",
                            "name": "x",
                            "values": {"topic_arn": NOTIFY + "p4", "protocol": "sms"},
                        }
                    ),
                    "P4 goes out by sms",
                ),
                (
                    put("aws_kms_key", "notify", policy=allow(Action="kms:Decrypt", Principal={"Service": SERVICES})),
                    "the key does not let",
                ),
                (
                    put("aws_kms_key", "notify", policy=allow(Action="kms:*", Principal={"Service": SERVICES[1:]})),
                    "the key does not let cloudwatch.amazonaws.com in",
                ),
                (
                    put(
                        "aws_sns_topic_policy",
                        "p1",
                        policy=allow(Action="sns:Publish", Principal={"Service": SERVICES[:1]}),
                    ),
                    "does not let events.amazonaws.com publish",
                ),
                (
                    put("aws_cloudwatch_metric_alarm", "heart", alarm_actions=[NOTIFY + "gone"]),
                    "no topic of the environment",
                ),
                (put("aws_sns_topic", "p1", kms_master_key_id=None), "is not encrypted"),
            ],
        )

    def test_alarms_on_nothing(self) -> None:
        writer = ("aws_cloudwatch_metric_alarm", "writer")
        self.table(
            lambda one: watch.check(one, ROOT),
            [
                (put(*writer, metric_name="EngineUpTime"), "which nobody emits"),
                (
                    put(*writer, dimensions={"DBClusterIdentifier": "wallet-test", "Rolle": "WRITER"}),
                    "has no dimensions",
                ),
                (
                    put(*writer, dimensions={"DBClusterIdentifier": "wallet-old", "Role": "WRITER"}),
                    "no resource of the environment has that",
                ),
                (put(*writer, treat_missing_data="missing"), "does not decide what silence means"),
                (put(*writer, treat_missing_data="notBreaching"), "if the database fell silent, no alarm would go off"),
                (
                    put("aws_cloudwatch_metric_alarm", "heart", tags={"Severity": "P3"}),
                    "if control fell silent, nobody would be paged",
                ),
                (put("aws_cloudwatch_metric_alarm", "broker", alarm_actions=[]), "if the broker fell silent"),
                (
                    put(
                        "aws_cloudwatch_metric_alarm",
                        "declines",
                        dimensions={"Environment": "test", "Operation": "deposits"},
                    ),
                    "Operation is deposits",
                ),
                (
                    put("aws_cloudwatch_metric_alarm", "traffic", dimensions={"Environment": "prod"}),
                    "Environment is prod",
                ),
                (
                    lambda all_: all_.append(
                        {
                            "type": "aws_cloudwatch_dashboard",
                            "name": "x",
                            "values": {
                                "dashboard_body": '{"widgets": [{"properties": {"title": "t", "metrics": [["Wallet", "Revenue", "Environment", "test"]]}}]}'
                            },
                        }
                    ),
                    "Wallet Revenue, which nobody emits",
                ),
                (
                    lambda all_: all_.append(
                        alarm(
                            "tasks",
                            "P3",
                            "ECS/ContainerInsights",
                            "RunningTaskCount",
                            {"ClusterName": "c", "ServiceName": "s"},
                        )
                    ),
                    "Container Insights, which is off",
                ),
                (add("aws_cloudwatch_query_definition", log_group_names=["/gone"]), "/gone, which is not there"),
                (add("aws_cloudwatch_log_metric_filter", log_group_name="/gone"), "/gone, which is not there"),
            ],
        )

    def test_backups_to_nowhere(self) -> None:
        home = "arn:aws:backup:sa-east-1:123456789012:backup-vault:copy"
        self.table(
            backups.check,
            [
                (put("aws_rds_cluster", "this", tags_all={"Backup": "weekly"}), "carries none of the tags"),
                (
                    put("aws_backup_vault", "copy", region="sa-east-1"),
                    "is copied to sa-east-1, which is not another region",
                ),
                (put("aws_backup_vault", "copy", arn=home), "which is not another region"),
                (without("aws_backup_vault_lock_configuration", "copy"), "is not locked"),
                (
                    put(
                        "aws_backup_plan",
                        "this",
                        rule=[{"rule_name": "daily", "target_vault_name": "home", "lifecycle": [{"delete_after": 35}]}],
                    ),
                    "is not copied although",
                ),
                (
                    put(
                        "aws_backup_plan",
                        "this",
                        rule=[{"rule_name": "daily", "target_vault_name": "gone", "lifecycle": [{"delete_after": 1}]}],
                    ),
                    "is kept for 1 days",
                ),
                (without("aws_backup_restore_testing_selection"), "no restore is ever tested"),
                (without("aws_backup_selection"), "nothing selects"),
            ],
        )

    def test_doors_that_nothing_guards(self) -> None:
        self.table(
            doors.check,
            [
                (put("aws_lb", "this", security_groups=[]), "is attached to nothing"),
                (put("aws_network_acl", "data", subnet_ids=[]), "guards no subnet"),
                (without("aws_wafv2_web_acl_association"), "has no firewall"),
                (
                    put("aws_wafv2_web_acl", "this", rule=[{"name": "AWSManagedRulesCommonRuleSet"}]),
                    "lets known attacks through",
                ),
                (put("aws_rds_cluster_parameter_group", "this", parameter=[]), "takes connections without TLS"),
            ],
        )

    def test_rights_beyond_what_is_called(self) -> None:
        called = sorted(sdk.calls(ROOT / "control/src/aws"))
        self.assertGreater(len(called), 20)
        control = lambda actions: grants.control(world(more=control_role(actions)).state, ROOT)
        self.assertEqual(control(called + ["kms:Decrypt"]), [])
        self.assertEqual(control(called + ["ecs:DeleteService"]), ["control may ecs:deleteservice and never calls it"])
        self.assertEqual(
            control([one for one in called if one != "sns:publish"]), ["control calls sns:publish (sns.rs) and may not"]
        )
        self.assertEqual(grants.control(world().state, ROOT), ["control's task role, or its policy, was not found"])

    def test_stars_and_strangers(self) -> None:
        identity = lambda text: grants.stars(
            world(more=[{"type": "aws_iam_policy", "name": "x", "values": {"name": "x", "policy": text}}]).state
        )
        self.assertEqual(identity(allow(Action="cloudwatch:PutMetricData")), [], "AWS knows no resource for it")
        self.assertTrue(any("on every resource" in one for one in identity(allow(Action="sns:Publish"))))
        self.assertTrue(
            any("without naming actions" in one for one in identity(allow(Action="ecs:*", Resource="arn:x")))
        )
        self.assertTrue(any("passes roles" in one for one in identity(allow(Action="iam:PassRole", Resource="arn:x"))))
        self.assertTrue(
            grants.strangers(
                world(put("aws_sns_topic_policy", "p1", policy=allow(Action="sns:Publish", Principal="*"))).state
            )
        )

    def test_unsound_policies(self) -> None:
        try:
            import parliament  # noqa: F401
        except ImportError:
            self.skipTest("parliament is not installed")
        policy = lambda **rest: grants.sound(
            world(more=[{"type": "aws_iam_policy", "name": "x", "values": {"policy": allow(**rest)}}]).state
        )
        self.assertEqual(policy(Action="ecs:UpdateService"), [])
        self.assertTrue(any("UNKNOWN_ACTION" in one for one in policy(Action="ecs:UpdateServices")))

    def test_sizes_prices_and_budgets(self) -> None:
        brokers = put("aws_msk_cluster", "this", number_of_broker_nodes=4)
        self.assertTrue(any("do not spread" in one for one in cost.sizes(world(brokers).state)))
        task = {"type": "aws_ecs_task_definition", "name": "x", "values": {"cpu": "4096", "memory": "4096"}}
        self.assertTrue(any("Fargate has no task" in one for one in cost.sizes(world(more=[task]).state)))
        prices = cost.Prices(ROOT)
        use = {
            "requests_a_second": 5,
            "log_bytes_a_request": 300,
            "other_log_gb": 1,
            "database_gb": 1,
            "ios_a_request": 1,
            "answer_kb": 1,
            "nat_gb_each": 1,
            "object_gb": 1,
            "image_gb": 1,
            "container_insights_metrics": 1,
            "audit_usd": 1,
        }
        lines = cost.bill(
            world(put("aws_elasticache_replication_group", "this", node_type="cache.r6g.medium")), ROOT, prices, use
        )
        self.assertEqual(prices.unknown, ["cache_hourly cache.r6g.medium"])
        self.assertAlmostEqual(
            sum(line.usd for line in lines if line.group == "broker"), 3 * (730 * 0.335 + 100 * 0.19)
        )
        self.assertEqual(cost.budget(world(), 900), [])
        self.assertEqual(len(cost.budget(world(), 1001)), 1, "a budget below the bill")
        self.assertEqual(len(cost.budget(world(), 500)), 1, "a budget that warns too late")
        self.assertEqual(len(cost.budget(world(without("aws_budgets_budget")), 500)), 1)

    def test_staging_that_is_not_the_product(self) -> None:
        compare = lambda change: parity.check(world(change, name="staging"), world(name="production"))
        cluster = ("aws_rds_cluster", "this")
        self.assertEqual(
            compare(
                put("aws_elasticache_replication_group", "this", node_type="cache.t4g.small", num_cache_clusters=2)
            ),
            [],
        )
        self.assertEqual(compare(put(*cluster, backup_retention_period=7)), [])
        self.assertTrue(compare(put(*cluster, storage_encrypted=False)))
        self.assertTrue(compare(put("aws_sns_topic", "p1", kms_master_key_id=None)))
        self.assertEqual(
            compare(without("aws_backup_restore_testing_selection")),
            ["only production has aws_backup_restore_testing_selection.this"],
        )

    def test_checks_left_out_need_a_reason_and_a_place(self) -> None:
        one = lambda reason: {"check_id": "CKV_1", "resource": "a.b", "check_result": {"suppress_comment": reason}}
        self.assertEqual(
            [bool(scan.unexplained([one(reason)])) for reason in ("clients travel", "no", "", None, "as above")],
            [False, True, True, True, True],
        )
        skips = [{"check": "CKV_1", "resources": ["a.*"], "in": ["HCL"], "reason": "it is so"}]
        self.assertEqual(scan.excused("HCL", [one("")], skips)[0], [])
        self.assertEqual(
            len(scan.excused("the plan of production", [one("")], skips)[0]), 1, "elsewhere it still fails"
        )
        self.assertEqual(scan.excused("HCL", [], skips)[2], skips, "a row that leaves nothing out")

    def test_only_what_a_scanner_judges_is_filled_in(self) -> None:
        plan = {
            "planned_values": {
                "root_module": {"resources": [{"address": "a", "values": {"version": None, "name": "n"}}]}
            }
        }
        state = {
            "values": {
                "root_module": {
                    "resources": [
                        {"address": "a", "values": {"kms_key_id": "k", "version": "v", "name": "other", "other": "o"}}
                    ]
                }
            }
        }
        filled = resolve.resolve(plan, state)["planned_values"]["root_module"]["resources"][0]["values"]
        self.assertEqual(filled, {"kms_key_id": "k", "version": None, "name": "n"})

    def test_what_autoscaling_moves_is_found(self) -> None:
        attributes = {"desired_count": 6, "name": "x", "nested": [{"volume_size": 100}]}
        self.assertTrue(drift.move(attributes, "desired_count", lambda value: value + 6))
        self.assertTrue(drift.move(attributes, "volume_size", lambda value: value + 1))
        self.assertEqual(attributes, {"desired_count": 12, "name": "x", "nested": [{"volume_size": 101}]})
        self.assertFalse(drift.move(attributes, "min_capacity", lambda value: value))

    def test_our_metrics_are_read_from_their_source(self) -> None:
        ours = metrics.ours(ROOT)
        self.assertEqual(set(ours["Wallet/Control"]), {"Heartbeat", "CanaryLatencyMs", "CanarySuccess"})
        self.assertLessEqual(
            {"Requests", "Errors", "Declines", "LatencyMs", "OutboxPending", "OutboxOldestSeconds"}, set(ours["Wallet"])
        )
        self.assertIn("create_wallet", metrics.operations(ROOT))


if __name__ == "__main__":
    unittest.main()
