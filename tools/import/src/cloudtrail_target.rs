//! What a CloudTrail event was done to.
//!
//! Invariant: the event's own `resources` come first; the table of request parameters is asked only
//! where they name nothing. Types are spelled as CloudFormation spells them.

use crate::raw::{Object, text};

/// Type and name of the target.
pub(crate) fn target_of(event: &Object<'_>) -> Option<(String, String)> {
    named_resource(event).or_else(|| requested(event))
}

/// The most specific entry of `resources`: an object before its bucket, otherwise the first.
fn named_resource(event: &Object<'_>) -> Option<(String, String)> {
    let mut best: Option<(String, String)> = None;
    for element in event.elements("resources") {
        let Some(resource) = Object::of(element) else { continue };
        let id = resource.first_text(&["ARN", "arn", "resourceName", "ARNPrefix"]);
        let kind = resource.first_text(&["type", "resourceType"]);
        let (Some(id), kind) = (id, kind.unwrap_or_else(|| "AWS::Resource".to_owned())) else {
            continue;
        };
        if best.is_none() || kind == "AWS::S3::Object" {
            best = Some((kind, id));
        }
    }
    best
}

fn requested(event: &Object<'_>) -> Option<(String, String)> {
    let asked = event.object("requestParameters");
    if let Some(bucket) = asked.first_text(&["bucketName", "bucket"]) {
        return Some(match asked.text("key") {
            Some(key) => ("AWS::S3::Object".to_owned(), format!("{bucket}/{key}")),
            None => ("AWS::S3::Bucket".to_owned(), bucket),
        });
    }
    if let (Some(kind), Some(id)) = (asked.text("resourceType"), asked.text("resourceId")) {
        return Some((kind, id));
    }
    let known = PARAMETERS.iter().find_map(|(name, kind)| {
        let id = asked.get(name).and_then(text)?;
        Some(((*kind).to_owned(), id))
    });
    known.or_else(|| by_service(event, &asked)).or_else(|| first_instance(&asked))
}

/// `name` means something else in every service.
fn by_service(event: &Object<'_>, asked: &Object<'_>) -> Option<(String, String)> {
    let id = asked.text("name")?;
    let kind = match event.text("eventSource")?.as_str() {
        "ssm.amazonaws.com" => "AWS::SSM::Parameter",
        "secretsmanager.amazonaws.com" => "AWS::SecretsManager::Secret",
        "cloudtrail.amazonaws.com" => "AWS::CloudTrail::Trail",
        "events.amazonaws.com" => "AWS::Events::Rule",
        _ => "AWS::Resource",
    };
    Some((kind.to_owned(), id))
}

/// EC2 lists its instances one level down.
fn first_instance(asked: &Object<'_>) -> Option<(String, String)> {
    let set = asked.object("instancesSet");
    let items = set.elements("items");
    let id = items.iter().find_map(|item| Object::of(item)?.text("instanceId"))?;
    Some(("AWS::EC2::Instance".to_owned(), id))
}

/// Request parameters that name one thing, the more specific ones first.
const PARAMETERS: [(&str, &str); 38] = [
    ("secretId", "AWS::SecretsManager::Secret"),
    ("policyArn", "AWS::IAM::ManagedPolicy"),
    ("instanceProfileName", "AWS::IAM::InstanceProfile"),
    ("roleName", "AWS::IAM::Role"),
    ("roleArn", "AWS::IAM::Role"),
    ("groupName", "AWS::IAM::Group"),
    ("accessKeyId", "AWS::IAM::AccessKey"),
    ("userName", "AWS::IAM::User"),
    ("keyId", "AWS::KMS::Key"),
    ("aliasName", "AWS::KMS::Alias"),
    ("functionName", "AWS::Lambda::Function"),
    ("dBInstanceIdentifier", "AWS::RDS::DBInstance"),
    ("dBSnapshotIdentifier", "AWS::RDS::DBSnapshot"),
    ("dBClusterIdentifier", "AWS::RDS::DBCluster"),
    ("tableName", "AWS::DynamoDB::Table"),
    ("topicArn", "AWS::SNS::Topic"),
    ("queueUrl", "AWS::SQS::Queue"),
    ("streamName", "AWS::Kinesis::Stream"),
    ("logGroupName", "AWS::Logs::LogGroup"),
    ("trailName", "AWS::CloudTrail::Trail"),
    ("stackName", "AWS::CloudFormation::Stack"),
    ("clusterName", "AWS::EKS::Cluster"),
    ("loadBalancerName", "AWS::ElasticLoadBalancing::LoadBalancer"),
    ("autoScalingGroupName", "AWS::AutoScaling::AutoScalingGroup"),
    ("documentName", "AWS::SSM::Document"),
    ("associationId", "AWS::SSM::Association"),
    ("instanceId", "AWS::EC2::Instance"),
    ("groupId", "AWS::EC2::SecurityGroup"),
    ("snapshotId", "AWS::EC2::Snapshot"),
    ("volumeId", "AWS::EC2::Volume"),
    ("imageId", "AWS::EC2::Image"),
    ("networkInterfaceId", "AWS::EC2::NetworkInterface"),
    ("routeTableId", "AWS::EC2::RouteTable"),
    ("subnetId", "AWS::EC2::Subnet"),
    ("vpcEndpointId", "AWS::EC2::VPCEndpoint"),
    ("vpcId", "AWS::EC2::VPC"),
    ("detectorId", "AWS::GuardDuty::Detector"),
    ("distributionId", "AWS::CloudFront::Distribution"),
];
