//! Reads formulas: a scanner and a recursive descent.
//!
//! From loosest to tightest: `+ −`, `* /`, a sign, `^` (or `**`), which is right-associative and may be followed by a
//! sign: `-x^2` is −(x²), `2^-x` is 2^(−x), `x^y^z` is x^(y^z).

use super::error::{ParseError, Trouble};
use crate::expression::{Expression, Function, Node, Number};
use std::sync::Arc;

/// How many parts may be inside each other: enough for any formula and few enough for the stack.
const DEPTH: usize = 200;

/// What stands where a value is expected.
const VALUE: &str = "a number, a name or '('";

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(Number),
    Name { name: String, quoted: bool },
    Symbol(char),
    End,
}

pub(super) fn parse(text: &str, variables: Option<&[Arc<str>]>) -> Result<Expression, ParseError> {
    let characters: Vec<char> = text.chars().collect();
    let mut parser = Parser { characters, variables, at: 0, start: 0, token: Token::End, depth: 0 };
    parser.advance()?;
    let expression = parser.sum()?;
    match parser.token {
        Token::End if expression.is_finite() => Ok(expression),
        Token::End => Err(ParseError { column: 1, found: text.to_owned(), trouble: Trouble::NotFinite }),
        Token::Symbol(')') => Err(parser.error(Trouble::Expected("no ')' without a '(' before it"))),
        Token::Number(_) | Token::Name { .. } | Token::Symbol('(') => {
            Err(parser.error(Trouble::Expected("an operator such as '*' between two values")))
        }
        Token::Symbol(_) => Err(parser.error(Trouble::Expected("an operator or the end"))),
    }
}

struct Parser<'a> {
    characters: Vec<char>,
    variables: Option<&'a [Arc<str>]>,
    /// Where the next token is looked for.
    at: usize,
    /// Where this token starts.
    start: usize,
    token: Token,
    depth: usize,
}

type Parsed = Result<Expression, ParseError>;

