//! The framer of server-sent events and JSON lines.

use sagewire_dialects::records::{Record, RecordFramer};

use super::{Bound, cuttings};

/// A record is kept until its end has come, once as it came and once as it is joined.
pub const BOUND: Bound = Bound::small(8, 40);

/// Reads records as they come, in pieces of some tokens' length.
pub fn read(input: &[u8]) {
    let mut framer = RecordFramer::default();
    let mut take = |_: Record<'_>| Ok(());
    for piece in input.chunks(61) {
        if framer.push(piece, &mut take).is_err() {
            return;
        }
    }
    let _ = framer.finish(&mut take);
}

/// The records are the same at every cut, none is empty, and together they hold no more than came
/// in.
///
/// # Panics
/// Where this is not so.
pub fn check(input: &[u8]) {
    let whole = records(&[input]);
    let bytes: usize = whole.iter().flatten().map(Vec::len).sum();
    assert!(bytes <= input.len(), "{bytes} bytes came out of {}", input.len());
    assert!(whole.iter().flatten().all(|record| !record.is_empty()), "a record is empty: {whole:?}");
    for pieces in cuttings(input) {
        let cut = records(&pieces);
        assert_eq!(cut, whole, "cut as {:?}", pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>());
    }
}

/// The records of a stream that comes in these pieces; `None` is the mark `[DONE]`.
fn records(pieces: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
    let (mut framer, mut records) = (RecordFramer::default(), Vec::new());
    let mut take = |record: Record<'_>| {
        records.push(match record {
            Record::Json(text) => Some(text.to_vec()),
            _ => None,
        });
        Ok(())
    };
    for piece in pieces {
        framer.push(piece, &mut take).expect("a record of this length has room");
    }
    framer.finish(&mut take).expect("the end makes no record longer");
    records
}
