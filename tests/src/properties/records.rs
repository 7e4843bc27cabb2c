//! The framer of server-sent events and JSON lines.

use sagewire_sagemaker::testing;

use super::cuttings;

/// The records are the same at every cut, none is empty, and together they hold no more than came in.
///
/// # Panics
/// Where this is not so.
pub fn check(input: &[u8]) {
    let whole = testing::records([input]).expect("a record of this length has room");
    let bytes: usize = whole.iter().flatten().map(Vec::len).sum();
    assert!(bytes <= input.len(), "{bytes} bytes came out of {}", input.len());
    assert!(whole.iter().flatten().all(|record| !record.is_empty()), "a record is empty: {whole:?}");
    for pieces in cuttings(input) {
        let cut = testing::records(pieces.iter().copied()).expect("cuts make no record longer");
        assert_eq!(cut, whole, "cut as {:?}", pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>());
    }
}
