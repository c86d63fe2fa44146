//! Timing that survives a busy machine: what is compared takes turns, and medians are reported.

use std::time::{Duration, Instant};

/// Times of one contender, in milliseconds.
#[derive(Clone, Debug)]
pub struct Times {
    sorted: Vec<f64>,
}

impl Times {
    fn new(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        Self { sorted: times }
    }

    /// The median, in milliseconds.
    pub fn median(&self) -> f64 {
        self.sorted[self.sorted.len() / 2]
    }

    /// The shortest, in milliseconds.
    pub fn least(&self) -> f64 {
        self.sorted[0]
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.sorted.len()
    }
}

/// Calls so short that the clock would be seen are timed this many milliseconds at a time.
const SHORTEST: f64 = 0.05;

/// Times contenders in turns: a call of each, again and again, at least `repeat` times and for `budget`.
pub fn alternate<const N: usize>(
    contenders: [&mut dyn FnMut(); N],
    repeat: usize,
    budget: Duration,
) -> [Times; N] {
    let mut calls = contenders.map(|contender| {
        contender();
        let once = measure(contender, 1);
        let together = (SHORTEST / once.max(1e-6)).ceil().max(1.0) as usize;
        (contender, together, Vec::new())
    });
    let start = Instant::now();
    while calls[0].2.len() < repeat.max(1) || start.elapsed() < budget {
        for (contender, together, times) in &mut calls {
            times.push(measure(*contender, *together));
        }
    }
    calls.map(|(_, _, times)| Times::new(times))
}

/// Milliseconds of one call, out of `count`.
fn measure(call: &mut dyn FnMut(), count: usize) -> f64 {
    let start = Instant::now();
    for _ in 0..count {
        call();
    }
    start.elapsed().as_secs_f64() * 1e3 / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contenders_take_turns_and_each_is_timed_as_often_as_asked() {
        let (mut a, mut b) = (0, 0);
        let wait = || std::thread::sleep(Duration::from_millis(1));
        let mut first = || {
            a += 1;
            wait();
        };
        let mut second = || {
            b += 1;
            wait();
        };
        let times = alternate([&mut first, &mut second], 3, Duration::ZERO);
        assert!(times.iter().all(|t| t.count() == 3 && t.least() <= t.median()));
        // One call to warm up and one to see how long it takes.
        assert_eq!((a, b), (5, 5));
    }
}
