//! How much of a target columns explain, one start at a time, and which of many starts explain most.

use super::form::Span;
use crate::fit::least_squares::dot;

/// What columns add to others: unit columns, and the target along them.
pub(super) struct Block {
    units: Vec<Vec<f64>>,
    along: Vec<f64>,
}

impl Block {
    pub(super) fn of(columns: Vec<Vec<f64>>, span: &Span, target: &[f64]) -> Self {
        let mut units: Vec<Vec<f64>> = Vec::with_capacity(columns.len());
        for mut column in columns {
            let before = dot(&column, &column);
            span.take_out(&mut column);
            for unit in &units {
                let part = dot(unit, &column);
                column.iter_mut().zip(unit).for_each(|(value, unit)| *value -= part * unit);
            }
            let square = dot(&column, &column);
            if square > 1e-14 * before {
                let length = square.sqrt();
                column.iter_mut().for_each(|value| *value /= length);
                units.push(column);
            }
        }
        let along = units.iter().map(|unit| dot(unit, target)).collect();
        Self { units, along }
    }

    pub(super) fn explained(&self) -> f64 {
        self.along.iter().map(|part| part * part).sum()
    }

    /// What both explain together.
    pub(super) fn explained_with(&self, other: &Self) -> f64 {
        let mut rest = [0.0; 2];
        let mut gram = [[0.0; 2]; 2];
        for b in 0..other.units.len() {
            rest[b] = other.along[b];
            gram[b][b] = 1.0;
        }
        for (a, unit) in self.units.iter().enumerate() {
            let mut shared = [0.0; 2];
            for (b, other) in other.units.iter().enumerate() {
                shared[b] = dot(unit, other);
                rest[b] -= shared[b] * self.along[a];
            }
            for b in 0..other.units.len() {
                for c in 0..other.units.len() {
                    gram[b][c] -= shared[b] * shared[c];
                }
            }
        }
        let more = match other.units.len() {
            0 => 0.0,
            1 if gram[0][0] > 1e-9 => rest[0] * rest[0] / gram[0][0],
            2 => {
                let determinant = gram[0][0] * gram[1][1] - gram[0][1] * gram[1][0];
                if determinant > 1e-12 {
                    (rest[0] * rest[0] * gram[1][1] - 2.0 * rest[0] * rest[1] * gram[0][1]
                        + rest[1] * rest[1] * gram[0][0])
                        / determinant
                } else {
                    0.0
                }
            }
            _ => 0.0,
        };
        self.explained() + more
    }
}

/// The starts that explain most, as many as there is room for.
pub(super) struct Most<T> {
    room: usize,
    pub(super) kept: Vec<(f64, T)>,
}

impl<T> Most<T> {
    pub(super) fn new(room: usize) -> Self {
        Self { room, kept: Vec::with_capacity(room + 1) }
    }

    pub(super) fn offer(&mut self, explained: f64, start: impl FnOnce() -> T) {
        if self.kept.len() < self.room || explained > self.kept[self.room - 1].0 {
            let place = self.kept.partition_point(|kept| kept.0 >= explained);
            self.kept.insert(place, (explained, start()));
            self.kept.truncate(self.room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::uniform;

    #[test]
    fn blocks_explain_together_what_a_regression_does() {
        let columns: Vec<Vec<f64>> = (1..7).map(|seed| uniform(seed, 50)).collect();
        let span = Span::of(&columns[..2]);
        let (target, _) = span.fit(&columns[5]);
        let [one, other] =
            [&columns[2..4], &columns[4..5]].map(|part| Block::of(part.to_vec(), &span, &target));
        let (left, _) = Span::of(&columns[..5]).fit(&columns[5]);
        let expected = dot(&target, &target) - dot(&left, &left);
        assert!((one.explained_with(&other) - expected).abs() < 1e-12);
        assert!((other.explained_with(&one) - expected).abs() < 1e-12);
    }
}
