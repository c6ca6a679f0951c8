//! The same path sums in vectors: a lane is a tree, a vector register holds a row, and finding a split's feature is one
//! permute, since the threshold's low bits are the feature's index.
#![expect(unsafe_code, reason = "vector loads and gathers take pointers; every block states why its reads are inside the table")]

use crate::score::{BLOCK, Backend, Slot};
use crate::tables::{FILLER, Tables};
use std::arch::x86_64::*;

/// Trees side by side in the table.
const LANES: usize = 16;

/// The trees, sixteen side by side: `table[(group · 2 · ends + node) · 16 + lane]`, where a node below `ends` is a split
/// and one from `ends` on a path length.
///
/// **Invariant:** `table.len() = groups · 2 · ends · 16`, `ends = 2^height`, and `2 · ends · 16 < 2^31`. Descent from
/// node 1 by `2 · node + {0, 1}`, `height` times, therefore reads nodes 1 to 2 · ends − 1 and no others.
#[derive(Clone, Debug)]
pub(crate) struct Lanes {
    ends: usize,
    table: Vec<u32>,
}

impl Lanes {
    /// Lays the tables out side by side. Lanes without a tree go left to a path length of 0.
    pub(crate) fn new(tables: &Tables) -> Self {
        let ends = tables.ends;
        let trees = tables.thresholds.len() / ends;
        let mut table = vec![0; trees.div_ceil(LANES) * 2 * ends * LANES];
        for group in table.chunks_exact_mut(2 * ends * LANES) {
            group[..ends * LANES].fill(FILLER);
        }
        let splits = tables.thresholds.chunks_exact(ends).zip(tables.leaves.chunks_exact(ends));
        for (tree, (splits, leaves)) in splits.enumerate() {
            let group = &mut table[tree / LANES * 2 * ends * LANES..][..2 * ends * LANES];
            for (node, &word) in splits.iter().chain(leaves).enumerate() {
                group[node * LANES + tree % LANES] = word;
            }
        }
        Self { ends, table }
    }

    /// Sums the first `count` rows; false where this machine lacks the instructions.
    pub(crate) fn path_sums(&self, backend: Backend, rows: &[Slot; BLOCK], count: usize, sums: &mut [u32; BLOCK]) -> bool {
        match backend {
            Backend::Avx512 if std::arch::is_x86_feature_detected!("avx512f") => {
                // SAFETY: the instructions were detected.
                unsafe { self.avx512(rows, count, sums) }
            }
            Backend::Avx2 if std::arch::is_x86_feature_detected!("avx2") => {
                // SAFETY: the instructions were detected.
                unsafe { self.avx2(rows, count, sums) }
            }
            _ => return false,
        }
        true
    }

    #[target_feature(enable = "avx512f")]
    fn avx512(&self, rows: &[Slot; BLOCK], count: usize, sums: &mut [u32; BLOCK]) {
        // Rows that descend side by side, so that their gathers overlap.
        const ABREAST: usize = 4;
        let lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let step = _mm512_set1_epi32(LANES as i32);
        let below_root = _mm512_add_epi32(lane, _mm512_set1_epi32(2 * LANES as i32));
        let height = self.ends.trailing_zeros();
        let mut totals = [_mm512_setzero_si512(); BLOCK];
        for group in self.table.chunks_exact(2 * self.ends * LANES) {
            let nodes = group.as_chunks::<LANES>().0;
            // SAFETY: a chunk is 16 words of 4 bytes, and the load needs no alignment.
            let node = |at: usize| unsafe { _mm512_loadu_si512(nodes[at].as_ptr().cast()) };
            let (n1, n2, n3) = (node(1), node(2), node(3));
            let chunks = rows.as_chunks::<ABREAST>().0.iter().zip(totals.as_chunks_mut::<ABREAST>().0);
            for (rows, totals) in chunks.take(count.div_ceil(ABREAST)) {
                // SAFETY: a row is 16 floats, and the load needs no alignment.
                let x: [__m512; ABREAST] = std::array::from_fn(|r| unsafe { _mm512_loadu_ps(rows[r].as_ptr()) });
                // The permute looks at the low four bits of an index, which are the feature.
                let exceeds = |r: usize, split: __m512i| {
                    _mm512_cmp_ps_mask::<_CMP_GT_OQ>(_mm512_permutexvar_ps(split, x[r]), _mm512_castsi512_ps(split))
                };
                // at = node · 16 + lane; the child is 2 · node + went right.
                let child = |at: __m512i, right: __mmask16| {
                    let left = _mm512_sub_epi32(_mm512_add_epi32(at, at), lane);
                    _mm512_mask_add_epi32(left, right, left, step)
                };
                // The top of the trees is the same few vectors for all rows: blends are cheaper there than gathers.
                let right1: [__mmask16; ABREAST] = std::array::from_fn(|r| exceeds(r, n1));
                let mut at: [__m512i; ABREAST] =
                    std::array::from_fn(|r| _mm512_mask_add_epi32(below_root, right1[r], below_root, step));
                let mut level = 1;
                if height >= 2 {
                    let right2: [__mmask16; ABREAST] =
                        std::array::from_fn(|r| exceeds(r, _mm512_mask_blend_epi32(right1[r], n2, n3)));
                    at = std::array::from_fn(|r| child(at[r], right2[r]));
                    level = 2;
                    if height >= 3 {
                        let (n4, n5, n6, n7) = (node(4), node(5), node(6), node(7));
                        at = std::array::from_fn(|r| {
                            let left = _mm512_mask_blend_epi32(right2[r], n4, n5);
                            let right = _mm512_mask_blend_epi32(right2[r], n6, n7);
                            child(at[r], exceeds(r, _mm512_mask_blend_epi32(right1[r], left, right)))
                        });
                        level = 3;
                    }
                }
                for _ in level..height {
                    // SAFETY: by the invariant of `Lanes` node < 2 · ends, so node · 16 + lane < group.len().
                    let split: [__m512i; ABREAST] =
                        std::array::from_fn(|r| unsafe { _mm512_i32gather_epi32::<4>(at[r], group.as_ptr().cast()) });
                    at = std::array::from_fn(|r| child(at[r], exceeds(r, split[r])));
                }
                for r in 0..ABREAST {
                    // SAFETY: as above; after `height` steps ends ≤ node < 2 · ends.
                    let path = unsafe { _mm512_i32gather_epi32::<4>(at[r], group.as_ptr().cast()) };
                    totals[r] = _mm512_add_epi32(totals[r], path);
                }
            }
        }
        for (sum, total) in sums.iter_mut().zip(totals).take(count) {
            *sum = _mm512_reduce_add_epi32(total) as u32;
        }
    }

