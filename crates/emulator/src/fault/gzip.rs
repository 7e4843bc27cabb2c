//! A little gzip that becomes a lot.
//!
//! Owns the bits of a [DEFLATE](https://www.rfc-editor.org/rfc/rfc1951) block with fixed codes: one zero, and then copies of it, 258 at a
//! time, in 13 bits each.

use bytes::{BufMut as _, Bytes, BytesMut};

/// The longest copy that DEFLATE has.
const LONGEST_COPY: usize = 258;

/// Gzip that becomes `length` zeros, or up to 257 more, so that only whole copies are needed.
pub(super) fn zeros(length: usize) -> Bytes {
    let copies = length.saturating_sub(1).div_ceil(LONGEST_COPY);
    let total = 1 + copies * LONGEST_COPY;
    let mut bits = Bits::default();
    // The last block, with fixed codes.
    bits.put(0b1, 1);
    bits.put(0b01, 2);
    // The literal 0 is the code 00110000, sent from its highest bit on.
    bits.put_code(0b0011_0000, 8);
    for _ in 0..copies {
        // Length 258 is symbol 285, whose code is 11000101; distance 1 is symbol 0, whose code is 00000.
        bits.put_code(0b1100_0101, 8);
        bits.put_code(0, 5);
    }
    // The end of the block is symbol 256, whose code is 0000000.
    bits.put_code(0, 7);
    let mut gzip = BytesMut::new();
    // Magic number, DEFLATE, no flags, no time, no extra flags, unknown system.
    gzip.put_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
    gzip.put_slice(&bits.finish());
    gzip.put_u32_le(crc_of_zeros(total));
    // The length modulo 2^32.
    gzip.put_u32_le(u32::try_from(total & 0xffff_ffff).unwrap_or_default());
    gzip.freeze()
}

/// By doubling, for a bomb may be large.
fn crc_of_zeros(length: usize) -> u32 {
    let mut power = crc32fast::Hasher::new();
    power.update(&[0]);
    let mut sum = crc32fast::Hasher::new();
    let mut left = length;
    while left > 0 {
        if left & 1 == 1 {
            sum.combine(&power);
        }
        power.combine(&power.clone());
        left >>= 1;
    }
    sum.finalize()
}

/// Bits in bytes, each byte filled from its lowest bit on.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    byte: u8,
    used: u8,
}

impl Bits {
    /// The lowest bit first.
    fn put(&mut self, bits: u8, count: u8) {
        for at in 0..count {
            self.byte |= ((bits >> at) & 1) << self.used;
            self.used += 1;
            if self.used == 8 {
                self.bytes.push(self.byte);
                (self.byte, self.used) = (0, 0);
            }
        }
    }

    /// A Huffman code: the highest bit first.
    fn put_code(&mut self, code: u8, count: u8) {
        for at in (0..count).rev() {
            self.put((code >> at) & 1, 1);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.used > 0 {
            self.bytes.push(self.byte);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_gzip_that_other_tools_know() {
        // `python3 -c "import gzip, sys; print(len(gzip.decompress(bytes.fromhex(sys.argv[1]))))"` says 1
        // and 259.
        assert_eq!(&zeros(1)[..], b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x63\0\0\x8d\xef\x02\xd2\x01\0\0\0");
        assert_eq!(zeros(259).get(18..).unwrap(), 259_u32.to_le_bytes());
    }

    #[test]
    fn the_crc_is_the_one_of_so_many_zeros() {
        for length in [0, 1, 2, 258, 70_001] {
            assert_eq!(crc_of_zeros(length), crc32fast::hash(&vec![0; length]), "{length}");
        }
    }

    #[test]
    fn a_little_becomes_a_lot() {
        let bomb = zeros(10_000_000);
        assert!(bomb.len() < 70_000, "{}", bomb.len());
        let told = u32::from_le_bytes(bomb.get(bomb.len() - 4..).unwrap().try_into().unwrap());
        assert!((10_000_000..10_000_258).contains(&told));
    }
}
