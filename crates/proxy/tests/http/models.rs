//! What the proxy says of its models.

use http::Method;
use sagewire_proxy::{ServedDeployment, ServedModel, config::Mode};
use serde_json::json;

use crate::client::Proxy;

#[tokio::test]
async fn models_are_listed_in_openais_shape() {
    let proxy = Proxy::start().await;
    let list = proxy.get("/v1/models").await.json();
    assert_eq!(list["object"], "list");
    assert_eq!(
        list["data"][0],
        json!({"id": "echo", "object": "model", "created": 1_677_610_602, "owned_by": "sagemaker"})
    );
    assert!(!list.to_string().contains('*'), "a pattern is no model: {list}");
    assert_eq!(proxy.get("/models/echo").await.json()["id"], "echo");
    assert_eq!(proxy.get("/models/sagemaker/anything").await.json()["id"], "sagemaker/anything");
    let unknown = proxy.get("/v1/models/nobody").await;
    assert_eq!((unknown.status.as_u16(), &unknown.json()["error"]["code"]), (404, &json!("model_not_found")));
}

#[tokio::test]
async fn what_is_known_of_deployments_shows_neither_names_nor_credentials() {
    let parameters = json!({
        "temperature": 0.5, "aws_region_name": "eu-west-1", "aws_secret_access_key": "hush", "sagemaker_base_url": "http://inside",
    });
    let deployment = ServedDeployment::new("d-1", "sagemaker/hidden")
        .with_mode(Mode::Embedding)
        .with_info(json!({"owner": "me"}).as_object().unwrap().clone())
        .with_parameters(parameters.as_object().unwrap().clone());
    let proxy = Proxy::with(|app| app.model(ServedModel::new("e").with_deployment(deployment))).await;
    let info = proxy.get("/v1/model/info").await.json();
    let entry = info["data"].as_array().unwrap().iter().find(|entry| entry["model_name"] == "e").unwrap();
    assert_eq!(
        *entry,
        json!({
            "model_name": "e",
            "litellm_params": {"temperature": 0.5},
            "model_info": {"owner": "me", "id": "d-1", "mode": "embedding"},
        })
    );
}

#[tokio::test]
async fn the_description_names_every_path_that_is_served() {
    let proxy = Proxy::start().await;
    let document = proxy.get("/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 15, "{paths:?}");
    for (path, operations) in paths {
        let real = path.replace("{model}", "echo").replace("{id}", "echo").replace("{file}", "main.js");
        for method in operations.as_object().unwrap().keys() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer = proxy.send(method.clone(), &real, &[], "{}").await;
            // A stored response of that id is not there; the route is.
            let is_unknown = answer.status == 405 || answer.text().contains("unknown_url");
            assert!(!is_unknown, "{method} {real}: {}", answer.status);
        }
    }
}
