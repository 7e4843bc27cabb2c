//! What every fuzz target does with an input: its property must hold, and reading it must cost no more than its bound.

use sagewire_tests::properties::{self, Cost};

/// Tries the property of this name on an input.
///
/// # Panics
/// If it does not hold, if reading costs too much, or if there is no such property.
pub fn try_on(name: &str, input: &[u8]) {
    let property = properties::ALL.iter().find(|property| property.name == name).expect("a property of this name");
    (property.check)(input);
    let counted = allocation_counter::measure(|| (property.read)(input));
    let cost = Cost { allocations: counted.count_total, bytes: counted.bytes_total, peak: counted.bytes_max };
    if let Err(broken) = property.bound.check(input.len(), cost) {
        panic!("{broken}");
    }
}
