use std::sync::{Arc, atomic::Ordering::SeqCst};

use object_store::memory::InMemory;

use super::*;
use crate::bench::bench;

#[tokio::test(start_paused = true)]
async fn lists_are_paged_and_others_find_nothing() {
    let bench = bench(Arc::new(InMemory::new()));
    let mut created = Vec::new();
    for number in 0..5 {
        created.insert(0, bench.create(&[format!("x{number}")]).await);
        bench.clock.0.fetch_add(1, SeqCst);
    }
    let list = |page: Page| {
        let bench = &bench;
        async move {
            let found = bench.store.batches(&bench.owner, &page).await.unwrap();
            (found.entries.into_iter().map(|batch| batch.id).collect::<Vec<_>>(), found.has_more)
        }
    };
    assert_eq!(list(Page::first(2)).await, (created[..2].to_vec(), true));
    let next = Page { after: Some(created[1].clone()), ..Page::first(3) };
    assert_eq!(list(next).await, (created[2..].to_vec(), false));
    let oldest = Page { is_ascending: true, ..Page::first(1) };
    assert_eq!(list(oldest).await, (created[4..].to_vec(), true));
    assert_eq!(bench.store.files(&bench.owner, &Page::first(10), Some("batch")).await.unwrap().entries.len(), 5);
    assert!(bench.store.files(&bench.owner, &Page::first(10), Some("vision")).await.unwrap().entries.is_empty());

    let other = Owner::new("other").unwrap();
    assert!(bench.store.batches(&other, &Page::first(10)).await.unwrap().entries.is_empty());
    let file = bench.store.batch(&bench.owner, &created[0]).await.unwrap().input_file_id;
    for error in [
        bench.store.batch(&other, &created[0]).await.map(drop).unwrap_err(),
        bench.store.cancel(&other, &created[0]).await.map(drop).unwrap_err(),
        bench.store.file(&other, &file).await.map(drop).unwrap_err(),
        bench.store.delete_file(&other, &file).await.unwrap_err(),
        bench.store.content(&other, &file).await.map(drop).unwrap_err(),
        bench.store.create(&other, NewBatch::new(Input::File(file.clone()))).await.map(drop).unwrap_err(),
        bench.store.file(&bench.owner, "file-../../x").await.map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, BatchError::NotFound { .. }), "{error:?}");
    }
    bench.store.delete_file(&bench.owner, &file).await.unwrap();
    assert!(bench.store.file(&bench.owner, &file).await.is_err());
}
