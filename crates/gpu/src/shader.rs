//! The shaders: their texts, the constants that each is made with, and how many threads and bytes it takes.

use kanode_engine::Base;

/// A shader with the constants that it is compiled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kernel {
    Bases { degree: u32, base: u32 },
    Forward { degree: u32, tile: u32, staged: u32, unity: bool },
    Add { accumulate: bool },
    Products,
    ProductSlopes,
    CoefficientGradient { degree: u32, tile: u32, threads: u32, columns: Columns, active: bool },
    InputGradient { degree: u32, lanes: u32, active: bool },
    Activity { degree: u32, tile: u32, threads: u32 },
    Balance,
    Forms,
    Elements,
    Entropy,
    Tally,
    Collect,
    Judge,
    Squares,
    Pack,
    Unpack,
    Clear,
    Adam,
}

/// Where the gradient of coefficients is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Columns {
    /// In workgroup memory, of so many rows.
    Shared { rows: u32 },
    /// In the result itself.
    InParts,
}

/// Threads of most workgroups.
pub(crate) const THREADS: u32 = 256;
/// Parameters that a workgroup squares.
pub(crate) const SQUARED: u32 = 4096;

const COMMON: &str = include_str!("shaders/common.wgsl");
const EDGE: &str = include_str!("shaders/edge.wgsl");
const OWNER: &str = include_str!("shaders/owner.wgsl");
const TOTAL: &str = include_str!("shaders/total.wgsl");

impl Kernel {
    /// The number of a base function.
    pub(crate) fn base(base: Base) -> u32 {
        match base {
            Base::Silu => 0,
            Base::Identity => 1,
            Base::Zero => 2,
        }
    }

    /// Its text: what all share, what it shares with some, its own.
    pub(crate) fn source(self) -> String {
        let texts: &[&str] = match self {
            Self::Bases { .. } => &[include_str!("shaders/bases.wgsl")],
            Self::Forward { .. } => {
                &[include_str!("shaders/careful.wgsl"), include_str!("shaders/forward.wgsl")]
            }
            Self::Add { .. } => &[include_str!("shaders/add.wgsl")],
            Self::Products => &[include_str!("shaders/products.wgsl")],
            Self::ProductSlopes => &[include_str!("shaders/product_slopes.wgsl")],
            Self::CoefficientGradient { columns, active, .. } => {
                let body = include_str!("shaders/coefficient_gradient.wgsl");
                let (head, name) = match columns {
                    Columns::Shared { .. } => (include_str!("shaders/columns_shared.wgsl"), "columns"),
                    Columns::InParts => (include_str!("shaders/columns_in_parts.wgsl"), "parts"),
                };
                let activity = include_str!("shaders/coefficient_gradient_activity.wgsl");
                let pull = pull(active, activity);
                return [COMMON, OWNER, head, &pull, &body.replace("COLUMNS", name)].join("\n");
            }
            Self::InputGradient { active, .. } => {
                let pull = pull(active, include_str!("shaders/input_gradient_activity.wgsl"));
                return [COMMON, &pull, include_str!("shaders/input_gradient.wgsl")].join("\n");
            }
            Self::Activity { .. } => &[OWNER, EDGE, include_str!("shaders/activity.wgsl")],
            Self::Balance => &[TOTAL, include_str!("shaders/balance.wgsl")],
            Self::Forms => &[TOTAL, include_str!("shaders/forms.wgsl")],
            Self::Elements | Self::Entropy => &[TOTAL, include_str!("shaders/loss.wgsl")],
            Self::Tally | Self::Collect | Self::Judge => &[TOTAL, include_str!("shaders/status.wgsl")],
            Self::Squares => &[TOTAL, include_str!("shaders/squares.wgsl")],
            Self::Pack => &[include_str!("shaders/pack.wgsl")],
            Self::Unpack => &[include_str!("shaders/unpack.wgsl")],
            Self::Clear => &[include_str!("shaders/clear.wgsl")],
            Self::Adam => &[include_str!("shaders/adam.wgsl")],
        };
        [&[COMMON], texts].concat().join("\n")
    }

    /// The name of its entry point.
    pub(crate) fn entry(self) -> &'static str {
        match self {
            Self::Elements => "elements",
            Self::Entropy => "entropy",
            Self::Tally => "tally",
            Self::Collect => "collect",
            Self::Judge => "judge",
            _ => "main",
        }
    }

    /// The constants of its text that are set when it is compiled.
    pub(crate) fn constants(self) -> Vec<(&'static str, f64)> {
        let named: Vec<(&'static str, u32)> = match self {
            Self::Bases { degree, base } => vec![("K", degree), ("BASE", base)],
            Self::Forward { degree, tile, staged, unity } => {
                let stage = THREADS / tile * staged;
                vec![
                    ("K", degree),
                    ("UNITY", unity.into()),
                    ("OT", tile),
                    ("QC", staged),
                    ("STAGE", stage),
                    ("STAGED", stage * (degree + 2)),
                ]
            }
            Self::Add { accumulate } => vec![("ACCUMULATE", u32::from(accumulate))],
            Self::CoefficientGradient { degree, tile, threads, columns, .. } => {
                let mut constants = vec![("K", degree), ("OT", tile), ("WG", threads)];
                if let Columns::Shared { rows } = columns {
                    constants.push(("SIZE", rows * threads));
                }
                constants
            }
            Self::Activity { degree, tile, threads } => vec![("K", degree), ("OT", tile), ("WG", threads)],
            Self::InputGradient { degree, lanes, .. } => vec![("K", degree), ("LANES", lanes)],
            _ => Vec::new(),
        };
        named.into_iter().map(|(name, value)| (name, f64::from(value))).collect()
    }
}

/// The head of a way back that says what pulls at an edge; `bindings` are those that it takes where edges are penalised
/// for what they do.
fn pull(active: bool, bindings: &str) -> String {
    if !active {
        return include_str!("shaders/pull_of_sums.wgsl").to_owned();
    }
    format!("{bindings}\n{EDGE}\n{}", include_str!("shaders/pull_of_activity.wgsl"))
}

#[cfg(test)]
mod tests;
