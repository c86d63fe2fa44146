//! Strong-Wolfe line search along a ray: bracketing and zoom (Nocedal & Wright 2006, algorithms 3.5 and 3.6) with
//! cubic interpolation. Near the noise of the loss it accepts by slopes instead (Hager & Zhang 2005, the
//! approximate Wolfe conditions), because differences of losses then say nothing.

/// Sufficient decrease: φ(t) ≤ φ(0) + C1·t·φ'(0).
pub(crate) const C1: f64 = 1e-4;
/// Curvature: |φ'(t)| ≤ C2·|φ'(0)|; the usual value for quasi-Newton directions.
pub(crate) const C2: f64 = 0.9;

/// A promised fall of this many times the noise must be seen.
const VISIBLE: f64 = 10.0;

/// Loss and slope at step length `t`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) t: f64,
    pub(crate) loss: f64,
    pub(crate) slope: f64,
}

/// What was seen at a step length.
pub(crate) enum Probe {
    /// The step is so short that no parameter changes.
    Still,
    /// Loss or gradient is not finite.
    Outside,
    /// An ordinary point.
    Inside(Point),
}

/// The function along the ray.
pub(crate) trait Ray {
    type Stop;
    /// Looks at step length `t`.
    fn probe(&mut self, t: f64) -> Result<Probe, Self::Stop>;
    /// Remembers the point that was probed last as the best so far.
    fn keep(&mut self);
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Found {
    /// The point probed last satisfies the strong Wolfe conditions, exactly or up to noise.
    Wolfe(Point),
    /// The evaluations ran out; the point kept last satisfies the sufficient decrease.
    Decrease(Point),
    /// No lower point.
    Nothing {
        /// The shortest step length tried; 0 where no shorter step changes a parameter.
        shortest: f64,
        /// Whether the loss rose where both slopes promised a fall far above noise: they do not belong together.
        contradicted: bool,
    },
}

/// One end of a bracket: a point, or a step length where the function is not finite.
#[derive(Clone, Copy)]
struct End {
    t: f64,
    point: Option<Point>,
}

impl From<Point> for End {
    fn from(point: Point) -> Self {
        Self { t: point.t, point: Some(point) }
    }
}

/// Searches from `start` (t = 0, slope below 0), trying t = 1 first, with at most `evaluations` probes.
/// `noise` is the size of a change of the loss that means nothing.
pub(crate) fn search<R: Ray>(
    ray: &mut R,
    start: Point,
    noise: f64,
    evaluations: usize,
) -> Result<Found, R::Stop> {
    Search { ray, start, noise, left: evaluations, low: start, shortest: f64::INFINITY, contradicted: false }
        .bracket()
}

struct Search<'a, R> {
    ray: &'a mut R,
    start: Point,
    noise: f64,
    left: usize,
    /// The lowest point that satisfies the sufficient decrease, or the start.
    low: Point,
    shortest: f64,
    contradicted: bool,
}

