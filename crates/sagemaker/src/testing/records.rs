//! The framer of server-sent events and JSON lines.

use sagewire_types::Error;

use crate::framing::{Record, RecordFramer};

/// The records of a stream that comes in these pieces; `None` is the mark `[DONE]`.
///
/// # Errors
/// `StreamBroken` for a record beyond its limit.
pub fn records<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Option<Vec<u8>>>, Error> {
    let (mut framer, mut records) = (RecordFramer::default(), Vec::new());
    let mut take = |record: Record<'_>| {
        records.push(match record {
            Record::Json(text) => Some(text.to_vec()),
            Record::Done => None,
        });
        Ok(())
    };
    for piece in pieces {
        framer.push(piece, &mut take)?;
    }
    framer.finish(&mut take)?;
    Ok(records)
}
