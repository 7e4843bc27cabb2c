//! What a rendering may still use: fuel for work that the engine cannot see, the size of one text,
//! and the time.
//!
//! The engine charges one unit of fuel per instruction and per 64 bytes
//! (`minijinja::Environment::set_fuel`), but only for results, when they are there. The functions
//! here look *before* the work is done, so that one call cannot run away, and charge for work that
//! leaves no result. Each of them also asks now and then whether to go on.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, Value, ValueKind};
use minijinja::{Environment, Error, State};

use super::error::{stopped, too_long};
use crate::limits::KeepGoing;

/// Bytes one unit of fuel pays for, the engine's own rate.
const BYTES_PER_FUEL: u64 = 64;
/// Items one unit of fuel pays for.
const ITEMS_PER_FUEL: u64 = 2;
/// Fuel used between two questions whether to go on: well below a millisecond of work.
const FUEL_PER_QUESTION: u64 = 4_096;
/// How often a prompt may be printed on its way into itself, by macros and `set` blocks: what is
/// printed in all is at most this many times the longest prompt.
const PRINTS_PER_BYTE: usize = 4;

/// The bounds of one rendering, which its state keeps.
#[derive(Clone)]
pub(crate) struct Bounds {
    /// The longest text, in bytes.
    longest: usize,
    /// How many bytes may still be printed.
    printable: Cell<usize>,
    keep_going: KeepGoing,
    /// The fuel level at which the next question is due.
    next_question: Cell<u64>,
}

impl Bounds {
    /// The bounds of a rendering whose prompt has at most `output_bytes` bytes.
    pub(crate) fn new(output_bytes: usize, keep_going: KeepGoing) -> Self {
        let printable = Cell::new(output_bytes.saturating_mul(PRINTS_PER_BYTE));
        Self { longest: output_bytes, printable, keep_going, next_question: Cell::new(u64::MAX) }
    }
}

/// Carries the bounds from the variables of a template to its state: [`begin`] is the first thing
/// that every program does.
pub(crate) struct Carrier {
    output_bytes: usize,
    keep_going: KeepGoing,
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carrier").field("output_bytes", &self.output_bytes).finish_non_exhaustive()
    }
}

impl Carrier {
    /// The variable that holds the bounds. No template can write its name.
    pub(crate) const VARIABLE: &'static str = " bounds";
    /// The filter that puts them into the state.
    pub(crate) const BEGIN: &'static str = "begin";

    pub(crate) fn value(output_bytes: usize, keep_going: KeepGoing) -> Value {
        Value::from_object(Self { output_bytes, keep_going })
    }
}

impl Object for Carrier {}

/// Registers what begins a program.
pub(crate) fn register(env: &mut Environment<'static>) {
    env.add_filter(Carrier::BEGIN, |state: &mut State<'_, '_>, carrier: &Value| {
        if let Some(carrier) = carrier.downcast_object::<Carrier>() {
            let carrier: Arc<Carrier> = carrier;
            state.get_or_insert_extension(Bounds::new(carrier.output_bytes, carrier.keep_going.clone()));
        }
        Value::from("")
    });
}

/// Fails once the rendering is to stop. Cheap enough to be asked for every value that is printed.
pub(crate) fn keep_going(state: &State<'_, '_>) -> Result<(), Error> {
    keep_going_for(state, 0)
}

/// The same before work that takes this much fuel.
fn keep_going_for(state: &State<'_, '_>, coming: u64) -> Result<(), Error> {
    let Some(bounds) = state.get_extension::<Bounds>() else { return Ok(()) };
    let Some((used, remaining)) = state.fuel_levels() else { return Ok(()) };
    if remaining.saturating_sub(coming) > bounds.next_question.get() {
        return Ok(());
    }
    // Not moved on when it is time to stop: a generator may swallow this error until it is walked.
    if !bounds.keep_going.ask(used.saturating_add(coming)) {
        return Err(stopped());
    }
    bounds.next_question.set(remaining.saturating_sub(FUEL_PER_QUESTION));
    Ok(())
}

/// Counts text that is about to be printed, into the prompt or into a variable.
pub(crate) fn print_bytes(state: &State<'_, '_>, bytes: usize) -> Result<(), Error> {
    keep_going_for(state, bytes as u64 / BYTES_PER_FUEL)?;
    let Some(bounds) = state.get_extension::<Bounds>() else { return Ok(()) };
    let left = bounds.printable.get().checked_sub(bytes).ok_or_else(too_long)?;
    bounds.printable.set(left);
    Ok(())
}

/// Fails unless the fuel can pay for a text of `bytes` bytes that is about to be made, or if no
/// text may be that long. The engine charges for it when it gets it, so that nothing is charged
/// here.
pub(crate) fn afford_bytes(state: &State<'_, '_>, bytes: usize) -> Result<(), Error> {
    keep_going_for(state, bytes as u64 / BYTES_PER_FUEL)?;
    if bytes <= affordable_bytes(state) { Ok(()) } else { Err(exhaust(state)) }
}

/// Charges for reading `bytes` bytes of text, where the engine does not see it.
pub(crate) fn charge_bytes(state: &State<'_, '_>, bytes: usize) -> Result<(), Error> {
    charge(state, bytes as u64 / BYTES_PER_FUEL)
}

/// Charges for a value as the engine charges for what a filter is given and gives back: a text by
/// its bytes, a list by its items. For calls that do not pass through the engine.
pub(crate) fn charge_value(state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::String | ValueKind::Bytes => charge_bytes(state, value.as_bytes().map_or(0, <[u8]>::len)),
        ValueKind::Seq | ValueKind::Map => charge_items(state, value.len().unwrap_or(0)),
        _ => Ok(()),
    }
}

/// Collects what an iterator gives and charges for it on the way, so that no long list is made
/// before it is paid for.
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
    charge(state, (items as u64).div_ceil(ITEMS_PER_FUEL))
}

fn charge(state: &State<'_, '_>, fuel: u64) -> Result<(), Error> {
    keep_going_for(state, fuel)?;
    if fuel == 0 { Ok(()) } else { state.consume_fuel(fuel) }
}

/// Charges for sorting `items` items.
pub(crate) fn charge_sort(state: &State<'_, '_>, items: usize) -> Result<(), Error> {
    let log = usize::BITS - items.leading_zeros();
    charge_items(state, items.saturating_mul(log as usize).saturating_mul(2))
}

/// The longest text that may be made now: what the remaining fuel can still pay for, and no longer
/// than a prompt may be. The bound handed to printers.
pub(crate) fn affordable_bytes(state: &State<'_, '_>) -> usize {
    let paid = state.fuel_levels().map_or(usize::MAX, |(_, remaining)| {
        usize::try_from(remaining.saturating_mul(BYTES_PER_FUEL)).unwrap_or(usize::MAX)
    });
    paid.min(longest(state))
}

fn longest(state: &State<'_, '_>) -> usize {
    state.get_extension::<Bounds>().map_or(usize::MAX, |bounds| bounds.longest)
}

/// Ends rendering: a text was to be made that is too long, or that the fuel cannot pay for. All
/// fuel is used up, so that nothing can go on.
pub(crate) fn exhaust(state: &State<'_, '_>) -> Error {
    let paid = state.fuel_levels().map_or(u64::MAX, |(_, remaining)| remaining.saturating_mul(BYTES_PER_FUEL));
    let is_too_long = usize::try_from(paid).unwrap_or(usize::MAX) > longest(state);
    let out_of_fuel = state.consume_fuel(u64::MAX).err();
    match out_of_fuel {
        Some(error) if !is_too_long => error,
        _ => too_long(),
    }
}
