//! Gauss–Legendre quadrature on pieces of the line.

/// Nodes on [−1, 1], the non-negative half, with their weights (Abramowitz & Stegun, table 25.4, n = 6).
const HALF: [(f64, f64); 3] = [
    (0.238_619_186_083_196_9, 0.467_913_934_572_691_05),
    (0.661_209_386_466_264_5, 0.360_761_573_048_138_6),
    (0.932_469_514_203_152, 0.171_324_492_379_170_36),
];

/// Six nodes on `[a, b]` with weights that add up to its width: exact for polynomials up to degree 11, which two
/// splines of degree 5 multiply to 10.
pub(crate) fn gauss(a: f64, b: f64) -> impl Iterator<Item = (f64, f64)> {
    let (middle, radius) = (0.5 * (a + b), 0.5 * (b - a));
    let node = move |sign: f64| HALF.iter().map(move |(x, w)| (middle + sign * radius * x, radius * w));
    node(-1.0).chain(node(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_of_degree_eleven_are_exact() {
        for power in 0..=11 {
            let found: f64 = gauss(-1.0, 2.0).map(|(x, w)| w * x.powi(power)).sum();
            let exact = (2f64.powi(power + 1) - (-1f64).powi(power + 1)) / f64::from(power + 1);
            assert!((found - exact).abs() < 1e-13 * exact.abs().max(1.0), "{power}");
        }
    }
}
