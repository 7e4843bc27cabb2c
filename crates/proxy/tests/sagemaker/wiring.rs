//! What a configuration is turned into.

use sagewire::credentials::seam::{MapEnv, World};
use sagewire_emulator::{AwsError, EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator, Scripted};
use sagewire_proxy::{Config, Wiring};
use serde_json::json;

use crate::setup::Setup;

fn wired(yaml: &str) -> Result<sagewire_proxy::App, String> {
    let world = World::builder().with_env(MapEnv::new()).build();
    let (config, _) = Config::from_yaml(yaml, &|_| None).map_err(|error| error.to_string())?;
    Wiring::new(world).app(&config, None).map_err(|error| error.to_string())
}

#[tokio::test]
async fn what_cannot_be_served_is_named_with_its_deployment() {
    for (params, says) in [
        ("{model: sagemakr/a}", "unsupported model `sagemakr/a`"),
        ("{model: my-endpoint}", "unsupported model `my-endpoint`"),
        ("{model: sagemaker/a, aws_region_name: 'no region!'}", "region"),
        ("{model: sagemaker/a, aws_nonsense: hush}", "aws_nonsense`"),
        (
            "{model: sagemaker/a, aws_web_identity_token: hush, aws_role_name: 'arn:aws:iam::123456789012:role/r'}",
            "aws_web_identity_token",
        ),
        ("{model: sagemaker/a, rpm: 0}", "`rpm`"),
    ] {
        let error = wired(&format!("model_list: [{{model_name: m, litellm_params: {params}}}]")).unwrap_err();
        assert!(error.contains(says) && error.contains("`m`"), "{params}: {error}");
        assert!(!error.contains("hush"), "{error}");
    }
}

/// All at once, each at its place; and what is right is not among them.
#[tokio::test]
async fn a_check_names_every_deployment_that_cannot_be_served() {
    let yaml = "model_list:
  - {model_name: right, litellm_params: {model: sagemaker/a, aws_region_name: us-east-1}}
  - {model_name: a, litellm_params: {model: sagemaker/my_endpoint, aws_region_name: us-east-1}}
  - {model_name: b, litellm_params: {model: my-endpoint}}
  - {model_name: c, litellm_params: {model: sagemaker/c, aws_region_name: us-east-1, sagemaker_base_url: not a url}}
  - {model_name: d, litellm_params: {model: sagemaker/d, aws_region_name: us-east-1, chat_template: /nowhere/t.jinja}}
  - {model_name: e, litellm_params: {model: sagemaker/e, aws_region_name: us-east-1, extra_headers: {authorization: x}}}
  - {model_name: f, litellm_params: {model: sagemaker/f}}
sagewire_settings: {tls: {certificate_file: /nowhere/c.pem, private_key_file: /nowhere/k.pem}}
";
    let (config, _) = Config::from_yaml(yaml, &|_| None).unwrap();
    let world = World::builder().build();
    let findings = Wiring::new(world).check(&config).await;
    let problems: Vec<_> = findings.problems.iter().map(ToString::to_string).collect();
    for (problem, place, says) in [
        (&problems[0], "line 3, column 45: ", "`my_endpoint`"),
        (&problems[1], "line 4, column 45: ", "`my-endpoint`"),
        (&problems[2], "line 5, column ", "URL"),
        (&problems[3], "line 6, column ", "t.jinja"),
        (&problems[4], "line 7, column ", "`authorization`"),
        (&problems[5], "line 1, column 1: ", "c.pem"),
    ] {
        assert!(problem.starts_with(place) && problem.contains(says), "{problems:#?}");
    }
    assert_eq!(problems.len(), 6, "{problems:#?}");
    let warnings: Vec<_> = findings.warnings.iter().map(ToString::to_string).collect();
    let expected = [
        "`right`: the model of the endpoint `a` is not known",
        "`f` has no region",
        "`f`: the model of the endpoint `f`",
    ];
    assert!(
        warnings.len() == 3 && warnings.iter().zip(expected).all(|(warning, says)| warning.contains(says)),
        "{warnings:#?}"
    );
}

