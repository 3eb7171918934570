"""Makes the environment `local`, as control expects it, in the emulator at the given address.

One thing is wrong with it: the service has fewer tasks than its floor.

Prints the ARN of the Kafka cluster, the one name that the emulator chooses itself.
"""

import sys

import boto3

REGION = "sa-east-1"


def client(service):
    return boto3.client(
        service,
        endpoint_url=sys.argv[1],
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def network():
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = []
    for number, zone in enumerate("abc"):
        block = f"10.0.{number}.0/24"
        made = ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=f"{REGION}{zone}")
        subnets.append(made["Subnet"]["SubnetId"])
    group = ec2.create_security_group(GroupName="wallet", Description="wallet", VpcId=vpc)
    return vpc, subnets, group["GroupId"]


def balancer(vpc, subnets):
    elb = client("elbv2")
    made = elb.create_load_balancer(Name="wallet", Subnets=subnets)
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]
    made = elb.create_target_group(
        Name="wallet-svc", Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip"
    )
    group = made["TargetGroups"][0]["TargetGroupArn"]
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=forward)
    targets = [{"Id": f"10.0.{number}.9", "Port": 8080} for number in range(3)]
    elb.register_targets(TargetGroupArn=group, Targets=targets)
    return group


def service(subnets, security, group):
    ecs = client("ecs")
    ecs.create_cluster(clusterName="wallet-local")
    ports = [{"containerPort": 8080}]
    made = ecs.register_task_definition(
        family="wallet-svc",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "wallet", "image": "wallet", "portMappings": ports}],
    )
    ecs.create_service(
        cluster="wallet-local",
        serviceName="wallet-svc",
        taskDefinition=made["taskDefinition"]["taskDefinitionArn"],
        # Below the floor of the environment: control must raise it.
        desiredCount=1,
        launchType="FARGATE",
        loadBalancers=[
            {"targetGroupArn": group, "containerName": "wallet", "containerPort": 8080}
        ],
        networkConfiguration={
            "awsvpcConfiguration": {"subnets": subnets, "securityGroups": [security]}
        },
    )
    client("application-autoscaling").register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId="service/wallet-local/wallet-svc",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=3,
        MaxCapacity=9,
    )


def stores(subnets):
    rds = client("rds")
    rds.create_db_cluster(
        DBClusterIdentifier="wallet-local",
        Engine="aurora-mysql",
        MasterUsername="wallet",
        MasterUserPassword="not-a-secret",
    )
    for number in (1, 2, 3):
        rds.create_db_instance(
            DBInstanceIdentifier=f"wallet-local-{number}",
            DBClusterIdentifier="wallet-local",
            DBInstanceClass="db.r6g.large",
            Engine="aurora-mysql",
        )
    client("elasticache").create_replication_group(
        ReplicationGroupId="wallet-local",
        ReplicationGroupDescription="wallet",
        CacheNodeType="cache.t4g.small",
        Engine="redis",
        NumNodeGroups=1,
        ReplicasPerNodeGroup=2,
        AutomaticFailoverEnabled=True,
    )
    made = client("kafka").create_cluster(
        ClusterName="wallet-local",
        KafkaVersion="3.6.0",
        NumberOfBrokerNodes=3,
        BrokerNodeGroupInfo={
            "InstanceType": "kafka.t3.small",
            "ClientSubnets": subnets,
            "StorageInfo": {"EbsStorageInfo": {"VolumeSize": 60}},
        },
    )
    return made["ClusterArn"]


def main():
    vpc, subnets, security = network()
    group = balancer(vpc, subnets)
    service(subnets, security, group)
    for severity in ("p1", "p2", "p3"):
        client("sns").create_topic(Name=f"wallet-local-{severity}")
    print(stores(subnets))


main()