impl Parser<'_> {
    fn sum(&mut self) -> Parsed {
        let mut terms = vec![self.product()?];
        while let Token::Symbol(sign @ ('+' | '-')) = self.token {
            let column = self.start;
            self.advance()?;
            let term = self.product()?;
            terms.push(self.finite(if sign == '-' { -term } else { term }, column)?);
        }
        Ok(if terms.len() == 1 { terms.remove(0) } else { Expression::sum(terms) })
    }

    fn product(&mut self) -> Parsed {
        let mut factors = vec![self.signed()?];
        while let Token::Symbol(sign @ ('*' | '/')) = self.token {
            let column = self.start;
            self.advance()?;
            let factor = self.signed()?;
            factors.push(self.finite(if sign == '/' { factor.powi(-1) } else { factor }, column)?);
        }
        Ok(if factors.len() == 1 { factors.remove(0) } else { Expression::product(factors) })
    }

    fn signed(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.error(Trouble::Depth(DEPTH)));
        }
        let value = match self.token {
            Token::Symbol('-') => {
                self.advance()?;
                self.signed().map(|value| -value)
            }
            Token::Symbol('+') => {
                self.advance()?;
                self.signed()
            }
            _ => self.power(),
        };
        self.depth -= 1;
        value
    }

    fn power(&mut self) -> Parsed {
        let base = self.value()?;
        if self.token != Token::Symbol('^') {
            return Ok(base);
        }
        let column = self.start;
        self.advance()?;
        let exponent = self.signed()?;
        self.finite(base.power(exponent), column)
    }

    fn value(&mut self) -> Parsed {
        match self.token.clone() {
            Token::Number(number) => {
                let column = self.start;
                self.advance()?;
                self.finite(Expression::from_number(number), column)
            }
            Token::Symbol('(') => self.parenthesised(),
            Token::Name { name, quoted } => {
                let place = self.start;
                self.advance()?;
                if !quoted && self.token == Token::Symbol('(') {
                    self.call(&name, place)
                } else {
                    self.named(&name, quoted, place)
                }
            }
            _ => Err(self.error(Trouble::Expected(VALUE))),
        }
    }

    fn parenthesised(&mut self) -> Parsed {
        self.advance()?;
        let inside = self.sum()?;
        if self.token != Token::Symbol(')') {
            let expected =
                if self.token == Token::Symbol(',') { "one argument and ')'" } else { "an operator or ')'" };
            return Err(self.error(Trouble::Expected(expected)));
        }
        self.advance()?;
        Ok(inside)
    }

    fn call(&mut self, name: &str, place: usize) -> Parsed {
        let Some(function) = named_function(name) else {
            return Err(self.error_at(place, name, Trouble::Function));
        };
        let argument = self.parenthesised()?;
        self.finite(function(argument), place)
    }

    fn named(&mut self, name: &str, quoted: bool, place: usize) -> Parsed {
        let known = self.variables.is_some_and(|known| known.iter().any(|one| &**one == name));
        if quoted && self.variables.is_none() || known {
            return Ok(Expression::variable(name));
        }
        match name {
            "pi" | "π" if !quoted => return Ok(Expression::pi()),
            "e" if !quoted => return Ok(Expression::integer(1).call(Function::Exp)),
            _ if !quoted && is_function(name) => {
                return Err(self.error(Trouble::Expected("'(' after the name of a function")));
            }
            _ => {}
        }
        match self.variables {
            None => Ok(Expression::variable(name)),
            Some(known) => {
                let known = known.iter().map(ToString::to_string).collect();
                Err(self.error_at(place, name, Trouble::Name { known }))
            }
        }
    }

    /// The value, unless arithmetic on its numbers has left the finite ones.
    fn finite(&self, value: Expression, column: usize) -> Parsed {
        let number = match value.node() {
            Node::Product(parts) => parts[0].number(),
            Node::Sum(parts) => parts[parts.len() - 1].number(),
            _ => value.number(),
        };
        if number.is_none_or(|number| number.to_f64().is_finite()) {
            return Ok(value);
        }
        let found: String = self.characters[column..self.start].iter().collect();
        Err(self.error_at(column, found.trim_end(), Trouble::NotFinite))
    }

    fn error(&self, trouble: Trouble) -> ParseError {
        let found: String = self.characters[self.start..self.at].iter().collect();
        self.error_at(self.start, &found, trouble)
    }

    fn error_at(&self, place: usize, found: &str, trouble: Trouble) -> ParseError {
        ParseError { column: place + 1, found: found.to_owned(), trouble }
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
    }

    fn advance(&mut self) -> Result<(), ParseError> {
        self.skip(char::is_whitespace);
        self.start = self.at;
        let Some(first) = self.peek() else {
            self.token = Token::End;
            return Ok(());
        };
        let next = self.characters.get(self.at + 1).copied().unwrap_or(' ');
        self.token = match first {
            '0'..='9' => self.scan_number()?,
            '.' if next.is_ascii_digit() => self.scan_number()?,
            '`' => self.scan_quoted()?,
            _ if first.is_alphabetic() || first == '_' => {
                self.skip(|c| c.is_alphanumeric() || c == '_');
                Token::Name { name: self.characters[self.start..self.at].iter().collect(), quoted: false }
            }
            '*' if next == '*' => {
                self.at += 2;
                Token::Symbol('^')
            }
            _ => {
                self.at += 1;
                match first {
                    '+' | '-' | '*' | '/' | '^' | '(' | ')' | ',' => Token::Symbol(first),
                    '·' | '×' => Token::Symbol('*'),
                    '−' => Token::Symbol('-'),
                    _ => {
                        return Err(
                            self.error(Trouble::Expected("a number, a name, an operator or a parenthesis"))
                        );
                    }
                }
            }
        };
        Ok(())
    }

    fn scan_number(&mut self) -> Result<Token, ParseError> {
        let digit = |c: char| c.is_ascii_digit();
        self.skip(digit);
        let mut whole = true;
        if self.peek() == Some('.') {
            whole = false;
            self.at += 1;
            self.skip(digit);
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            let signed = matches!(self.characters.get(self.at + 1), Some('+' | '-'));
            let digits = self.at + 1 + usize::from(signed);
            if self.characters.get(digits).is_some_and(char::is_ascii_digit) {
                whole = false;
                self.at = digits;
                self.skip(digit);
            }
        }
        let text: String = self.characters[self.start..self.at].iter().collect();
        if let (true, Ok(number)) = (whole, text.parse()) {
            return Ok(Token::Number(Number::integer(number)));
        }
        text.parse()
            .map(|number| Token::Number(Number::real(number)))
            .map_err(|_| self.error(Trouble::Expected("a number")))
    }

    /// A name between backticks; two of them stand for one inside it.
    fn scan_quoted(&mut self) -> Result<Token, ParseError> {
        let mut name = String::new();
        self.at += 1;
        loop {
            match (self.peek(), self.characters.get(self.at + 1)) {
                (Some('`'), Some('`')) => {
                    name.push('`');
                    self.at += 2;
                }
                (Some('`'), _) if !name.is_empty() => {
                    self.at += 1;
                    return Ok(Token::Name { name, quoted: true });
                }
                (Some(c), _) if c != '`' => {
                    name.push(c);
                    self.at += 1;
                }
                (Some(_), _) => return Err(self.error(Trouble::Expected("a name between the backticks"))),
                (None, _) => return Err(self.error(Trouble::Expected("a second backtick after the name"))),
            }
        }
    }
}