impl<R: Ray> Search<'_, R> {
    /// Algorithm 3.5: lengthens the step until a minimum is bracketed.
    fn bracket(mut self) -> Result<Found, R::Stop> {
        let mut t = 1.0;
        while self.left > 0 {
            match self.probe(t)? {
                Probe::Still => break,
                Probe::Outside => return self.zoom(End { t, point: None }),
                Probe::Inside(point) if self.accepts(point) => return Ok(Found::Wolfe(point)),
                Probe::Inside(point) if !self.improves(point) => return self.zoom(point.into()),
                Probe::Inside(point) => {
                    let previous = self.low;
                    self.keep(point);
                    if point.slope >= 0.0 {
                        return self.zoom(previous.into());
                    }
                    t = longer(previous, point);
                }
            }
        }
        Ok(self.give_up())
    }

    /// Algorithm 3.6: narrows the bracket between the low end and `high`.
    fn zoom(mut self, mut high: End) -> Result<Found, R::Stop> {
        let mut widths = [f64::INFINITY; 2];
        while self.left > 0 {
            let width = (high.t - self.low.t).abs();
            // Two steps that leave two thirds of the bracket are too slow (Moré & Thuente 1994): bisect.
            let t = if width > 0.66 * widths[0] {
                0.5 * (self.low.t + high.t)
            } else {
                between(self.low, high, self.noise)
            };
            widths = [widths[1], width];
            if t == self.low.t || t == high.t {
                break;
            }
            match self.probe(t)? {
                Probe::Still => break,
                Probe::Outside => high = End { t, point: None },
                Probe::Inside(point) if self.accepts(point) => return Ok(Found::Wolfe(point)),
                Probe::Inside(point) if !self.improves(point) => high = point.into(),
                Probe::Inside(point) => {
                    if point.slope * (high.t - self.low.t) >= 0.0 {
                        high = self.low.into();
                    }
                    self.keep(point);
                }
            }
        }
        Ok(self.give_up())
    }

    fn probe(&mut self, t: f64) -> Result<Probe, R::Stop> {
        self.left -= 1;
        let probe = self.ray.probe(t)?;
        match probe {
            Probe::Still => self.shortest = 0.0,
            Probe::Outside => self.shortest = self.shortest.min(t),
            Probe::Inside(point) => {
                self.shortest = self.shortest.min(t);
                let even = (point.slope - self.start.slope).abs() <= -0.1 * self.start.slope;
                let visible = -t * self.start.slope > VISIBLE * self.noise;
                self.contradicted |= even && visible && point.loss > self.start.loss;
            }
        }
        Ok(probe)
    }

    fn keep(&mut self, point: Point) {
        self.ray.keep();
        self.low = point;
    }

    fn give_up(self) -> Found {
        if self.low.t > 0.0 {
            Found::Decrease(self.low)
        } else {
            Found::Nothing { shortest: self.shortest, contradicted: self.contradicted }
        }
    }

    fn decreases(&self, point: Point) -> bool {
        point.loss <= self.start.loss + C1 * point.t * self.start.slope
    }

    fn improves(&self, point: Point) -> bool {
        self.decreases(point) && point.loss < self.low.loss
    }

    /// The strong Wolfe conditions; where the fall that both slopes promise is lost in the noise, the slopes alone
    /// decide. (C2 < 1 − 2·C1, so the curvature condition implies the other bound of Hager & Zhang.)
    fn accepts(&self, point: Point) -> bool {
        let promise = 0.5 * point.t * (self.start.slope + point.slope).abs();
        let lost = promise <= self.noise && point.loss <= self.start.loss + self.noise;
        point.slope.abs() <= -C2 * self.start.slope && (self.decreases(point) || lost)
    }
}

/// The next step length after `b`, where the function still falls: the minimiser of the cubic, but at least 1.1 and at
/// most nine times as far from `b` as `a` is, and that most where the cubic has no minimum ahead.
fn longer(a: Point, b: Point) -> f64 {
    let width = b.t - a.t;
    let (least, most) = (b.t + 1.1 * width, b.t + 9.0 * width);
    cubic(a, b).filter(|t| *t > b.t).map_or(most, |t| t.clamp(least, most))
}

/// A step length inside the bracket, at least a tenth of it away from both ends.
fn between(low: Point, high: End, noise: f64) -> f64 {
    let width = high.t - low.t;
    let guess = high.point.and_then(|high| {
        if (high.loss - low.loss).abs() <= noise { secant(low, high) } else { cubic(low, high) }
    });
    let (a, b) = (low.t + 0.1 * width, high.t - 0.1 * width);
    guess.map_or(low.t + 0.5 * width, |t| t.clamp(a.min(b), a.max(b)))
}

/// Minimiser of the cubic through two points with their slopes (Nocedal & Wright, eq. 3.59), if there is one.
fn cubic(a: Point, b: Point) -> Option<f64> {
    let d1 = a.slope + b.slope - 3.0 * (a.loss - b.loss) / (a.t - b.t);
    let d2 = (d1 * d1 - a.slope * b.slope).sqrt().copysign(b.t - a.t);
    let t = b.t - (b.t - a.t) * (b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2);
    t.is_finite().then_some(t)
}

/// Where the slope vanishes if it changes evenly.
fn secant(a: Point, b: Point) -> Option<f64> {
    let t = a.t - a.slope * (b.t - a.t) / (b.slope - a.slope);
    t.is_finite().then_some(t)
}

#[cfg(test)]
mod tests;
