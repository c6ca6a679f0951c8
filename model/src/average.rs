//! Path lengths, in fixed point, so that their sum does not depend on the order of adding.

/// One step down a tree, in the fixed point of path lengths.
pub const FIXED_ONE: u32 = 1 << 16;

/// c(n), the average path length of an unsuccessful search in a binary search tree of `n` rows, which stands for the
/// part of the tree that was not grown: 2 H(n−1) − 2 (n−1)/n (Liu, Ting and Zhou, "Isolation Forest", 2008, equation 1).
///
/// The harmonic number is summed, not approximated by a logarithm; `n` is at most a tree's sample.
pub fn average_path(n: u32) -> f64 {
    if n < 2 {
        return 0.0;
    }
    let harmonic: f64 = (1..n).rev().map(|i| 1.0 / f64::from(i)).sum();
    2.0 * harmonic - 2.0 * f64::from(n - 1) / f64::from(n)
}

/// c(0), c(1), … c(n) in fixed point.
pub(crate) fn average_paths_fixed(n: u32) -> Vec<u32> {
    let mut harmonic = 0.0;
    (0..=n)
        .map(|size| {
            if size < 2 {
                return 0;
            }
            harmonic += 1.0 / f64::from(size - 1);
            let average: f64 = 2.0 * harmonic - 2.0 * f64::from(size - 1) / f64::from(size);
            (average * f64::from(FIXED_ONE) + 0.5) as u32
        })
        .collect()
}

/// The height at which growing stops: ⌈log2(sample)⌉, at least 1.
pub(crate) fn height_limit(sample: u32) -> u32 {
    sample.max(2).next_power_of_two().trailing_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_averages() {
        assert_eq!(average_path(1), 0.0);
        assert_eq!(average_path(2), 1.0);
        assert!((average_path(3) - (3.0 - 4.0 / 3.0)).abs() < 1e-15);
        // The published approximation, 2 (ln(n−1) + γ) − 2 (n−1)/n, is close at 256.
        let approximation = 2.0 * (255f64.ln() + 0.577_215_664_9) - 2.0 * 255.0 / 256.0;
        assert!((average_path(256) - approximation).abs() < 0.005);
    }

    #[test]
    fn fixed_point_agrees() {
        for (n, fixed) in average_paths_fixed(4096).into_iter().enumerate() {
            // Summed from the other end, and yet the same once rounded.
            assert_eq!(fixed, (average_path(n as u32) * f64::from(FIXED_ONE)).round() as u32, "{n}");
        }
    }

    #[test]
    fn heights() {
        for (sample, height) in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (255, 8), (256, 8), (257, 9), (4096, 12)] {
            assert_eq!(height_limit(sample), height, "{sample}");
        }
    }
}