/// A function by its name in formulas.
type Named = (&'static str, fn(Expression) -> Expression);

/// What may stand in front of a parenthesis beside the names of [`Function`]s.
const NAMED: &[Named] = &[
    ("ln", |x| x.call(Function::Log)),
    ("arcsin", |x| x.call(Function::Asin)),
    ("arccos", |x| x.call(Function::Acos)),
    ("arctan", |x| x.call(Function::Atan)),
    ("arsinh", |x| x.call(Function::Asinh)),
    ("arcosh", |x| x.call(Function::Acosh)),
    ("artanh", |x| x.call(Function::Atanh)),
    ("sgn", |x| x.call(Function::Sign)),
    ("sqrt", Expression::sqrt),
    ("log10", |x| x.call(Function::Log) / Expression::integer(10).call(Function::Log)),
    ("log2", |x| x.call(Function::Log) / Expression::integer(2).call(Function::Log)),
    ("logistic", logistic),
    ("sigmoid", logistic),
    ("softplus", |x| (Expression::integer(1) + x.call(Function::Exp)).call(Function::Log)),
    ("relu", |x| (x.clone() + x.call(Function::Abs)) / Expression::integer(2)),
];

fn logistic(x: Expression) -> Expression {
    (Expression::integer(1) + (-x).call(Function::Exp)).powi(-1)
}

fn named_function(name: &str) -> Option<Box<dyn Fn(Expression) -> Expression>> {
    if let Some(function) = Function::ALL.into_iter().find(|function| function.name() == name) {
        return Some(Box::new(move |argument| argument.call(function)));
    }
    let (_, function) = NAMED.iter().find(|(known, _)| *known == name)?;
    Some(Box::new(function))
}

fn is_function(name: &str) -> bool {
    named_function(name).is_some()
}

/// The names that [`crate::Formula::parse`] takes for functions.
pub fn function_names() -> Vec<&'static str> {
    Function::ALL.iter().map(|function| function.name()).chain(NAMED.iter().map(|(name, _)| *name)).collect()
}

/// Whether a name can stand in a formula as it is and mean a variable.
pub(super) fn is_plain(name: &str) -> bool {
    let mut characters = name.chars();
    let starts = characters.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    let plain = starts && characters.all(|c| c.is_alphanumeric() || c == '_');
    plain && !matches!(name, "pi" | "π" | "e") && !is_function(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parsed;

    #[test]
    fn operators_bind_as_in_mathematics() {
        for (text, same) in [
            ("-x^2", "0 - (x^2)"),
            ("2^-x", "2^(0 - x)"),
            ("x^y^z", "x^(y^z)"),
            ("x/y/z", "x/(y*z)"),
            ("x - y - z", "x + (-1)*y + (-1)*z"),
            ("-x*y", "0 - x*y"),
            ("+x", "x"),
            ("x**2", "x^2"),
            ("2·x − π", "2*x - pi"),
            (".5*x", "0.5*x"),
            ("2e3", "2000"),
            ("`x`", "x"),
            ("ln(x)", "log(x)"),
            ("e^x", "exp(1)^x"),
            ("relu(x)", "x/2 + abs(x)/2"),
        ] {
            let close = |text| parsed(text).simplified();
            assert_eq!(close(text), close(same), "{text}");
        }
    }

    #[test]
    fn numbers_are_exact_where_they_are_written_so() {
        assert_eq!(parsed("1/3 + 1/6"), Expression::ratio(1, 2));
        assert_eq!(parsed("x^0.5"), Expression::variable("x").sqrt());
        assert!(parsed("0.5").number().unwrap().exact().is_none());
    }

    #[test]
    fn errors_name_the_column_and_what_is_there() {
        for (text, column, found) in [
            ("", 1, ""),
            ("2 + * x", 5, "*"),
            ("2x", 2, "x"),
            ("2 x", 3, "x"),
            ("sin x", 5, "x"),
            ("(x + 1", 7, ""),
            ("x + 1)", 6, ")"),
            ("foo(x)", 1, "foo"),
            ("x + y$", 6, "$"),
            ("sin(x, y)", 6, ","),
            ("x + 1/0", 6, "/0"),
            ("3 + log(0 - 1.5)", 5, "log(0 - 1.5)"),
            ("`x", 1, "`x"),
            ("1.2.3", 4, ".3"),
            ("π·(x +", 7, ""),
            ("1e999", 1, "1e999"),
        ] {
            let error = parse(text, None).unwrap_err();
            assert_eq!((error.column, error.found.as_str()), (column, found), "{text}: {error}");
        }
        let error = parse("x + t", Some(&[Arc::from("x")])).unwrap_err();
        assert_eq!(error.trouble, Trouble::Name { known: vec!["x".to_owned()] });
        assert_eq!(error.to_string(), "expected one of the variables or a constant at column 5: found 't'");
    }

    #[test]
    fn given_variables_hide_constants() {
        let names = [Arc::from("e"), Arc::from("pi")];
        assert_eq!(parse("e*pi", Some(&names)).unwrap().variables().len(), 2);
        assert_eq!(parse("`e`", None).unwrap(), Expression::variable("e"));
    }

    #[test]
    fn depth_is_limited_and_length_is_not() {
        let deep = format!("{}x{}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(matches!(parse(&deep, None).unwrap_err().trouble, Trouble::Depth(_)));
        assert!(matches!(parse(&"-".repeat(100_000), None).unwrap_err().trouble, Trouble::Depth(_)));
        let long = vec!["sin(x)*y"; 10_000].join(" + ");
        assert_eq!(parse(&long, None).unwrap(), parsed("10000*sin(x)*y"));
    }
}