/// By default a prompt in a guessed format is a warning; it is nothing where no prompt of a chat is
/// rendered here.
#[tokio::test]
async fn a_chat_model_without_a_known_template_is_named_before_its_first_call() {
    let yaml = |settings: &str| {
        format!(
            "model_list:
  - {{model_name: unknown, litellm_params: {{model: sagemaker/e, aws_region_name: us-east-1{settings}}}}}
  - {{model_name: chat, litellm_params: {{model: sagemaker_chat/e, aws_region_name: us-east-1{settings}}}}}
  - {{model_name: embedder, litellm_params: {{model: sagemaker/e, aws_region_name: us-east-1{settings}}}, model_info: {{mode: embedding}}}}
"
        )
    };
    let check = async |settings: &str| {
        let (config, _) = Config::from_yaml(&yaml(settings), &|_| None).unwrap();
        let findings = Wiring::new(World::builder().build()).check(&config).await;
        let texts = |of: Vec<String>| {
            of.into_iter().filter(|text| text.contains("the model of the endpoint `e` is not known")).count()
        };
        let problems = texts(findings.problems.iter().map(ToString::to_string).collect());
        (problems, texts(findings.warnings.iter().map(ToString::to_string).collect()))
    };
    assert_eq!(check("").await, (0, 1));
    assert_eq!(check(", strict_chat_templates: true").await, (1, 0));
    assert_eq!(check(", hf_model_name: Qwen/Qwen2.5-7B-Instruct").await, (0, 0));
}

#[tokio::test]
async fn invalid_deployments_are_left_out_where_the_operator_says_so() {
    let list = "model_list: [{model_name: a, litellm_params: {model: my-endpoint}}, {model_name: m, litellm_params: {model: sagemaker/tgi}}, {model_name: z, litellm_params: {model: sagemaker/z, rpm: 0}}]\n";
    assert!(wired(list).unwrap_err().contains("my-endpoint"));
    let setup = Setup::start(&format!("{list}router_settings: {{ignore_invalid_deployments: true}}\n")).await;
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(setup.post("/chat/completions", &body).await.status, 200);
}

#[tokio::test]
async fn a_caller_sets_the_operators_parameters_only_where_every_deployment_allows_it() {
    let allowing = "configurable_clientside_auth_params: [aws_region_name]";
    let yaml = |second: &str| {
        format!(
            "model_list: [{{model_name: m, litellm_params: {{model: sagemaker/tgi, {allowing}}}}}, {{model_name: m, litellm_params: {{model: sagemaker/tgi{second}}}}}]"
        )
    };
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "aws_region_name": "eu-west-3"});
    let closed = Setup::start(&yaml("")).await;
    assert_eq!(closed.post("/chat/completions", &body).await.status, 400);
    assert!(closed.emulator.received().is_empty());
    let open = Setup::start(&yaml(&format!(", {allowing}"))).await;
    assert_eq!(open.post("/chat/completions", &body).await.status, 200);
    let signature =
        format!("{:?}", open.emulator.received()[0].headers.get("authorization").unwrap().to_str().unwrap());
    assert!(signature.contains("/eu-west-3/sagemaker/"), "{signature}");
    let wrong =
        json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "aws_region_name": "evil.example/"});
    let answer = open.post("/chat/completions", &wrong).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["param"]), (400, &json!("aws_region_name")));
}

#[tokio::test]
async fn a_failing_deployment_gives_way_to_another_and_says_so() {
    let yaml = "
model_list:
  - {model_name: m, litellm_params: {model: sagemaker/tgi}, model_info: {id: only}}
  - {model_name: spare, litellm_params: {model: sagemaker_chat/messages}, model_info: {id: spare-1}}
router_settings:
  num_retries: 0
  fallbacks: [{m: [spare]}]
";
    let setup = Setup::start(yaml).await;
    setup.emulator.enqueue("tgi", Scripted::error(AwsError::service_unavailable()));
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let answer = setup.post("/chat/completions", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.headers["x-sagewire-deployment"], "spare-1");
    assert_eq!(answer.headers["x-sagewire-fallback"], "m -> spare");
    assert_eq!(answer.json()["model"], "m");
}

