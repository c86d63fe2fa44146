//! The records of a fit, thinned out where there are many, so that a report stays of moderate size.

use crate::report::Record;

/// Most records that the history of a report holds.
pub const HISTORY_LIMIT: usize = 10_000;

/// Every `stride`-th record from the first on, and always the last.
#[derive(Debug)]
pub struct History {
    records: Vec<Record>,
    /// 1 until the limit is reached; doubles each time it is.
    stride: u64,
    /// Records pushed.
    count: u64,
    /// Whether the last record is there only because it is the last.
    odd: bool,
}

impl History {
    /// No records yet.
    #[expect(clippy::new_without_default, reason = "a history begins with a fit")]
    pub fn new() -> Self {
        Self { records: Vec::new(), stride: 1, count: 0, odd: false }
    }

    /// Takes in the next record.
    pub fn push(&mut self, record: Record) {
        if self.odd {
            self.records.pop();
        }
        if self.records.len() >= HISTORY_LIMIT {
            let mut place = 0;
            self.records.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.stride = self.stride.saturating_mul(2);
        }
        self.odd = !self.count.is_multiple_of(self.stride);
        self.records.push(record);
        self.count = self.count.saturating_add(1);
    }

    /// The records kept, and how many there were.
    pub fn finish(self) -> (Vec<Record>, u64) {
        (self.records, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(count: u64) -> Vec<u64> {
        let mut history = History::new();
        for step in 1..=count {
            history.push(Record {
                step,
                epoch: 0,
                loss: 0.0,
                validation_loss: None,
                rmse: None,
                validation_rmse: None,
                grid: 5,
                learning_rate: None,
                damping: None,
                gradient_norm: 0.0,
                evaluations: 0,
                seconds: 0.0,
            });
            assert!(history.records.len() <= HISTORY_LIMIT);
        }
        let (records, found) = history.finish();
        assert_eq!(found, count);
        records.iter().map(|record| record.step).collect()
    }

    #[test]
    fn up_to_the_limit_every_record_is_kept() {
        for count in [0, 1, 2, 9_999, 10_000] {
            assert_eq!(steps(count), (1..=count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn beyond_it_they_are_evenly_spaced_from_the_first_on_and_end_with_the_last() {
        for (count, stride) in
            [(10_001, 2), (10_002, 2), (19_999, 2), (20_000, 4), (20_001, 4), (123_456, 16)]
        {
            let found = steps(count);
            let mut expected: Vec<u64> = (1..=count).step_by(stride).collect();
            if expected.last() != Some(&count) {
                expected.push(count);
            }
            assert!(found == expected, "{count}: {} of {}", found.len(), expected.len());
        }
    }
}
