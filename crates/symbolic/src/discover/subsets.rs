//! Which few of many columns add up to a target, by the algebra of their scalar products: all single columns and pairs,
//! all pairs beside each of the best of those, and a beam beyond.

use crate::fit::least_squares::{dot, solve};

/// Best single columns and pairs beside which all pairs are tried.
const BASES: usize = 8;
/// Part of a column, or of a pair, that must be left beside others so that it counts as one of its own.
const INDEPENDENT: f64 = 1e-9;
/// Errors below this are rounding here.
const ROUNDING: f64 = 3e-14;

/// Columns of mean 0 and length 1, and their scalar products.
pub(super) struct Gram {
    columns: Vec<Vec<f64>>,
    products: Vec<f64>,
}

/// Columns that were chosen, and the part of the target's variance that they leave.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Subset {
    pub(super) error: f64,
    pub(super) terms: Vec<usize>,
}

fn unit(column: &[f64]) -> Vec<f64> {
    let mean = column.iter().sum::<f64>() / column.len() as f64;
    let mut centred: Vec<f64> = column.iter().map(|value| value - mean).collect();
    let length = dot(&centred, &centred).sqrt().max(1e-300);
    centred.iter_mut().for_each(|value| *value /= length);
    centred
}

impl Gram {
    pub(super) fn of(columns: &[&[f64]]) -> Self {
        Self { columns: Vec::new(), products: Vec::new() }.with(columns)
    }

    /// With more columns.
    pub(super) fn with(&self, more: &[&[f64]]) -> Self {
        let old = self.count();
        let columns: Vec<Vec<f64>> =
            self.columns.iter().cloned().chain(more.iter().map(|column| unit(column))).collect();
        let count = columns.len();
        let mut products = vec![0.0; count * count];
        for row in 0..old {
            products[row * count..][..old].copy_from_slice(&self.products[row * old..][..old]);
        }
        for row in old..count {
            products[row * count + row] = 1.0;
            for column in 0..row {
                let product = dot(&columns[row], &columns[column]);
                products[row * count + column] = product;
                products[column * count + row] = product;
            }
        }
        Self { columns, products }
    }

    pub(super) fn count(&self) -> usize {
        self.columns.len()
    }

    fn row(&self, at: usize) -> &[f64] {
        &self.products[at * self.count()..][..self.count()]
    }

    /// Good subsets of up to `most` columns, the best for their size first; a beam of so many goes on.
    pub(super) fn subsets(&self, target: &[f64], most: usize, beam: usize) -> Vec<Subset> {
        let target = unit(target);
        let along: Vec<f64> = self.columns.iter().map(|column| dot(column, &target)).collect();
        let count = self.count();
        let mut singles = Best::new(count.max(1));
        for (at, along) in along.iter().enumerate() {
            singles.offer(1.0 - along * along, || vec![at]);
        }
        let singles = singles.sorted();
        let mut pairs = Best::new(beam);
        for second in 0..count {
            let (row, b) = (self.row(second), along[second]);
            for first in 0..second {
                let product = row[first];
                let left = 1.0 - product * product;
                if left > INDEPENDENT {
                    let a = along[first];
                    let error = 1.0 - (a * a + b * b - 2.0 * product * a * b) / left;
                    pairs.offer(error, || vec![first, second]);
                }
            }
        }
        let pairs = pairs.sorted();
        let mut found: Vec<Subset> = singles.iter().take(6).chain(pairs.iter().take(8)).cloned().collect();
        let unsolved = pairs.first().is_some_and(|best| best.error > 1e-13);
        let bases = singles.iter().take(BASES).chain(pairs.iter().take(BASES));
        let beside: Vec<Subset> = if most >= 3 && unsolved {
            bases.flat_map(|base| self.pairs_beside(base, &along)).collect()
        } else {
            Vec::new()
        };
        found.extend(beside.iter().cloned());
        let mut current = pairs;
        for size in 3..=most {
            if current.first().is_none_or(|best| best.error < 1e-13) {
                break;
            }
            let mut next = Best::new(beam);
            for subset in &current {
                self.one_more(subset, &along, &mut next);
            }
            for subset in beside.iter().filter(|subset| subset.terms.len() == size) {
                next.offer(subset.error, || subset.terms.clone());
            }
            current = next.sorted();
            found.extend(current.iter().take(4).cloned());
        }
        let weighed = |subset: &Subset| subset.error.max(ROUNDING) * (1.0 + 0.3 * subset.terms.len() as f64);
        found.sort_by(|a, b| weighed(a).total_cmp(&weighed(b)).then_with(|| a.terms.cmp(&b.terms)));
        found.dedup();
        found
    }

