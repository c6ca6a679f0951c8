//! Path sums of many rows. One function per way of computing; all give the same bits, because the sums are of integers
//! and a comparison is exact.

use crate::forest::Forest;
use crate::tables::Tables;
use crate::tree::CARRIED_WIDTH;

/// A way of computing path sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Plain Rust, sixteen rows at a time.
    Portable,
    /// Eight trees a vector.
    Avx2,
    /// Sixteen trees a vector.
    Avx512,
}

impl Backend {
    /// The fastest for rows of `width` columns on this machine.
    pub fn best(width: usize) -> Self {
        #[cfg(target_arch = "x86_64")]
        if width <= CARRIED_WIDTH {
            if std::arch::is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if std::arch::is_x86_feature_detected!("avx2") {
                return Self::Avx2;
            }
        }
        let _ = width;
        Self::Portable
    }

    /// All that this machine has for rows of `width` columns.
    pub fn available(width: usize) -> Vec<Self> {
        let best = Self::best(width);
        [Self::Portable, Self::Avx2, Self::Avx512].into_iter().take_while(|b| *b as u8 <= best as u8).collect()
    }
}

/// A row of a block, filled up with zeros.
pub(crate) type Slot = [f32; CARRIED_WIDTH];

/// Rows that share one pass over the trees: enough that a tree's tables are fetched once for many rows, few enough that
/// the rows stay in the first-level cache beside them.
pub(crate) const BLOCK: usize = 64;
/// Rows that descend side by side, so that their loads overlap.
const ABREAST: usize = 16;

impl Forest {
    /// The path sum of each row, in fixed point ([`crate::FIXED_ONE`] a step), put in place of what `out` held. Values
    /// after the last whole row are not looked at. NaN goes left at every split.
    pub fn path_sums(&self, rows: &[f32], out: &mut Vec<u32>) {
        self.path_sums_with(self.backend, rows, out);
    }

    /// As [`Forest::path_sums`], computed this way; where the machine lacks it, another way, with the same result.
    pub fn path_sums_with(&self, backend: Backend, rows: &[f32], out: &mut Vec<u32>) {
        out.clear();
        out.resize(rows.len() / self.width, 0);
        if self.width > CARRIED_WIDTH {
            return portable_wide(&self.tables, self.width, rows, out);
        }
        let mut block = [[0.0; CARRIED_WIDTH]; BLOCK];
        for (rows, sums) in rows.chunks(self.width * BLOCK).zip(out.chunks_mut(BLOCK)) {
            for (slot, row) in block.iter_mut().zip(rows.chunks_exact(self.width)) {
                slot[..self.width].copy_from_slice(row);
            }
            let mut block_sums = [0; BLOCK];
            self.block(backend, &block, sums.len(), &mut block_sums);
            sums.copy_from_slice(&block_sums[..sums.len()]);
        }
    }

    /// Adds up the first `count` rows of a block; what stands in the sums after them does not count.
    fn block(&self, backend: Backend, rows: &[Slot; BLOCK], count: usize, sums: &mut [u32; BLOCK]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(lanes) = &self.lanes
            && lanes.path_sums(backend, rows, count, sums)
        {
            return;
        }
        let _ = backend;
        portable(&self.tables, rows, count, sums);
    }
}

/// Trees outside, rows inside, no branch but the loops'. Of at most [`CARRIED_WIDTH`] columns.
fn portable(tables: &Tables, rows: &[Slot; BLOCK], count: usize, sums: &mut [u32; BLOCK]) {
    match tables.ends {
        2 => descend::<2>(tables, rows, count, sums),
        4 => descend::<4>(tables, rows, count, sums),
        8 => descend::<8>(tables, rows, count, sums),
        16 => descend::<16>(tables, rows, count, sums),
        32 => descend::<32>(tables, rows, count, sums),
        64 => descend::<64>(tables, rows, count, sums),
        128 => descend::<128>(tables, rows, count, sums),
        256 => descend::<256>(tables, rows, count, sums),
        512 => descend::<512>(tables, rows, count, sums),
        1024 => descend::<1024>(tables, rows, count, sums),
        2048 => descend::<2048>(tables, rows, count, sums),
        _ => descend::<4096>(tables, rows, count, sums),
    }
}

/// With the tables' size known, a mask stands in for each bounds check.
fn descend<const ENDS: usize>(tables: &Tables, rows: &[Slot; BLOCK], count: usize, sums: &mut [u32; BLOCK]) {
    let groups = count.div_ceil(ABREAST);
    let trees = tables.thresholds.as_chunks::<ENDS>().0.iter().zip(tables.leaves.as_chunks::<ENDS>().0);
    for (splits, leaves) in trees {
        for (rows, sums) in rows.as_chunks::<ABREAST>().0.iter().zip(sums.as_chunks_mut::<ABREAST>().0).take(groups) {
            let mut at = [1u32; ABREAST];
            for _ in 0..ENDS.trailing_zeros() {
                for (at, row) in at.iter_mut().zip(rows) {
                    let split = splits[*at as usize & (ENDS - 1)];
                    let x = row[split as usize & (CARRIED_WIDTH - 1)];
                    *at = 2 * *at + u32::from(x > f32::from_bits(split));
                }
            }
            for (at, sum) in at.iter().zip(sums) {
                *sum += leaves[*at as usize & (ENDS - 1)];
            }
        }
    }
}

/// The same for any width, with the features in a table of their own.
fn portable_wide(tables: &Tables, width: usize, rows: &[f32], sums: &mut [u32]) {
    let ends = tables.ends;
    for (rows, sums) in rows.chunks(width * ABREAST).zip(sums.chunks_mut(ABREAST)) {
        let trees = tables.thresholds.chunks_exact(ends).zip(tables.features.chunks_exact(ends));
        for ((thresholds, features), leaves) in trees.zip(tables.leaves.chunks_exact(ends)) {
            let mut at = [1usize; ABREAST];
            for _ in 0..ends.trailing_zeros() {
                for (at, row) in at.iter_mut().zip(rows.chunks_exact(width)) {
                    let x = row[usize::from(features[*at])];
                    *at = 2 * *at + usize::from(x > f32::from_bits(thresholds[*at]));
                }
            }
            for (at, sum) in at.iter().zip(sums.iter_mut()) {
                *sum += leaves[*at - ends];
            }
        }
    }
}
