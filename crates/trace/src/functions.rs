//! What edges that are functions do in the passes of a layer, by the rules of the kernels for splines. Their derivatives,
//! those by their constants included, are evaluated once in the forward pass and kept in the record of the row.

use crate::activity::Influence;
use crate::jet::Jet;
use crate::kernels::{Sink, slopes};
use crate::records::{Record, RecordMut};
use crate::stage::{FunctionLink, Stage};

impl FunctionLink {
    /// The derivatives of one order: the function's, and those by its constants.
    fn order<'a>(&self, record: Record<'a>, order: usize) -> &'a [f64] {
        &record.weights[self.at + order * self.width()..][..self.width()]
    }

    fn input_jet<'a>(&self, stage: &Stage, jet: &Jet, record: Record<'a>) -> &'a [f64] {
        &record.jets[stage.inputs_at + self.input * jet.len()..][..jet.len()]
    }
}

/// Evaluates the functions of a layer and adds their part to its sums.
pub(crate) fn forward(stage: &Stage, jet: &Jet, theta: &[f64], record: &mut RecordMut<'_>) {
    let length = jet.len();
    for link in &stage.functions {
        let (before, sums) = record.jets.split_at_mut(stage.sums_at);
        let x = &before[stage.inputs_at + link.input * length..][..length];
        let kept = &mut record.weights[link.at..][..stage.tables * link.width()];
        link.function.evaluate(&theta[link.constants.clone()], x[0], kept);
        let phi = |order: usize| kept[order * link.width()];
        let y = &mut sums[link.output * length..][..length];
        y[0] += phi(0);
        if jet.order() >= 1 {
            y[1..].iter_mut().zip(&x[1..]).for_each(|(y, x)| *y += phi(1) * x);
        }
        jet.triples().for_each(|(ij, i, j)| y[ij] += phi(2) * x[i] * x[j]);
    }
}

/// Passes derivatives by the sums on to the inputs.
pub(crate) fn adjoint(stage: &Stage, jet: &Jet, record: Record<'_>, adjoints: &mut [f64]) {
    let length = jet.len();
    for link in &stage.functions {
        let (by_inputs, by_sums) = adjoints.split_at_mut(stage.sums_at);
        let by_x = &mut by_inputs[stage.inputs_at + link.input * length..][..length];
        let s = &by_sums[link.output * length..][..length];
        if s.iter().all(|s| *s == 0.0) {
            continue;
        }
        let x = link.input_jet(stage, jet, record);
        let phi = |order: usize| link.order(record, order)[0];
        by_x[0] += phi(1) * s[0];
        if jet.order() >= 1 {
            let (a1, a2) = slopes_of(jet, x, s);
            by_x[0] += phi(2) * a1;
            if jet.order() >= 2 {
                by_x[0] += phi(3) * a2;
            }
            by_x[1..].iter_mut().zip(&s[1..]).for_each(|(by_x, s)| *by_x += phi(1) * s);
        }
        for (ij, i, j) in jet.triples() {
            by_x[i] += phi(2) * s[ij] * x[j];
            by_x[j] += phi(2) * s[ij] * x[i];
        }
    }
}

/// Gives the derivatives by the constants to a sink.
pub(crate) fn emit<S: Sink + ?Sized>(
    stage: &Stage,
    jet: &Jet,
    record: Record<'_>,
    adjoints: &[f64],
    sink: &mut S,
) {
    let by_sums = &adjoints[stage.sum_jets()];
    let mut values = Vec::new();
    for link in stage.functions.iter().filter(|link| !link.constants.is_empty()) {
        let s = &by_sums[link.output * jet.len()..][..jet.len()];
        let (a1, a2) = slopes_of(jet, link.input_jet(stage, jet, record), s);
        if s[0] == 0.0 && a1 == 0.0 && a2 == 0.0 {
            continue;
        }
        values.clear();
        values.resize(link.constants.len(), 0.0);
        for (order, a) in [s[0], a1, a2].into_iter().enumerate().take(jet.order() + 1) {
            let by_constants = &link.order(record, order)[1..];
            values.iter_mut().zip(by_constants).for_each(|(value, slope)| *value += a * slope);
        }
        sink.take(link.constants.start, &values);
    }
}

fn slopes_of(jet: &Jet, x: &[f64], s: &[f64]) -> (f64, f64) {
    match jet.order() {
        0 => slopes::<0>(jet, x, s),
        1 => slopes::<1>(jet, x, s),
        _ => slopes::<2>(jet, x, s),
    }
}

/// Values of the functions, `[input·outputs + output]`.
pub(crate) fn values(stage: &Stage, record: Record<'_>, values: &mut [f64]) {
    for link in &stage.functions {
        values[link.input * stage.outputs + link.output] = link.order(record, 0)[0];
    }
}

/// As [`crate::activity::reverse`], for the functions of a layer.
pub(crate) fn activity(
    stage: &Stage,
    Influence { record, by_activities, share }: Influence<'_>,
    adjoints: &mut [f64],
    gradient: &mut [f64],
) {
    let (by_inputs, by_sums) = adjoints.split_at_mut(stage.sums_at);
    for link in &stage.functions {
        let of_value = link.order(record, 0);
        let sign = if of_value[0] == 0.0 { 0.0 } else { of_value[0].signum() };
        let s = by_sums[link.output] + share * sign * by_activities[link.input * stage.outputs + link.output];
        if stage.tables > 1 {
            by_inputs[stage.inputs_at + link.input] += s * link.order(record, 1)[0];
        }
        let by_constants = gradient[link.constants.clone()].iter_mut();
        by_constants.zip(&of_value[1..]).for_each(|(to, slope)| *to += s * slope);
    }
}