    #[target_feature(enable = "avx2")]
    fn avx2(&self, rows: &[Slot; BLOCK], count: usize, sums: &mut [u32; BLOCK]) {
        const ABREAST: usize = 4;
        const HALF: usize = LANES / 2;
        let height = self.ends.trailing_zeros();
        let step = _mm256_set1_epi32(LANES as i32);
        let mut totals = [_mm256_setzero_si256(); BLOCK];
        for group in self.table.chunks_exact(2 * self.ends * LANES) {
            let nodes = group.as_chunks::<HALF>().0;
            for half in 0..2 {
                let lane = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32((half * HALF) as i32));
                // SAFETY: a chunk is 8 words of 4 bytes, and the load needs no alignment.
                let node = |at: usize| unsafe { _mm256_loadu_si256(nodes[2 * at + half].as_ptr().cast()) };
                let (n1, n2, n3) = (node(1), node(2), node(3));
                let chunks = rows.as_chunks::<ABREAST>().0.iter().zip(totals.as_chunks_mut::<ABREAST>().0);
                for (rows, totals) in chunks.take(count.div_ceil(ABREAST)) {
                    // SAFETY: a row is 16 floats, its halves 8 each, and the load needs no alignment.
                    let low: [__m256; ABREAST] = std::array::from_fn(|r| unsafe { _mm256_loadu_ps(rows[r].as_ptr()) });
                    // SAFETY: as above.
                    let high: [__m256; ABREAST] = std::array::from_fn(|r| unsafe { _mm256_loadu_ps(rows[r][HALF..].as_ptr()) });
                    // All ones where the row goes right. The permute looks at three bits of the feature, the blend at the fourth,
                    // moved to the sign.
                    let exceeds = |r: usize, split: __m256i| {
                        let (a, b) = (_mm256_permutevar8x32_ps(low[r], split), _mm256_permutevar8x32_ps(high[r], split));
                        let x = _mm256_blendv_ps(a, b, _mm256_castsi256_ps(_mm256_slli_epi32::<28>(split)));
                        _mm256_castps_si256(_mm256_cmp_ps::<_CMP_GT_OQ>(x, _mm256_castsi256_ps(split)))
                    };
                    let child = |at: __m256i, right: __m256i| {
                        let left = _mm256_sub_epi32(_mm256_add_epi32(at, at), lane);
                        _mm256_add_epi32(left, _mm256_and_si256(right, step))
                    };
                    let root = _mm256_add_epi32(lane, step);
                    let right1: [__m256i; ABREAST] = std::array::from_fn(|r| exceeds(r, n1));
                    let mut at: [__m256i; ABREAST] = std::array::from_fn(|r| child(root, right1[r]));
                    let mut level = 1;
                    if height >= 2 {
                        at = std::array::from_fn(|r| child(at[r], exceeds(r, _mm256_blendv_epi8(n2, n3, right1[r]))));
                        level = 2;
                    }
                    for _ in level..height {
                        // SAFETY: by the invariant of `Lanes` node < 2 · ends, so node · 16 + lane < group.len().
                        let split: [__m256i; ABREAST] =
                            std::array::from_fn(|r| unsafe { _mm256_i32gather_epi32::<4>(group.as_ptr().cast(), at[r]) });
                        at = std::array::from_fn(|r| child(at[r], exceeds(r, split[r])));
                    }
                    for r in 0..ABREAST {
                        // SAFETY: as above; after `height` steps ends ≤ node < 2 · ends.
                        let path = unsafe { _mm256_i32gather_epi32::<4>(group.as_ptr().cast(), at[r]) };
                        totals[r] = _mm256_add_epi32(totals[r], path);
                    }
                }
            }
        }
        for (sum, total) in sums.iter_mut().zip(totals).take(count) {
            let mut lanes = [0u32; HALF];
            // SAFETY: eight words are written to an array of eight; the store needs no alignment.
            unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), total) };
            *sum = lanes.iter().sum();
        }
    }
}
