//! `sagewire doctor`: ten frequent mistakes, each with its fix.

use sagewire_emulator::{
    AwsError, CohereRerank, EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator, Operation, Rerank, Scripted,
    Transcription,
};
use serde_json::{Value, json};

use crate::process::{Home, Printed};

/// Asserts that this step has failed, first of all, and that its fix contains these sentences.
#[track_caller]
fn assert_found(printed: &Printed, step: &str, sentences: &[&str]) {
    assert_eq!(printed.code, Some(1), "{}{}", printed.out, printed.err);
    assert!(printed.out.contains(&format!("✗ {step} ")), "{step}: {}", printed.out);
    // A title comes before it, and no step without a problem.
    let before = printed.out.lines().take_while(|line| !line.starts_with('✗')).last().unwrap_or_default();
    assert!(!before.starts_with(['✓', '!', '–']), "problems do not come first: {}", printed.out);
    let fixes: String = printed.out.lines().filter(|line| line.trim_start().starts_with('→')).collect();
    for sentence in sentences {
        assert!(fixes.contains(sentence), "`{sentence}` is not among the fixes: {}", printed.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_endpoint_is_healthy() {
    let emulator = Emulator::start().await.unwrap();
    let home = Home::of(&emulator);
    for model in ["sagemaker_chat/messages", "sagemaker/tgi"] {
        let brief = home.run(&["doctor", model]);
        assert!(!brief.out.contains("authorization:") && !brief.out.contains("variable AWS"), "{}", brief.out);
        let printed = home.run(&["doctor", "--verbose", model]);
        assert_eq!(printed.code, Some(0), "{}{}", printed.out, printed.err);
        for step in ["model", "region", "credentials", "identity", "url", "request", "answer", "clock"] {
            assert!(printed.out.contains(&format!("✓ {step} ")), "{step}: {}", printed.out);
        }
        assert!(
            printed.out.contains("us-east-1, from AWS_REGION") && printed.out.contains("account 123456789012"),
            "{}",
            printed.out
        );
        assert!(printed.out.contains("set by AWS_ENDPOINT_URL"), "{}", printed.out);
        // What the signature was made for, and nothing of it.
        assert!(
            printed.out.contains("authorization: AWS4-HMAC-SHA256 Credential=..")
                && printed.out.contains("Signature=[hidden]"),
            "{}",
            printed.out
        );
    }
    let printed = home.run(&["doctor", "sagemaker/embedding", "--embeddings"]);
    assert!(printed.code == Some(0) && printed.out.contains("one vector"), "{}", printed.out);
    // No more than one token each.
    let limits: Vec<_> = emulator.received().iter().filter_map(|request| request.json().ok()).collect();
    assert!(
        limits.iter().any(|body| body["max_tokens"] == 1)
            && limits.iter().any(|body| body["parameters"]["max_new_tokens"] == 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sts_and_the_endpoint_are_asked_where_their_own_variables_say() {
    let [sts, runtime] = [Emulator::start().await.unwrap(), Emulator::start().await.unwrap()];
    let home = Home::of(&sts)
        .without("AWS_ENDPOINT_URL")
        .with("AWS_ENDPOINT_URL_STS", &sts.url())
        .with("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", &runtime.url())
        .with("SAGEWIRE_MODEL", "sagemaker/tgi");
    let printed = home.run(&["doctor"]);
    assert_eq!(printed.code, Some(0), "{}", printed.out);
    assert!(printed.out.contains("set by AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"), "{}", printed.out);
    assert_eq!((sts.calls(Operation::GetCallerIdentity), sts.calls(Operation::InvokeEndpoint)), (1, 0));
    assert_eq!((runtime.calls(Operation::GetCallerIdentity), runtime.calls(Operation::InvokeEndpoint)), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn mistake_1_the_wrong_region() {
    let emulator = Emulator::start().await.unwrap();
    let home = Home::of(&emulator).without("AWS_REGION").with("AWS_REGION", "eu-west-1");
    home.file(".aws/config", "[default]\nregion = us-west-2\n");
    let printed = home.run(&["doctor", "--verbose", "sagemaker/elsewhere"]);
    let sentence = "wrong region or name: there is no endpoint `elsewhere` in eu-west-1 of account 123456789012. The region comes from AWS_REGION";
    assert_found(&printed, "answer", &[sentence, "profile `default` says us-west-2: is it there?"]);
    assert!(printed.out.contains("profile `default`: us-west-2, not used"), "{}", printed.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistake_2_the_inference_component_is_missing() {
    let emulator = Emulator::start().await.unwrap();
    let message =
        "Inference Component Name header is required for endpoints to which you plan to deploy inference components.";
    emulator.enqueue("tgi", Scripted::error(AwsError::validation(message)));
    let printed = Home::of(&emulator).run(&["doctor", "sagemaker/tgi"]);
    assert_found(
        &printed,
        "answer",
        &["--inference-component <name>", "model_id: <name>", "list-inference-components --endpoint-name-equals tgi"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mistake_3_the_sso_session_has_expired() {
    let emulator = Emulator::start().await.unwrap();
    let home = Home::empty().with("AWS_ENDPOINT_URL", &emulator.url());
    home.file(
        ".aws/config",
        "[default]\nregion = us-east-1\nsso_session = my-sso\nsso_account_id = 123456789012\nsso_role_name = Dev\n\
         [sso-session my-sso]\nsso_region = us-east-1\nsso_start_url = https://example.awsapps.com/start\n",
    );
    // The file's name is the SHA-1 of the session's.
    let token = r#"{"accessToken": "s3cret-token", "expiresAt": "2020-01-01T00:00:00Z", "region": "us-east-1", "startUrl": "https://example.awsapps.com/start"}"#;
    home.file(".aws/sso/cache/0ad374308c5a4e22f723adf10145eafad7c4031c.json", token);
    let printed = home.run(&["doctor", "sagemaker/tgi"]);
    assert_found(&printed, "credentials", &["the SSO sign-in has expired: run `aws sso login --sso-session my-sso`"]);
    assert!(!printed.out.contains("s3cret-token"), "{}", printed.out);
    // The request that would be sent is shown nevertheless.
    assert!(printed.out.contains("/endpoints/tgi/invocations") && printed.out.contains("– answer"), "{}", printed.out);
    assert_eq!(emulator.calls(Operation::InvokeEndpoint), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistake_4_the_wrong_dialect() {
    let emulator = Emulator::start().await.unwrap();
    let home = Home::of(&emulator);
    let printed = home.run(&["doctor", "sagemaker/messages"]);
    assert_found(&printed, "answer", &["wrong dialect: write the model as `sagemaker_chat/messages`"]);
    let printed = home.run(&["doctor", "sagemaker_chat/embedding"]);
    assert_found(&printed, "answer", &["wrong dialect: embed with `sagemaker/embedding`"]);
    let printed = home.run(&["doctor", "sagemaker/tgi", "--embeddings"]);
    assert_found(&printed, "answer", &["wrong dialect: write the model as `sagemaker"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_without_the_messages_api_is_told_from_one_that_failed_once() {
    let emulator = Emulator::start().await.unwrap();
    let refusal =
        r#"{"error": "Failed to deserialize the JSON body: missing field `inputs`", "error_type": "validation"}"#;
    emulator.enqueue("tgi", Scripted::error(AwsError::model_error(422, refusal)));
    let printed = Home::of(&emulator).run(&["doctor", "sagemaker_chat/tgi"]);
    assert_found(&printed, "answer", &["wrong dialect: write the model as `sagemaker/tgi`"]);
    emulator.enqueue("tgi", Scripted::error(AwsError::model_error(500, "CUDA out of memory")));
    let printed = Home::of(&emulator).run(&["doctor", "sagemaker/tgi"]);
    assert!(printed.code == Some(0) && printed.out.contains("! answer"), "{}", printed.out);
    assert!(printed.out.contains("one token at the second try"), "{}", printed.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistake_5_invoking_is_not_allowed() {
    let emulator = Emulator::start().await.unwrap();
    let message =
        "User: arn:aws:iam::123456789012:user/emulator is not authorized to perform: sagemaker:InvokeEndpoint";
    emulator.enqueue("tgi", Scripted::error(AwsError::access_denied(message)));
    let printed = Home::of(&emulator).run(&["doctor", "sagemaker/tgi"]);
    let resource = "\"Resource\":\"arn:aws:sagemaker:us-east-1:123456789012:endpoint/tgi\"";
    assert_found(
        &printed,
        "answer",
        &["allow `arn:aws:iam::123456789012:user/emulator` the action `sagemaker:InvokeEndpoint`", resource],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mistake_6_the_base_url_has_a_path() {
    let emulator = Emulator::start().await.unwrap();
    let url = format!("{}/v1", emulator.url());
    let printed = Home::of(&emulator).run(&["doctor", "sagemaker/tgi", "--base-url", &url]);
    let sentence = format!("the base URL has a path: leave the path out: set `{}`", emulator.url());
    assert_found(&printed, "answer", &[&sentence]);
    assert!(printed.out.contains("! url "), "{}", printed.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistake_7_a_proxy_is_in_the_way() {
    let emulator = Emulator::start().await.unwrap();
    // The emulator plays the proxy, which wants a login.
    emulator.enqueue("tgi", Scripted::reply(407, "text/html", "<html>Proxy Authentication Required</html>"));
    let proxy = emulator.url().replace("http://", "http://me:s3cret@");
    let home = Home::of(&emulator).with("HTTP_PROXY", &proxy).with("NO_PROXY", "127.0.0.1");
    let printed = home.run(&["doctor", "sagemaker/tgi", "--base-url", "http://sagemaker.example"]);
    let sentence = format!("a proxy is in the way: HTTP_PROXY sends the call to {}", emulator.url());
    assert_found(&printed, "answer", &[&sentence, "add `sagemaker.example` to NO_PROXY"]);
    assert!(printed.out.contains("! proxy ") && !printed.out.contains("s3cret"), "{}", printed.out);

    // A page in place of an answer, without any variable.
    for page in [
        Scripted::reply(200, "text/html", "<!DOCTYPE html><html>Log in</html>"),
        Scripted::reply(403, "text/html", "<html>Blocked</html>"),
    ] {
        emulator.enqueue("tgi", page);
        let printed = Home::of(&emulator).run(&["doctor", "sagemaker/tgi"]);
        assert_found(&printed, "answer", &["something else than AWS answers at `127.0.0.1:", "set HTTPS_PROXY"]);
    }

    // A proxy that is not there.
    let home = Home::of(&emulator).with("http_proxy", "http://127.0.0.1:9").with("NO_PROXY", "127.0.0.1");
    let printed = home.run(&["doctor", "sagemaker/tgi", "--base-url", "http://sagemaker.example"]);
    assert_found(
        &printed,
        "answer",
        &["a proxy is in the way: http_proxy sends the call to http://127.0.0.1:9, from where nothing comes"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mistake_8_the_clock_is_off() {
    let emulator = Emulator::start().await.unwrap();
    emulator.skew_clock(3600);
    let printed = Home::of(&emulator).run(&["doctor", "sagemaker/tgi"]);
    assert_found(&printed, "clock", &["set this machine's clock"]);
    assert!(printed.out.contains("seconds behind AWS's"), "{}", printed.out);
    // It signs by AWS's time, so that the model answers none the less.
    assert!(printed.out.contains("✓ answer"), "{}", printed.out);
    emulator.skew_clock(-60);
    let printed = Home::of(&emulator).run(&["doctor", "sagemaker/tgi"]);
    assert!(
        printed.code == Some(0) && printed.out.contains("! clock") && printed.out.contains("ahead of AWS's"),
        "{}",
        printed.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mistake_9_the_endpoint_is_asleep() {
    let emulator = Emulator::start().await.unwrap();
    emulator.enqueue("tgi", Scripted::error(AwsError::no_capacity()));
    let printed = Home::of(&emulator).run(&["doctor", "sagemaker/tgi", "--inference-component", "llama"]);
    assert_found(&printed, "answer", &["the endpoint is asleep (scaled to zero)", "wait_for_capacity: 600"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistake_10_a_key_without_its_secret() {
    let emulator = Emulator::start().await.unwrap();
    let home = Home::of(&emulator).without("AWS_SECRET_ACCESS_KEY");
    let printed = home.run(&["doctor", "sagemaker/tgi"]);
    assert_found(&printed, "credentials", &["set AWS_SECRET_ACCESS_KEY as well", "unset AWS_ACCESS_KEY_ID"]);
    let home = Home::of(&emulator).without("AWS_ACCESS_KEY_ID").without("AWS_SECRET_ACCESS_KEY");
    let printed = home.run(&["doctor", "sagemaker/tgi", "-p", "aws_access_key_id=AKIDEXAMPLE"]);
    assert_eq!(printed.code, Some(1), "{printed:?}");
    assert!(printed.out.contains("aws_secret_access_key"), "{}", printed.out);
    assert_eq!(emulator.received().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_credentials_and_no_region_are_explained_source_by_source() {
    let home = Home::empty();
    let printed = home.run(&["doctor", "--verbose", "sagemaker/tgi", "--region", "us-east-1"]);
    assert_found(&printed, "credentials", &["aws sso login", "AWS_ACCESS_KEY_ID"]);
    for source in ["Environment", "Profile", "WebIdentityToken", "Container", "InstanceMetadata"] {
        assert!(printed.out.contains(&format!("{source}: not configured")), "{source}: {}", printed.out);
    }
    let printed = home.run(&["doctor", "sagemaker/tgi"]);
    assert_found(&printed, "region", &["set AWS_REGION"]);
    let printed = home.run(&["doctor", "bedrock/tgi"]);
    assert_found(&printed, "model", &["sagemaker_chat/<endpoint>"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ignored_lines_of_the_config_files_are_shown_and_stop_nothing() {
    let emulator = Emulator::start().await.unwrap();
    let home = Home::of(&emulator);
    home.file(".aws/config", "[default]\nregion = us-east-1\n[mine]\nregion = x\n");
    home.file(".aws/credentials", "[default\n");
    let printed = home.run(&["doctor", "sagemaker/tgi"]);
    assert_eq!(printed.code, Some(0), "{}{}", printed.out, printed.err);
    for text in ["! files ", ".aws/config:3: section ignored: write [profile mine]", ".aws/credentials:1: missing `]`"]
    {
        assert!(printed.out.contains(text), "{text}: {}", printed.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_for_support_and_holds_no_secret() {
    let emulator =
        Emulator::builder().session("ASIAEXAMPLEEXAMPLE12", "s3cret-key", "s3cret-session").start().await.unwrap();
    let home = Home::empty()
        .with("AWS_ENDPOINT_URL", &emulator.url())
        .with("AWS_REGION", "us-east-1")
        .with("AWS_ACCESS_KEY_ID", "ASIAEXAMPLEEXAMPLE12")
        .with("AWS_SECRET_ACCESS_KEY", "s3cret-key")
        .with("AWS_SESSION_TOKEN", "s3cret-session");
    let headers = r#"extra_headers={"x-api-key": "s3cret-header"}"#;
    for more in [&[][..], &["--no-invoke"]] {
        let mut arguments = vec!["doctor", "sagemaker_chat/messages", "--json", "-p", headers];
        arguments.extend(more);
        let printed = home.run(&arguments);
        let report: Value = serde_json::from_str(&printed.out).unwrap();
        assert_eq!((printed.code, &report["healthy"]), (Some(0), &Value::Bool(true)), "{printed:?}");
        let request = report["examinations"][0]["steps"]
            .as_array()
            .unwrap()
            .iter()
            .find(|step| step["name"] == "request")
            .unwrap();
        assert!(request.to_string().contains("x-amz-security-token: [hidden]"), "{request}");
        assert!(request.to_string().contains("Credential=..LE12/"), "{request}");
        assert!(
            !printed.out.contains("s3cret") && !printed.out.contains("ASIAEXAMPLE") && printed.err.is_empty(),
            "{printed:?}"
        );
    }
    assert_eq!(emulator.calls(Operation::InvokeEndpoint), 1, "`--no-invoke` sends no request");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_deployment_of_an_alias_is_examined_in_the_files_own_environment() {
    let emulator = Emulator::start().await.unwrap();
    let home = Home::empty();
    let yaml = format!(
        "environment_variables:\n  AWS_ACCESS_KEY_ID: {EXAMPLE_ACCESS_KEY_ID}\n  AWS_SECRET_ACCESS_KEY: {EXAMPLE_SECRET_ACCESS_KEY}\n  AWS_ENDPOINT_URL: {url}\n\
         model_list:\n  - model_name: good\n    litellm_params: {{model: sagemaker_chat/messages, aws_region_name: us-east-1}}\n  \
         - model_name: good\n    litellm_params: {{model: sagemaker/absent, aws_region_name: us-east-1}}\n  \
         - model_name: vectors\n    model_info: {{mode: embedding}}\n    litellm_params: {{model: sagemaker/embedding, aws_region_name: us-east-1}}\n",
        url = emulator.url()
    );
    let config = home.file("config.yaml", &yaml);
    let config = config.to_str().unwrap();
    let printed = home.run(&["doctor", "--config", config, "good"]);
    assert_found(&printed, "answer", &["there is no endpoint `absent`"]);
    assert!(printed.out.contains("one token in the dialect `messages`"), "{}", printed.out);
    let printed = home.run(&["doctor", "--config", config, "vectors"]);
    assert!(printed.code == Some(0) && printed.out.contains("one vector"), "{}{}", printed.out, printed.err);
    let printed = home.run(&["doctor", "--config", config, "absent"]);
    assert!(printed.code == Some(2) && printed.err.contains("good, vectors"), "{printed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_does_not_answer_is_a_problem() {
    let emulator = Emulator::start().await.unwrap();
    let home = Home::of(&emulator);
    // Nothing listens there any more.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = home.file(
        "config.yaml",
        &format!(
            "model_list: [{{model_name: chat, litellm_params: {{model: sagemaker_chat/messages}}}}]\n\
             general_settings: {{coordination_redis: {{url: 'redis://:hush@127.0.0.1:{port}'}}}}\n"
        ),
    );
    let printed = home.run(&["doctor", "--config", config.to_str().unwrap()]);
    assert!(printed.code == Some(1) && printed.out.contains("✗ Redis "), "{}{}", printed.out, printed.err);
    assert!(
        printed.out.contains("general_settings.coordination_redis") && !printed.out.contains("hush"),
        "{}",
        printed.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn aws_tells_what_an_endpoint_runs_and_how_to_call_it() {
    let image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:server-2.6";
    let component = |name: &str, copies: u32| {
        json!({
            "InferenceComponentName": name, "EndpointName": "shared", "VariantName": "v",
            "Specification": {"Container": {"DeployedImage": {"SpecifiedImage": image}, "Environment": {"SM_VLLM_MODEL": "Qwen/Qwen3-8B"}}},
            "RuntimeConfig": {"CurrentCopyCount": copies, "DesiredCopyCount": copies},
        })
    };
    let account = json!({
        "endpoints": [
            {"EndpointName": "shared", "EndpointConfigName": "c"},
            {"EndpointName": "broken", "EndpointConfigName": "b", "EndpointStatus": "Failed", "FailureReason": "no room"},
            {"EndpointName": "changes", "EndpointConfigName": "b", "EndpointStatus": "Updating"},
            {"EndpointName": "ranks", "EndpointConfigName": "ranks"},
            {"EndpointName": "listens", "EndpointConfigName": "listens"},
            {"EndpointName": "queue", "EndpointConfigName": "b", "AsyncInferenceConfig": {}},
            {"EndpointName": "far", "EndpointConfigName": "b", "EndpointArn": "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/far"},
        ],
        "endpoint_configs": [
            {"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "v", "InstanceType": "ml.g6.xlarge"}]},
            {"EndpointConfigName": "ranks", "ProductionVariants": [{"VariantName": "v", "ModelName": "ranks", "InstanceType": "ml.g6.xlarge"}]},
            {"EndpointConfigName": "listens", "ProductionVariants": [{"VariantName": "v", "ModelName": "listens", "InstanceType": "ml.g6.xlarge"}]},
            {"EndpointConfigName": "b", "ProductionVariants": [{"VariantName": "v", "ModelName": "m", "InstanceType": "ml.g6.xlarge"}]},
        ],
        "models": [
            {"ModelName": "m", "PrimaryContainer": {"Image": image}},
            {"ModelName": "ranks", "PrimaryContainer": {"Image": "tei:1.8", "Environment": {"HF_MODEL_ID": "BAAI/bge-reranker-v2-m3"}}},
            {"ModelName": "listens", "PrimaryContainer": {"Image": "whisperx:3.8"}},
        ],
        "inference_components": [component("a", 1), component("sleepy", 0)],
    });
    let account = sagewire_emulator::Account::from_json(&account.to_string()).unwrap();
    let emulator = Emulator::builder().no_default_endpoints().account(account).start().await.unwrap();
    let home = Home::of(&emulator);
    for (arguments, says) in [
        (
            &["sagemaker_chat/shared", "--inference-component", "a", "--verbose"][..],
            &[
                "this endpoint runs vLLM (vllm:server-2.6) with Qwen/Qwen3-8B behind the component `a`",
                "use `sagemaker_chat/shared` with `model_id: a`",
            ][..],
        ),
        (&["sagemaker/shared", "--inference-component", "a"], &["use `sagemaker_chat/shared` with `model_id: a`"]),
        (&["sagemaker_chat/shared"], &["hosts several inference components", "`a`, `sleepy`"]),
        (&["sagemaker_chat/shared", "--inference-component", "sleepy"], &["asleep"]),
        (&["sagemaker_chat/broken"], &["its status is Failed (no room)"]),
        (&["sagemaker_chat/changes"], &["! endpoint", "its status is Updating", "use `sagemaker_chat/changes`"]),
        (&["sagemaker/ranks"], &["rerank (tei)", "use `sagemaker/ranks` with `rerank_dialect: tei`"]),
        (&["sagemaker/listens"], &["use `sagemaker/listens` with `transcription_dialect: whisperx`"]),
        (&["sagemaker_chat/queue"], &["use `sagemaker_chat/queue` with `async_inference: true`"]),
        (&["sagemaker_chat/none"], &["there is no endpoint `none` in us-east-1", "--look-in"]),
        (
            &["sagemaker_chat/far", "--look-in", "eu-west-1"],
            &["`far` is in eu-west-1, and not in us-east-1", "--region eu-west-1"],
        ),
    ] {
        let printed = home.run(&[&["doctor", "--no-invoke"], arguments].concat());
        let text = printed.out.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in says {
            assert!(text.contains(part), "{arguments:?} lacks {part}: {printed:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rerankers_and_servers_of_transcription_are_asked_what_they_do() {
    let emulator = Emulator::builder()
        .no_default_endpoints()
        .endpoint("ranks", Rerank)
        .endpoint("cohere", CohereRerank)
        .endpoint("listens", Transcription)
        .start()
        .await
        .unwrap();
    let home = Home::of(&emulator);
    let yaml = "model_list: [{model_name: r, litellm_params: {model: sagemaker/ranks}, model_info: {mode: rerank}}]\n";
    let config = home.file("config.yaml", yaml);
    for (arguments, code, says) in [
        (&["sagemaker/ranks", "-p", "rerank_dialect=tei"][..], 0, "one score in the dialect `tei`"),
        (&["--config", config.to_str().unwrap(), "r"], 0, "one score in the dialect"),
        (&["sagemaker/listens", "-p", "transcription_dialect=whisperx"], 0, "one text in the dialect `whisperx`"),
        (&["sagemaker/cohere", "-p", "rerank_dialect=tei"], 1, "wrong dialect: rank with `sagemaker/cohere`"),
    ] {
        let printed = home.run(&[&["doctor"], arguments].concat());
        let text = printed.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(printed.code == Some(code) && text.contains(says), "{arguments:?}: {printed:?}");
    }
}
