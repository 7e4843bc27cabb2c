//! One more try with a fresh signature: after expired credentials, and after a clock that is off.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use sagewire::{
    CallContext, ErrorKind, Provider, Retries, SageMaker,
    credentials::{
        Credentials, CredentialsError, ProvideCredentials,
        seam::{FixedClock, World},
    },
};
use sagewire_emulator::{AwsError, Emulator, Scripted};
use sagewire_tests::{
    endpoint::{builder_for, question},
    transport::{Answer, ScriptedTransport},
};

/// Gives session `ASIA0`, and after each invalidation the next one.
#[derive(Debug, Default)]
struct Sessions {
    current: AtomicUsize,
    given: AtomicUsize,
}

impl Sessions {
    fn keys(number: usize) -> [String; 3] {
        [format!("ASIA{number}"), format!("secret-{number}"), format!("token-{number}")]
    }
}

#[async_trait]
impl ProvideCredentials for Sessions {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        self.given.fetch_add(1, Ordering::Relaxed);
        let [id, secret, token] = Self::keys(self.current.load(Ordering::Relaxed));
        Ok(Credentials::new(id, secret).with_session_token(token))
    }

    fn invalidate(&self, credentials: &Credentials) {
        let current = self.current.load(Ordering::Relaxed);
        assert_eq!(credentials.access_key_id(), Self::keys(current)[0]);
        self.current.store(current + 1, Ordering::Relaxed);
    }
}

async fn with_sessions() -> (Emulator, Arc<Sessions>, SageMaker) {
    let emulator = (0..3)
        .map(Sessions::keys)
        .fold(Emulator::builder(), |builder, [id, secret, token]| builder.session(id, secret, token));
    let emulator = emulator.start().await.unwrap();
    let sessions = Arc::new(Sessions::default());
    let sagemaker = builder_for(emulator.url()).credentials(sessions.clone()).build().unwrap();
    (emulator, sessions, sagemaker)
}

fn signers(emulator: &Emulator) -> Vec<String> {
    emulator.received().into_iter().filter_map(|request| request.access_key_id).collect()
}

#[tokio::test]
async fn expired_credentials_are_dropped_and_the_call_is_signed_with_new_ones() {
    let (emulator, _, sagemaker) = with_sessions().await;
    emulator.enqueue("tgi", Scripted::error(AwsError::expired_token()));
    let reply = sagemaker.chat(question("sagemaker/tgi"), &CallContext::new()).await.unwrap();
    assert_eq!(reply.meta.attempts, 2);
    assert_eq!(signers(&emulator), ["ASIA0", "ASIA1"]);
}

#[tokio::test]
async fn credentials_of_the_programs_own_are_kept() {
    let (emulator, sessions, sagemaker) = with_sessions().await;
    for _ in 0..3 {
        sagemaker.chat(question("sagemaker/tgi"), &CallContext::new()).await.unwrap();
    }
    assert_eq!(signers(&emulator), ["ASIA0"; 3]);
    assert_eq!(sessions.given.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_caller_that_tries_itself_is_spared_the_expiry_too() {
    let (emulator, _, sagemaker) = with_sessions().await;
    emulator.enqueue("messages", Scripted::error(AwsError::expired_token()));
    let context = CallContext::new().with_retries(Retries::Caller);
    let stream = sagemaker.chat_stream(question("sagemaker_chat/messages"), &context).await.unwrap();
    assert_eq!(stream.meta.attempts, 2);
    assert_eq!(signers(&emulator), ["ASIA0", "ASIA1"]);
}

#[tokio::test]
async fn credentials_that_are_expired_again_end_the_call() {
    let (emulator, sessions, sagemaker) = with_sessions().await;
    for _ in 0..2 {
        emulator.enqueue("tgi", Scripted::error(AwsError::expired_token()));
    }
    let error = sagemaker.chat(question("sagemaker/tgi"), &CallContext::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), error.is_retryable()), (ErrorKind::Authentication, 2, false));
    assert!(error.to_string().contains("refresh"), "{error}");
    assert_eq!((emulator.received().len(), sessions.given.load(Ordering::Relaxed)), (2, 2));
    assert_eq!(sessions.current.load(Ordering::Relaxed), 2, "the second ones are known to be expired too");
}

#[tokio::test]
async fn other_refusals_leave_the_credentials_alone() {
    let (emulator, sessions, sagemaker) = with_sessions().await;
    for error in [AwsError::unrecognized_client(), AwsError::access_denied("no")] {
        emulator.enqueue("tgi", Scripted::error(error));
        let error = sagemaker.chat(question("sagemaker/tgi"), &CallContext::new()).await.unwrap_err();
        assert_eq!(error.attempts(), 1);
    }
    assert_eq!(sessions.current.load(Ordering::Relaxed), 0);
}

fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_768_478_400)
}

/// An emulator at noon, and a provider whose clock shows something else.
async fn with_clock(ours: SystemTime) -> (Emulator, SageMaker) {
    let emulator = Emulator::builder().clock(Arc::new(noon)).start().await.unwrap();
    let world = World::builder().with_clock(FixedClock(ours)).build();
    let sagemaker = builder_for(emulator.url()).world(world).build().unwrap();
    (emulator, sagemaker)
}

#[tokio::test]
async fn a_clock_that_is_off_is_corrected_once_for_all_calls() {
    let hour = Duration::from_secs(3600);
    for ours in [noon() - hour, noon() + hour] {
        let (emulator, sagemaker) = with_clock(ours).await;
        let context = CallContext::new();
        let first = sagemaker.chat(question("sagemaker/tgi"), &context).await.unwrap();
        let second = sagemaker.chat_stream(question("sagemaker_chat/messages"), &context).await.unwrap();
        assert_eq!((first.meta.attempts, second.meta.attempts), (2, 1));
        let verdicts: Vec<_> = emulator.received().iter().map(|request| request.accepted).collect();
        assert_eq!(verdicts, [false, true, true]);
    }
}

#[tokio::test]
async fn a_clock_within_the_tolerance_is_left_alone() {
    let (emulator, sagemaker) = with_clock(noon() - Duration::from_secs(240)).await;
    let reply = sagemaker.chat(question("sagemaker/tgi"), &CallContext::new()).await.unwrap();
    assert_eq!((reply.meta.attempts, emulator.received().len()), (1, 1));
    assert_eq!(emulator.received()[0].header("x-amz-date"), Some("20260115T115600Z"));
}

#[tokio::test]
async fn a_signature_that_is_never_current_ends_the_call_and_names_the_clock() {
    let skewed = Answer::error(
        403,
        "InvalidSignatureException",
        "Signature expired: 20260115T000000Z is now earlier than 20260115T010000Z",
    );
    let transport = ScriptedTransport::new([skewed.with_header("date", "Thu, 15 Jan 2026 12:00:00 GMT")]);
    let sagemaker = builder_for("http://endpoint.invalid").transport(transport.clone()).build().unwrap();
    let error = sagemaker.chat(question("sagemaker/e"), &CallContext::new()).await.unwrap_err();
    assert_eq!((error.kind(), transport.count()), (ErrorKind::Authentication, 2));
    assert!(error.to_string().contains("clock"), "{error}");
}
