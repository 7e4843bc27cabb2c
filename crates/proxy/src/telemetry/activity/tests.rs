use super::*;

fn request(owner: ActivityOwner, result: RequestResult) -> EndedRequest<'static> {
    EndedRequest {
        owner,
        model: Some("m"),
        result,
        took: Duration::from_secs(2),
        first_piece: Some(Duration::from_millis(500)),
        retries: 1,
        prompt_tokens: 3,
        completion_tokens: 4,
    }
}

fn failure(owner: &ActivityOwner, request_id: String) -> FailedRequest {
    FailedRequest {
        owner: owner.clone(),
        request_id,
        route: "chat",
        model: None,
        deployment: None,
        status: 502,
        kind: "model_failed",
        message: "no".to_owned(),
        aws_request_id: None,
        took: Duration::ZERO,
    }
}

#[tokio::test(start_paused = true)]
async fn sums_are_kept_by_the_minute_for_an_hour() {
    let activity = Activity::default();
    activity.ended(&request(ActivityOwner::Master, RequestResult::Answered));
    activity.ended(&request(ActivityOwner::Master, RequestResult::Failed));
    tokio::time::advance(Duration::from_secs(90)).await;
    activity.ended(&request(ActivityOwner::Master, RequestResult::Cancelled));
    let series = activity.series(|_| true);
    let sums = &series[&(Some("m".to_owned()), ActivityOwner::Master)];
    let first = Sums {
        requests: 2,
        errors: 1,
        retries: 2,
        prompt_tokens: 6,
        completion_tokens: 8,
        answers: 1,
        answering: Duration::from_secs(2),
        streams: 1,
        first_pieces: Duration::from_millis(500),
        cancelled: 0,
    };
    assert_eq!(sums[0], (Duration::from_secs(90), first));
    assert_eq!((sums[1].0, sums[1].1.cancelled, sums.len()), (Duration::from_secs(30), 1, 2));
    tokio::time::advance(Duration::from_secs(3530)).await;
    assert_eq!(activity.series(|_| true).values().map(Vec::len).sum::<usize>(), 1);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(activity.series(|_| true), Series::new());
}

#[tokio::test(start_paused = true)]
async fn owners_are_separate_whatever_a_key_is_called() {
    let activity = Activity::default();
    let impostor = ActivityOwner::Key("master".to_owned());
    activity.ended(&request(ActivityOwner::Master, RequestResult::Answered));
    activity.failed(failure(&ActivityOwner::Master, "a".to_owned()));
    assert_eq!(activity.series(|owner| *owner == impostor), Series::new());
    assert!(activity.failures(|owner| *owner == impostor).is_empty());
    assert_eq!(activity.failures(|_| true)[0].1.request_id, "a");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_fails_often_does_not_push_out_the_others() {
    let activity = Activity::default();
    let quiet = ActivityOwner::Key("quiet".to_owned());
    activity.failed(failure(&quiet, "first".to_owned()));
    for count in 0..1000 {
        activity.failed(failure(&ActivityOwner::Anyone, count.to_string()));
    }
    assert_eq!(activity.failures(|owner| *owner == quiet).len(), 1);
    let noisy = activity.failures(|owner| *owner == ActivityOwner::Anyone);
    assert_eq!((noisy.len(), noisy[0].1.request_id.as_str()), (MOST_FAILURES_OF_ONE, "999"));
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_of_a_deployment_is_remembered() {
    let activity = Activity::default();
    activity.deployment_failed("d-1", "throttled", "req-1");
    tokio::time::advance(Duration::from_secs(5)).await;
    let last = activity.last_failure("d-1").unwrap();
    assert_eq!(
        (last.kind.as_str(), last.request_id.as_str(), last.age),
        ("throttled", "req-1", Duration::from_secs(5))
    );
    assert!(activity.last_failure("d-2").is_none());
}
