//! The formats that formulas are written in. Each is one file; a line in the list below adds it.

mod identifiers;
mod notation;
mod program;

use super::{Formula, FormulaError, LONGEST};

/// Declares the modules of formats and lists them.
macro_rules! formats {
    ($($name:ident),+ $(,)?) => {
        $(pub(super) mod $name;)+

        /// The names of the formats.
        pub const FORMATS: &[&str] = &[$(stringify!($name)),+];

        fn printer(format: &str) -> Option<fn(&Formula) -> String> {
            match format {
                $(stringify!($name) => Some($name::print),)+
                _ => None,
            }
        }
    };
}

formats!(text, latex, mathml, javascript, python, sympy, c, rust, json);

pub(super) fn print(formula: &Formula, format: &str) -> Result<String, FormulaError> {
    let printer = printer(format).ok_or_else(|| FormulaError::Format { found: format.to_owned() })?;
    // JSON keeps the graph, so its length is that of the graph.
    if format != "json" && formula.expression().complexity() > LONGEST {
        return Err(FormulaError::TooLong);
    }
    Ok(printer(formula))
}
