use std::sync::atomic::Ordering::SeqCst;

use futures_util::stream;
use object_store::memory::InMemory;

use super::*;
use crate::bench::bench;

#[tokio::test]
async fn uploads_stay_within_their_limits_and_end_with_their_lifetime() {
    let bench = bench(Arc::new(InMemory::new()));
    let new = |most_bytes, quota| NewFile {
        filename: "../../etc/passwd".to_owned(),
        purpose: "batch".to_owned(),
        lifetime: Some(3600),
        most_bytes,
        quota,
    };
    let content = || stream::iter([Ok("12345".into()), Ok("12345".into()), Ok("1234567890".into())]).boxed();
    let upload = |new| bench.store.upload(&bench.owner, new, content());
    let error = upload(new(19, None)).await.unwrap_err();
    assert!(error.to_string().contains("limit of 19 bytes"), "{error}");
    let error = upload(new(20, Some(19))).await.unwrap_err();
    assert!(error.to_string().contains("may store 19 bytes"), "{error}");
    let broken = stream::iter([Ok("1".into()), Err(std::io::Error::other("gone"))]);
    assert!(matches!(bench.store.upload(&bench.owner, new(20, None), broken).await, Err(BatchError::Input(_))));
    assert_eq!(bench.store.bytes(&bench.owner.folder()).await.unwrap(), 0, "nothing is left of them");
    let file = upload(new(20, Some(1000))).await.unwrap();
    assert_eq!((file.filename.as_str(), file.bytes), ("../../etc/passwd", 20));
    bench.clock.0.store(3600, SeqCst);
    assert!(matches!(bench.store.file(&bench.owner, &file.id).await, Err(BatchError::NotFound { .. })));
    assert_eq!(bench.store.bytes(&bench.owner.folder()).await.unwrap(), 0, "what has expired is deleted");
}
