//! What training saw as usual, feature by feature, to set an anomaly's values against.

/// By column, three quantiles of the training rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Usual {
    /// By column: the values that 5 %, 50 % and 95 % of the rows do not exceed.
    points: Vec<[f32; 3]>,
}

impl Usual {
    /// Finds them in rows of `width` values each; 0 for all columns where there are no rows.
    pub fn new(rows: &[f32], width: usize) -> Self {
        let mut column = Vec::with_capacity(rows.len() / width.max(1));
        let points = (0..width).map(|f| {
            column.clear();
            column.extend(rows.chunks_exact(width).map(|row| row[f]));
            [5, 50, 95].map(|percent| {
                let rank = (column.len() * percent).div_ceil(100).max(1);
                if column.is_empty() { 0.0 } else { *column.select_nth_unstable_by(rank - 1, f32::total_cmp).1 }
            })
        });
        Self { points: points.collect() }
    }

    /// Those that were found before; `None` unless each column's are finite and ascend.
    pub fn from_points(points: Vec<[f32; 3]>) -> Option<Self> {
        points.iter().all(|p| p.iter().all(|x| x.is_finite()) && p.is_sorted()).then_some(Self { points })
    }

    /// By column, the 5 %, 50 % and 95 % points.
    pub fn points(&self) -> &[[f32; 3]] {
        &self.points
    }

    /// The middle of a column; 0 for a column that is not there.
    pub fn median(&self, column: usize) -> f32 {
        self.points.get(column).map_or(0.0, |p| p[1])
    }

    /// The range that nine in ten rows kept within; 0 to 0 for a column that is not there.
    pub fn range(&self, column: usize) -> (f32, f32) {
        self.points.get(column).map_or((0.0, 0.0), |p| (p[0], p[2]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_ranks() {
        let rows: Vec<f32> = (1..=100).rev().flat_map(|i| [i as f32, 7.0]).collect();
        let usual = Usual::new(&rows, 2);
        assert_eq!(usual.points(), [[5.0, 50.0, 95.0], [7.0; 3]]);
        assert_eq!((usual.median(0), usual.range(0), usual.median(9)), (50.0, (5.0, 95.0), 0.0));
    }
}
