//! What can be wrong with a formula and with its text.

/// Why there is no formula.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FormulaError {
    /// The text is none.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// A variable that does not exist.
    #[error("there is no variable '{name}' in the formula")]
    Variable {
        /// Its name.
        name: String,
        /// Those that exist.
        known: Vec<String>,
    },
    /// A variable that is given twice.
    #[error("the variable '{name}' is given twice")]
    Twice {
        /// Its name.
        name: String,
    },
    /// Arithmetic on its numbers alone has come to infinity or NaN.
    #[error(
        "the formula holds a number that is not finite: a division by 0, or a value outside a function's domain"
    )]
    NotFinite,
    /// No format of this name.
    #[error("there is no format '{found}'")]
    Format {
        /// The name.
        found: String,
    },
    /// Text of more than a million parts.
    #[error("the formula is too long to be written: more than a million parts")]
    TooLong,
    /// JSON of another kind.
    #[error("the JSON is no formula: {what}")]
    Json {
        /// What is wrong with it.
        what: String,
    },
}

/// Where and why text is no formula.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{trouble} at column {column}{}", there(.found))]
pub struct ParseError {
    /// The character, from 1, at which it goes wrong.
    pub column: usize,
    /// What stands there; empty at the end of the text.
    pub found: String,
    /// What is wrong.
    pub trouble: Trouble,
}

fn there(found: &str) -> String {
    if found.is_empty() { ": the formula ends there".to_owned() } else { format!(": found '{found}'") }
}

/// What can be wrong with text.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Trouble {
    /// Something else is needed here.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A name that is none of the given variables.
    #[error("expected one of the variables or a constant")]
    Name {
        /// The variables.
        known: Vec<String>,
    },
    /// A call of something that is no function.
    #[error("expected a function before '('")]
    Function,
    /// A result that is infinite or not a number.
    #[error("expected a finite value, but this operation has none")]
    NotFinite,
    /// Too many parts inside each other.
    #[error("expected at most {0} parts inside each other")]
    Depth(usize),
}
