//! Fuel for work that the engine cannot see: what our own filters, operators and printers do.
//!
//! The engine charges one unit of fuel per instruction and per 64 bytes (`minijinja::Environment::set_fuel`), but only
//! for results, when they are there. The functions here look *before* the work is done, so that one call cannot run
//! away, and charge for work that leaves no result.

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, State};

/// Bytes one unit of fuel pays for, the engine's own rate.
const BYTES_PER_FUEL: u64 = 64;
/// Items one unit of fuel pays for.
const ITEMS_PER_FUEL: u64 = 2;

/// Fails unless the fuel can pay for a text of `bytes` bytes that is about to be made. The engine charges for it when it
/// gets it, so that nothing is charged here.
pub(crate) fn afford_bytes(state: &State<'_, '_>, bytes: usize) -> Result<(), Error> {
    if bytes <= affordable_bytes(state) { Ok(()) } else { Err(exhaust(state)) }
}

/// Charges for reading `bytes` bytes of text, where the engine does not see it.
pub(crate) fn charge_bytes(state: &State<'_, '_>, bytes: usize) -> Result<(), Error> {
    match bytes as u64 / BYTES_PER_FUEL {
        0 => Ok(()),
        fuel => state.consume_fuel(fuel),
    }
}

/// Charges for a value as the engine charges for what a filter is given and gives back: a text by its bytes, a list by
/// its items. For calls that do not pass through the engine.
pub(crate) fn charge_value(state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::String | ValueKind::Bytes => charge_bytes(state, value.as_bytes().map_or(0, <[u8]>::len)),
        ValueKind::Seq | ValueKind::Map => charge_items(state, value.len().unwrap_or(0)),
        _ => Ok(()),
    }
}

/// Collects what an iterator gives and charges for it on the way, so that no long list is made before it is paid for.
pub(crate) fn collect_charged<T>(state: &State<'_, '_>, items: impl Iterator<Item = T>) -> Result<Vec<T>, Error> {
    const BATCH: usize = 64;
    let mut collected = Vec::new();
    for item in items {
        if collected.len() % BATCH == BATCH - 1 {
            charge_items(state, BATCH)?;
        }
        collected.push(item);
    }
    charge_items(state, collected.len() % BATCH)?;
    Ok(collected)
}

/// Charges for visiting `items` items.
pub(crate) fn charge_items(state: &State<'_, '_>, items: usize) -> Result<(), Error> {
    match (items as u64).div_ceil(ITEMS_PER_FUEL) {
        0 => Ok(()),
        fuel => state.consume_fuel(fuel),
    }
}

/// Charges for sorting `items` items.
pub(crate) fn charge_sort(state: &State<'_, '_>, items: usize) -> Result<(), Error> {
    let log = usize::BITS - items.leading_zeros();
    charge_items(state, items.saturating_mul(log as usize).saturating_mul(2))
}

/// How many bytes the remaining fuel can still pay for: the bound handed to printers.
pub(crate) fn affordable_bytes(state: &State<'_, '_>) -> usize {
    state.fuel_levels().map_or(usize::MAX, |(_, remaining)| {
        usize::try_from(remaining.saturating_mul(BYTES_PER_FUEL)).unwrap_or(usize::MAX)
    })
}

/// Uses up all fuel, so that rendering ends.
pub(crate) fn exhaust(state: &State<'_, '_>) -> Error {
    state
        .consume_fuel(u64::MAX)
        .err()
        .unwrap_or_else(|| Error::new(minijinja::ErrorKind::InvalidOperation, "the output is too large"))
}
