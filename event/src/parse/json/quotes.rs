//! Where the quotes of a record are: a bit a byte, found without a branch a string, so that short strings of changing length
//! cost no mispredicted branches.

/// Bytes that are indexed; a longer record is searched byte by byte from there on.
const BYTES_MAX: usize = 1024;
const WORDS: usize = BYTES_MAX / 64;

/// The quotes in the first bytes of a text.
///
/// **Invariant:** only built for a text without backslashes and control characters, where every quote begins or ends a
/// string. For any other text it is empty, and every search is left to the caller.
pub(super) struct Quotes {
    /// The last word stays zero, so that the word after any indexed one can be read.
    masks: [u64; WORDS + 1],
}

impl Quotes {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut masks = [0; WORDS + 1];
        // Not `any`: without an early exit the compiler compares many bytes at once.
        let special = bytes.iter().fold(false, |seen, &b| seen | (b < 0x20) | (b == b'\\'));
        if !special {
            let (blocks, tail) = bytes.as_chunks::<64>();
            for (mask, block) in masks.iter_mut().zip(blocks).take(WORDS) {
                *mask = mask_of(block);
            }
            if let Some(mask) = masks.get_mut(..WORDS).and_then(|words| words.get_mut(blocks.len())) {
                let mut block = [0; 64];
                block[..tail.len()].copy_from_slice(tail);
                *mask = mask_of(&block);
            }
        }
        Self { masks }
    }

    /// The first quote at or after `at`, where it is indexed.
    #[inline(always)]
    pub(super) fn next(&self, at: usize) -> Option<usize> {
        let word = at / 64;
        let &[low, high] = self.masks.get(word..word + 2)?.first_chunk::<2>()?;
        let window = ((u128::from(high) << 64 | u128::from(low)) >> (at % 64)) as u64;
        if window != 0 { Some(at + window.trailing_zeros() as usize) } else { self.far(word + 1) }
    }

    /// The first quote of a word and those after it.
    fn far(&self, word: usize) -> Option<usize> {
        let words = self.masks.iter().enumerate().skip(word);
        words.skip_while(|(_, mask)| **mask == 0).map(|(word, mask)| word * 64 + mask.trailing_zeros() as usize).next()
    }
}

const LOW_BITS: u64 = 0x7F7F_7F7F_7F7F_7F7F;
const QUOTES: u64 = 0x2222_2222_2222_2222;
/// Gathers the top bits of eight bytes into the lowest byte of the product's upper half, the first byte's lowest. In the
/// upper half, because the compiler would vectorise a product of 64 bits, which costs more on machines that lack one.
const GATHER: u128 = 0x0204_0810_2040_8100;

#[inline]
fn mask_of(block: &[u8; 64]) -> u64 {
    let (words, _) = block.as_chunks::<8>();
    words.iter().enumerate().fold(0, |mask, (i, word)| {
        let different = u64::from_le_bytes(*word) ^ QUOTES;
        let top_bit_where_same = !(((different & LOW_BITS) + LOW_BITS) | different | LOW_BITS);
        let gathered = (u128::from(top_bit_where_same) * GATHER) >> 64;
        mask | (gathered as u64 & 0xFF) << (8 * i)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_a_search(bytes in prop::collection::vec(prop_oneof![8 => 0x20u8..=0xFF, 1 => Just(b'"'), 1 => 0x21u8..=0x23], 0..1400)) {
            let bytes: Vec<u8> = bytes.into_iter().filter(|b| *b != b'\\').collect();
            let quotes = Quotes::new(&bytes);
            for at in 0..=bytes.len() {
                let next = bytes.iter().enumerate().skip(at).find(|(_, b)| **b == b'"').map(|(i, _)| i);
                prop_assert_eq!(quotes.next(at), next.filter(|next| *next < BYTES_MAX), "at {}", at);
            }
        }
    }

    #[test]
    fn leaves_texts_with_escapes_to_the_caller() {
        assert_eq!(Quotes::new(br#""a\"b""#).next(0), None);
        assert_eq!(Quotes::new(b"\"a\nb\"").next(0), None);
        assert_eq!(Quotes::new(b"\"ab\"").next(1), Some(3));
    }
}
