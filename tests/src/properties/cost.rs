//! What reading some bytes cost, and what it may.
//!
//! Owns the bound on one input. The counts come from an allocator that counts, which each program
//! that tries the properties brings itself.

/// What was counted while an input was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// How many pieces of memory were asked for.
    pub allocations: u64,
    /// The bytes of all of them.
    pub bytes: u64,
    /// The most bytes that were in use at a time.
    pub peak: u64,
}

/// What an input may cost. What is free covers tables and buffers that any input needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The most bytes in use for each byte of the input.
    pub peak_per_byte: u64,
    /// The most bytes asked for, for each byte of the input.
    pub bytes_per_byte: u64,
    /// So many bytes in use are free, and four times as many that are asked for.
    pub free: u64,
}

impl Bound {
    /// Of a reader that keeps a small multiple of what comes, beside a mebibyte.
    #[must_use]
    pub const fn small(peak_per_byte: u64, bytes_per_byte: u64) -> Self {
        Self { peak_per_byte, bytes_per_byte, free: 1 << 20 }
    }

    /// The first part of the bound that this cost of an input of this length breaks.
    ///
    /// # Errors
    /// With both numbers.
    pub fn check(&self, length: usize, cost: Cost) -> Result<(), String> {
        let length = length as u64;
        for (what, cost, per_byte, free) in [
            ("in use at a time", cost.peak, self.peak_per_byte, self.free),
            ("asked for", cost.bytes, self.bytes_per_byte, 4 * self.free),
        ] {
            let most = per_byte * length + free;
            if cost > most {
                return Err(format!("{cost} bytes {what} for an input of {length} bytes, more than {most}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_grows_with_the_input() {
        let bound = Bound { peak_per_byte: 8, bytes_per_byte: 20, free: 100 };
        let cost = |peak, bytes| Cost { allocations: 1, bytes, peak };
        assert_eq!(bound.check(10, cost(180, 600)), Ok(()));
        assert!(bound.check(10, cost(181, 600)).unwrap_err().contains("181 bytes in use"));
        assert!(bound.check(10, cost(180, 601)).unwrap_err().contains("601 bytes asked for"));
    }
}