    /// What columns are beside a subset: their loadings on it, the target's part along them that is left, and their
    /// own; None if the subset is dependent.
    fn beside(&self, subset: &Subset, along: &[f64]) -> Option<Beside> {
        let terms = &subset.terms;
        let size = terms.len();
        let mut inverse = Vec::with_capacity(size);
        for at in 0..size {
            let mut matrix: Vec<Vec<f64>> = terms
                .iter()
                .map(|row| terms.iter().map(|column| self.row(*row)[*column]).collect())
                .collect();
            let mut unit = vec![0.0; size];
            unit[at] = 1.0;
            if !solve(&mut matrix, &mut unit) {
                return None;
            }
            inverse.push(unit);
        }
        let weights: Vec<f64> =
            (0..size).map(|a| (0..size).map(|b| inverse[a][b] * along[terms[b]]).sum()).collect();
        let explained: f64 = weights.iter().zip(terms).map(|(weight, at)| weight * along[*at]).sum();
        let count = self.count();
        let mut loadings = vec![vec![0.0; count]; size];
        let mut left = along.to_vec();
        let mut own = vec![1.0; count];
        for a in 0..size {
            for b in 0..size {
                let factor = inverse[a][b];
                loadings[a].iter_mut().zip(self.row(terms[b])).for_each(|(sum, g)| *sum += factor * g);
            }
            let row = self.row(terms[a]);
            for at in 0..count {
                left[at] -= row[at] * weights[a];
                own[at] -= row[at] * loadings[a][at];
            }
        }
        Some(Beside { error: 1.0 - explained, loadings, left, own })
    }

    fn one_more(&self, subset: &Subset, along: &[f64], next: &mut Best) {
        let Some(beside) = self.beside(subset, along) else { return };
        for at in (0..self.count()).filter(|at| beside.own[*at] > INDEPENDENT) {
            let error = beside.error - beside.left[at] * beside.left[at] / beside.own[at];
            next.offer(error, || sorted(&subset.terms, &[at]));
        }
    }

    fn pairs_beside(&self, subset: &Subset, along: &[f64]) -> Vec<Subset> {
        let Some(Beside { error, loadings, left, own }) = self.beside(subset, along) else {
            return Vec::new();
        };
        let mut best = Best::new(4);
        let terms = &subset.terms;
        for second in (0..self.count()).filter(|at| own[*at] > 1e-7) {
            let row = self.row(second);
            let shared: Vec<f64> = terms.iter().map(|term| self.row(*term)[second]).collect();
            for first in (0..second).filter(|at| own[*at] > 1e-7) {
                let mut product = row[first];
                for (shared, loading) in shared.iter().zip(&loadings) {
                    product -= shared * loading[first];
                }
                let determinant = own[first] * own[second] - product * product;
                if determinant > INDEPENDENT * own[first] * own[second] {
                    let (a, b) = (left[first], left[second]);
                    let explained = a * a * own[second] + b * b * own[first] - 2.0 * product * a * b;
                    best.offer(error - explained / determinant, || sorted(terms, &[first, second]));
                }
            }
        }
        best.sorted()
    }
}

struct Beside {
    error: f64,
    loadings: Vec<Vec<f64>>,
    left: Vec<f64>,
    own: Vec<f64>,
}

fn sorted(terms: &[usize], more: &[usize]) -> Vec<usize> {
    let mut all: Vec<usize> = terms.iter().chain(more).copied().collect();
    all.sort_unstable();
    all
}

/// The subsets with the least error, as many as there is room for.
struct Best {
    kept: Vec<Subset>,
    room: usize,
    threshold: f64,
}

impl Best {
    fn new(room: usize) -> Self {
        Self { kept: Vec::new(), room, threshold: f64::INFINITY }
    }

    fn offer(&mut self, error: f64, terms: impl FnOnce() -> Vec<usize>) {
        if error < self.threshold {
            self.kept.push(Subset { error, terms: terms() });
            if self.kept.len() > 6 * self.room {
                self.cut();
            }
        }
    }

    fn cut(&mut self) {
        self.kept.sort_by(|a, b| a.error.total_cmp(&b.error).then_with(|| a.terms.cmp(&b.terms)));
        self.kept.dedup_by(|a, b| a.terms == b.terms);
        self.kept.truncate(self.room);
        if self.kept.len() == self.room {
            self.threshold = self.kept[self.room - 1].error;
        }
    }

    fn sorted(mut self) -> Vec<Subset> {
        self.cut();
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit::least_squares::regress;
    use crate::testing::uniform;

    #[test]
    fn the_columns_of_a_sum_are_found_and_errors_are_those_of_regressions() {
        let columns: Vec<Vec<f64>> = (0..30).map(|seed| uniform(seed + 1, 80)).collect();
        let mixed = |parts: &[(usize, f64)]| -> Vec<f64> {
            (0..80).map(|row| 0.3 + parts.iter().map(|(at, c)| c * columns[*at][row]).sum::<f64>()).collect()
        };
        let views: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let gram = Gram::of(&views[..20]).with(&views[20..]);
        for parts in
            [vec![(7, 2.0)], vec![(3, 1.0), (22, -1.0)], vec![(1, 1.0), (9, 0.7), (17, -2.0), (28, 0.5)]]
        {
            let target = mixed(&parts);
            let subsets = gram.subsets(&target, 5, 20);
            let expected: Vec<usize> = parts.iter().map(|(at, _)| *at).collect();
            assert_eq!(subsets[0].terms, expected);
            for subset in subsets.iter().skip(1).take(5) {
                let one = vec![1.0; 80];
                let chosen: Vec<&[f64]> =
                    subset.terms.iter().map(|at| views[*at]).chain([one.as_slice()]).collect();
                let total = regress(&[&one], &target).unwrap().error;
                let error = regress(&chosen, &target).unwrap().error / total;
                assert!((error - subset.error).abs() < 1e-10, "{error} {subset:?}");
            }
        }
    }
}
