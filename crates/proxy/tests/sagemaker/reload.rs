//! A new configuration under way.

use std::{fs, sync::Arc, time::Duration};

use sagewire_emulator::{AwsError, Scripted};
use sagewire_proxy::Reloader;
use serde_json::json;

use crate::setup::Setup;

const FIRST: &str = "
model_list:
  - {model_name: first, litellm_params: {model: sagemaker/tgi}}
";

fn reloader(setup: &Setup, path: &std::path::Path) -> Reloader {
    Reloader::new(path, setup.world.clone(), Arc::clone(&setup.wiring), setup.handle.clone())
}

#[tokio::test]
async fn a_good_file_takes_over_and_a_broken_one_changes_nothing() {
    let setup = Setup::start(FIRST).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    let reloader = reloader(&setup, &path);
    let call = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});

    fs::write(&path, FIRST.replace("first", "second")).unwrap();
    reloader.reload().await.unwrap();
    assert_eq!(setup.post("/chat/completions", &call("second")).await.status, 200);
    assert_eq!(setup.post("/chat/completions", &call("first")).await.status, 404);

    for broken in [
        "model_list: [",
        "model_list: []\nnonsense: 1",
        "model_list: [{model_name: x, litellm_params: {model: openai/x}}]",
    ] {
        fs::write(&path, broken).unwrap();
        assert!(reloader.reload().await.is_err(), "{broken}");
        assert_eq!(setup.post("/chat/completions", &call("second")).await.status, 200);
    }
    let page = setup.get("/metrics").await;
    for line in
        [r#"sagewire_config_reloads_total{result="taken"} 1"#, r#"sagewire_config_reloads_total{result="refused"} 3"#]
    {
        assert!(page.text().contains(line), "{}", page.text());
    }
}

#[tokio::test]
async fn cooldowns_outlive_a_reload() {
    let yaml = "
model_list:
  - {model_name: m, litellm_params: {model: sagemaker/tgi}, model_info: {id: tgi-1}}
router_settings: {num_retries: 0, allowed_fails: 0, cooldown_time: 600}
";
    let setup = Setup::start(yaml).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    setup.emulator.enqueue("tgi", Scripted::error(AwsError::service_unavailable()));
    let call = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(setup.post("/chat/completions", &call).await.status, 502);
    let resting = |health: &serde_json::Value| health["unhealthy_endpoints"][0]["status"] == "cooling down";
    assert!(resting(&setup.get("/health").await.json()));
    fs::write(&path, yaml).unwrap();
    reloader(&setup, &path).reload().await.unwrap();
    assert!(resting(&setup.get("/health").await.json()), "the new router knows what the old one knew");
}

#[tokio::test]
async fn calls_go_on_while_the_file_changes() {
    let setup = Arc::new(Setup::start(FIRST).await);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    fs::write(&path, FIRST).unwrap();
    let reloader = reloader(&setup, &path);
    let call = json!({"model": "first", "stream": true, "messages": [{"role": "user", "content": "hi"}]});
    let calls = (0..40).map(|_| {
        let (setup, call) = (Arc::clone(&setup), call.clone());
        tokio::spawn(async move { setup.post("/chat/completions", &call).await })
    });
    let calls: Vec<_> = calls.collect();
    for _ in 0..40 {
        reloader.reload().await.unwrap();
        tokio::task::yield_now().await;
    }
    for answer in calls {
        let answer = answer.await.unwrap();
        assert!(answer.status == 200 && answer.text().ends_with("data: [DONE]\n\n"), "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_file_is_noticed() {
    let setup = Setup::start(FIRST).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    fs::write(&path, FIRST).unwrap();
    let watching = tokio::spawn(reloader(&setup, &path).run());
    // The clock stands while the watcher reads: after this it has seen the file as it was.
    tokio::time::sleep(Duration::from_secs(1)).await;
    fs::write(&path, FIRST.replace("first", "second")).unwrap();
    until_served(&setup, "second").await;
    watching.abort();
}

#[tokio::test(start_paused = true)]
async fn a_change_of_an_included_file_is_noticed_and_so_is_one_that_comes_later() {
    let setup = Setup::start(FIRST).await;
    let folder = tempfile::tempdir().unwrap();
    let (path, included) = (folder.path().join("config.yaml"), folder.path().join("models.yaml"));
    fs::write(&path, "include: models.yaml").unwrap();
    fs::write(&included, FIRST).unwrap();
    let watching = tokio::spawn(reloader(&setup, &path).run());
    tokio::time::sleep(Duration::from_secs(1)).await;
    fs::write(&included, FIRST.replace("first", "second")).unwrap();
    until_served(&setup, "second").await;

    // A file that is missing is refused, and taken once it is there.
    fs::write(&path, "include: [models.yaml, more.yaml]").unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(setup.handle.app().models().eq(["second"]));
    fs::write(folder.path().join("more.yaml"), FIRST.replace("first", "third")).unwrap();
    until_served(&setup, "third").await;
    assert!(setup.handle.app().models().eq(["second", "third"]));
    watching.abort();
}

/// Waits until the app serves this model.
async fn until_served(setup: &Setup, model: &str) {
    let began = tokio::time::Instant::now();
    while setup.handle.app().models().all(|served| served != model) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(began.elapsed() < Duration::from_secs(60), "{model} is not served");
    }
}

#[tokio::test]
async fn a_reload_is_taken_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate_file, key_file, path] = ["c.pem", "k.pem", "config.yaml"].map(|name| folder.path().join(name));
    let write = |certified: &rcgen::CertifiedKey<rcgen::KeyPair>, key: &rcgen::CertifiedKey<rcgen::KeyPair>| {
        fs::write(&certificate_file, certified.cert.pem()).unwrap();
        fs::write(&key_file, key.signing_key.serialize_pem()).unwrap();
    };
    let [one, two] = [(), ()].map(|()| rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap());
    write(&one, &one);
    let yaml = format!(
        "{FIRST}sagewire_settings: {{tls: {{certificate_file: {}, private_key_file: {}}}}}",
        certificate_file.display(),
        key_file.display()
    );
    let setup = Setup::start(&yaml).await;
    // Another model, and a certificate that does not fit its key.
    fs::write(&path, yaml.replace("first", "second")).unwrap();
    write(&one, &two);
    reloader(&setup, &path).reload().await.unwrap_err();
    assert_eq!(setup.handle.app().models().collect::<Vec<_>>(), ["first"], "nothing of it was taken");
    write(&two, &two);
    reloader(&setup, &path).reload().await.unwrap();
    assert_eq!(setup.handle.app().models().collect::<Vec<_>>(), ["second"]);
}
