//! A store with batches of every state, as the command line shows it.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use sagewire::credentials::seam::World;
use sagewire_batch::{Engine, Input, Line, NewBatch, Outcome, Owner, Response, RunOptions, Runner, Store};
use serde_json::{Value, json};

use super::requests;
use crate::process::Home;

/// Answers every line but the one called `r-1`.
#[derive(Debug)]
struct Answers;

#[async_trait]
impl Engine for Answers {
    async fn answer(&self, line: &Line) -> Outcome {
        match line.custom_id.as_str() {
            "r-1" => Outcome::Failed { code: "gone".to_owned(), message: "it is gone".to_owned() },
            id => Outcome::Answered(Response { status: 200, request_id: id.to_owned(), body: r#"{"a":1}"#.into() }),
        }
    }
}

/// Three batches: the first has ended, the others wait. Gives their ids.
async fn batches(folder: &Path, input: &Path) -> [String; 3] {
    let store = Store::directory(folder, Arc::clone(World::system().clock())).unwrap();
    let owner = Owner::new("key-1").unwrap();
    let mut ids = [String::new(), String::new(), String::new()];
    for id in &mut ids {
        *id = store.create(&owner, NewBatch::new(Input::Path(input.to_owned()))).await.unwrap().id;
    }
    Runner::new(store).run(&owner, &ids[0], &Answers, &RunOptions::default()).await.unwrap();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_listed_in_pages_shown_cancelled_and_their_results_are_written() {
    let home = Home::empty();
    let input = home.file("in.jsonl", &requests(&["a", "b", "c"].map(str::to_owned)));
    let store = home.path().join("store");
    let [ended, waits, newest] = batches(&store, &input).await;
    let run = |command: &[&str]| {
        let place = ["--store", store.to_str().unwrap(), "--owner", "key-1"];
        home.run(&[&["batch"], command, &place].concat())
    };
    let ids = |out: &str| out.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>();
    let first = run(&["list", "--limit", "2"]);
    assert_eq!((first.code, ids(&first.out)), (Some(0), vec![newest, waits.clone()]), "{first:?}");
    assert!(first.err.contains(&format!("`--after {waits}`")), "{first:?}");
    let second = run(&["list", "--limit", "2", "--after", &waits]);
    assert_eq!((ids(&second.out), second.err.as_str()), (vec![ended.clone()], ""), "{second:?}");
    assert!(second.out.contains("completed") && second.out.contains("3 of 3 lines, 1 failed"), "{second:?}");
    for (command, says) in [
        (&["list", "--after", "batch_x"][..], "no such entry"),
        (&["show", "../../etc"], "no batch"),
        (&["results", &waits], "no results yet"),
        (&["cancel", &ended], "cannot be cancelled"),
        (&["results", &ended, "-o", "/nowhere/x"], "cannot write"),
    ] {
        let printed = run(command);
        assert!(printed.code == Some(2) && printed.err.contains(says), "{command:?}: {printed:?}");
        assert_eq!(printed.out, "");
    }
    let shown: Value = serde_json::from_str(&run(&["show", &ended]).out).unwrap();
    assert_eq!(shown["request_counts"], json!({"total": 3, "completed": 2, "failed": 1}));

    let printed = run(&["results", &ended]);
    let custom_ids = |text: &str| {
        let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["custom_id"].as_str().unwrap().to_owned();
        text.lines().map(id).collect::<Vec<_>>()
    };
    assert_eq!((printed.code, custom_ids(&printed.out)), (Some(0), vec!["r-0".to_owned(), "r-2".to_owned()]));
    let (output, errors) = (home.path().join("results.jsonl"), home.path().join("errors.jsonl"));
    let (to, failed) = (output.to_str().unwrap(), errors.to_str().unwrap());
    let written = run(&["results", &ended, "-o", to, "--errors", failed]);
    assert_eq!((written.code, written.out.as_str()), (Some(0), ""), "{written:?}");
    assert_eq!(std::fs::read_to_string(output).unwrap(), printed.out);
    assert_eq!(custom_ids(&std::fs::read_to_string(errors).unwrap()), ["r-1"]);

    let cancelled = run(&["cancel", &waits]);
    assert!(cancelled.code == Some(0) && cancelled.out.contains("cancelling"), "{cancelled:?}");
    let other = home.run(&["batch", "list", "--store", store.to_str().unwrap()]);
    assert_eq!((other.code, other.out.as_str()), (Some(0), ""), "another owner has none");
}