#[tokio::test]
async fn aliases_are_models_too() {
    let yaml = "
model_list:
  - {model_name: m, litellm_params: {model: sagemaker/tgi}}
router_settings:
  model_group_alias: {gpt-4: m, gpt-hidden: {model: m, hidden: true}}
";
    let setup = Setup::start(yaml).await;
    for name in ["m", "gpt-4", "gpt-hidden"] {
        let body = json!({"model": name, "messages": [{"role": "user", "content": "hi"}]});
        assert_eq!(setup.post("/chat/completions", &body).await.json()["model"], name);
    }
    let listed = setup.get("/models").await.json();
    let names: Vec<_> = listed["data"].as_array().unwrap().iter().map(|model| &model["id"]).collect();
    assert_eq!(names, ["m", "gpt-4"]);
    assert_eq!(setup.get("/health").await.json()["unprobed_count"], 1, "an alias is no deployment of its own");
}

#[tokio::test]
async fn an_alias_stands_for_a_model_that_a_pattern_serves() {
    let yaml = "
model_list:
  - {model_name: sagemaker/*, litellm_params: {model: sagemaker/*}}
router_settings:
  model_group_alias: {gpt-4: sagemaker/tgi}
";
    let setup = Setup::start(yaml).await;
    let body = json!({"model": "gpt-4", "messages": [{"role": "user", "content": "hi"}]});
    let answer = setup.post("/chat/completions", &body).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["model"]), (200, &json!("gpt-4")), "{}", answer.text());
    assert_eq!(setup.get("/models").await.json()["data"][0]["id"], "gpt-4");
}

#[tokio::test]
async fn the_files_own_variables_stand_before_the_process() {
    let emulator = Emulator::start().await.unwrap();
    // The process's own environment names no endpoint: only the file does.
    let world = World::builder().with_env(MapEnv::new()).build();
    let yaml = format!(
        "
environment_variables:
  AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: {}
  AWS_ACCESS_KEY_ID: {}
  AWS_SECRET_ACCESS_KEY: {}
  AWS_REGION_NAME: us-east-1
model_list:
  - {{model_name: m, litellm_params: {{model: sagemaker/tgi}}}}
",
        emulator.url(),
        EXAMPLE_ACCESS_KEY_ID,
        EXAMPLE_SECRET_ACCESS_KEY,
    );
    let (config, _) = Config::from_yaml(&yaml, &|name| world.var(name)).unwrap();
    let app = Wiring::new(world).app(&config, None).unwrap();
    let server =
        sagewire_proxy::Server::bind(([127, 0, 0, 1], 0).into(), app, sagewire_proxy::ServerOptions::default())
            .await
            .unwrap();
    let address = server.local_addr();
    tokio::spawn(server.serve(std::future::pending()));
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let request = format!(
        "POST /chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(emulator.received()[0].accepted);
}

#[tokio::test]
async fn deployments_sign_with_the_credentials_that_they_name() {
    let yaml = format!(
        "
model_list:
  - {{model_name: right, litellm_params: {{model: sagemaker/tgi, litellm_credential_name: right}}}}
  - {{model_name: wrong, litellm_params: {{model: sagemaker/tgi, litellm_credential_name: wrong}}}}
credential_list:
  - credential_name: right
    credential_values: {{aws_access_key_id: {EXAMPLE_ACCESS_KEY_ID}, aws_secret_access_key: {EXAMPLE_SECRET_ACCESS_KEY}, aws_region_name: eu-west-2}}
  - credential_name: wrong
    credential_values: {{aws_access_key_id: {EXAMPLE_ACCESS_KEY_ID}, aws_secret_access_key: hush}}
"
    );
    let setup = Setup::start(&yaml).await;
    let call = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(setup.post("/chat/completions", &call("right")).await.status, 200);
    let signature = setup.emulator.received()[0].headers["authorization"].to_str().unwrap().to_owned();
    assert!(signature.contains("/eu-west-2/sagemaker/"), "{signature}");
    assert_eq!(setup.post("/chat/completions", &call("wrong")).await.status, 502);
}

#[tokio::test]
async fn retries_and_rests_may_be_a_deployments_own_or_follow_the_sort_of_failure() {
    for (params, router, attempts) in [
        ("num_retries: 1", "num_retries: 0", 2),
        ("max_retries: 1", "num_retries: 0", 2),
        ("num_retries: 0", "num_retries: 3", 1),
        ("weight: 1", "num_retries: 0, retry_policy: {RateLimitErrorRetries: 2}", 3),
        ("weight: 1", "num_retries: 3, model_group_retry_policy: {m: {RateLimitErrorRetries: 0}}", 1),
    ] {
        let yaml = format!(
            "model_list: [{{model_name: m, litellm_params: {{model: sagemaker/tgi, {params}}}}}]\nrouter_settings: {{{router}}}"
        );
        let setup = Setup::start(&yaml).await;
        for _ in 0..9 {
            setup.emulator.enqueue("tgi", Scripted::error(AwsError::throttling()));
        }
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        assert_eq!(setup.post("/chat/completions", &body).await.status, 429);
        assert_eq!(setup.emulator.received().len(), attempts, "{params}, {router}");
    }
    for (params, router, rests) in [
        ("cooldown_time: 600, allowed_fails: 0", "num_retries: 0", true),
        ("cooldown_time: 0, allowed_fails: 0", "num_retries: 0, cooldown_time: 600", false),
        (
            "weight: 1",
            "num_retries: 0, cooldown_time: 600, allowed_fails_policy: {RateLimitErrorAllowedFails: 0}",
            true,
        ),
        ("allowed_fails: 0", "num_retries: 0, allowed_fails_policy: {RateLimitErrorAllowedFails: 5}", false),
        ("cooldown_time: 600, allowed_fails: 0", "num_retries: 0, disable_cooldowns: true", false),
    ] {
        let yaml = format!(
            "model_list: [{{model_name: m, litellm_params: {{model: sagemaker/tgi, {params}}}}}]\nrouter_settings: {{{router}}}"
        );
        let setup = Setup::start(&yaml).await;
        setup.emulator.enqueue("tgi", Scripted::error(AwsError::throttling()));
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        assert_eq!(setup.post("/chat/completions", &body).await.status, 429);
        let health = setup.get("/health").await.json();
        assert_eq!(health["unhealthy_count"] == 1, rests, "{params}, {router}: {health}");
    }
}

#[tokio::test]
async fn a_check_tells_litellms_openai_route_from_awss() {
    let check = async |info: &str| {
        let yaml = format!(
            "model_list:\n  - {{model_name: m, litellm_params: {{model: sagemaker/openai/e, aws_region_name: us-east-1}}, model_info: {{{info}}}}}\n"
        );
        let (config, _) = Config::from_yaml(&yaml, &|_| None).unwrap();
        let findings = Wiring::new(World::builder().build()).check(&config).await;
        assert!(findings.problems.is_empty(), "{:?}", findings.problems);
        findings.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let said = check("").await;
    assert!(said.contains("/openai/v1") && said.contains("sagemaker_chat/"), "{said}");
    assert_eq!(check("mode: embedding").await, "");
}

#[tokio::test]
async fn litellms_openai_route_embeds_and_does_not_chat() {
    let setup =
        Setup::start("model_list:\n  - {model_name: m, litellm_params: {model: sagemaker/openai/messages}}\n").await;
    let chat =
        setup.post("/chat/completions", &json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]})).await;
    assert_eq!(chat.status, 400, "{}", chat.text());
    assert!(setup.emulator.received().is_empty());
    setup.post("/embeddings", &json!({"model": "m", "input": ["one", "two"], "dimensions": 3})).await;
    let received = setup.emulator.received();
    let body: serde_json::Value = serde_json::from_slice(&received[0].body).unwrap();
    assert_eq!(
        (received[0].path.as_str(), body),
        ("/endpoints/messages/invocations", json!({"input": ["one", "two"], "dimensions": 3}))
    );
}
