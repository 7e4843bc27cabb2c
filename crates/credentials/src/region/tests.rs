//! The order of the places, and invalid regions.

use super::{Region, RegionError, locate_region, resolve_region};
use crate::seam::{HttpFn, MapEnv, MapFiles, World};

const CONFIG: &str = "[default]\nregion = eu-west-4\n[profile other]\nregion = eu-west-5\n[profile empty]\n";

fn world(env: MapEnv, config: &str) -> World {
    World::builder().with_env(env.with("HOME", "/h")).with_files(MapFiles::new().with("/h/.aws/config", config)).build()
}

#[tokio::test]
async fn the_first_place_wins() {
    let mut env = MapEnv::new();
    let mut found = Vec::new();
    for (variable, region) in
        [("", ""), ("AWS_DEFAULT_REGION", "eu-west-3"), ("AWS_REGION", "eu-west-2"), ("AWS_REGION_NAME", "eu-west-1")]
    {
        if !variable.is_empty() {
            env = env.with(variable, region);
        }
        found.push(resolve_region(&world(env.clone(), CONFIG), None, None).await.unwrap().to_string());
    }
    assert_eq!(found, ["eu-west-4", "eu-west-3", "eu-west-2", "eu-west-1"]);
    let explicit = resolve_region(&world(env, CONFIG), Some("us-east-1"), Some("other")).await.unwrap();
    assert_eq!(explicit.as_str(), "us-east-1");
    let profile = resolve_region(&world(MapEnv::new(), CONFIG), None, Some("other")).await.unwrap();
    assert_eq!(profile.as_str(), "eu-west-5");
    let env = MapEnv::from([("AWS_PROFILE_NAME", "other")]);
    assert_eq!(resolve_region(&world(env, CONFIG), None, None).await.unwrap().as_str(), "eu-west-5");
}

#[tokio::test]
async fn says_where_it_was_found_and_what_was_passed_over() {
    let env = MapEnv::from([("AWS_DEFAULT_REGION", "eu-west-3")]);
    let located = locate_region(&world(env, CONFIG), None, None).await.unwrap();
    assert_eq!(located.source, "AWS_DEFAULT_REGION");
    let passed: Vec<_> = located.passed_over.iter().map(|attempt| &*attempt.source).collect();
    assert_eq!(passed, ["aws_region_name", "AWS_REGION_NAME", "AWS_REGION"]);
    let located = locate_region(&world(MapEnv::new(), CONFIG), None, None).await.unwrap();
    assert_eq!(located.source, "`region` in the profile");
}

#[tokio::test]
async fn the_instance_is_asked_last() {
    let http = HttpFn::new(|request, _| {
        let body = match request.uri().path() {
            "/latest/api/token" => "token",
            "/latest/meta-data/placement/region" => "ap-south-1",
            other => panic!("{other}"),
        };
        Ok(http::Response::new(body.into()))
    });
    let world = world(MapEnv::new(), "").to_builder().with_http(http).build();
    assert_eq!(resolve_region(&world, None, None).await.unwrap().as_str(), "ap-south-1");
}

#[tokio::test]
async fn none_anywhere_says_what_to_set_and_where_it_looked() {
    let env = MapEnv::from([("AWS_EC2_METADATA_DISABLED", "true")]);
    let error = resolve_region(&world(env, CONFIG), None, Some("empty")).await.unwrap_err();
    let text = error.to_string();
    for part in
        ["set `aws_region_name`", "AWS_DEFAULT_REGION (not set)", "profile `empty` (it has no", "instance metadata"]
    {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_host_label_is_refused_where_it_was_set() {
    for bad in ["eu-west-1.evil.example", "eu_west_1", "a/b", "-a", "a-", "é", &"a".repeat(64)] {
        assert!(matches!(Region::new(bad), Err(RegionError::Invalid { .. })), "{bad}");
    }
    let error = resolve_region(&world(MapEnv::from([("AWS_REGION", "x/y\n")]), CONFIG), None, None).await.unwrap_err();
    assert!(error.to_string().starts_with("invalid AWS region `x/y` in AWS_REGION"), "{error}");
    assert_eq!(Region::new(" us-east-1 ").unwrap().as_str(), "us-east-1");
}

#[tokio::test]
async fn a_broken_file_matters_only_where_it_is_read() {
    let broken = world(MapEnv::from([("AWS_REGION", "eu-west-2")]), "[broken");
    assert_eq!(resolve_region(&broken, None, None).await.unwrap().as_str(), "eu-west-2");
    let error = resolve_region(&world(MapEnv::new(), "[broken"), None, None).await.unwrap_err();
    assert!(matches!(error, RegionError::Config(_)));
}
