//! The notation that `Formula::parse` reads: `exp(sin(pi*x) + y^2)`.

use super::notation::{Level, Notation, Piece};
use crate::expression::{Expression, Function, Number};
use crate::formula::{Formula, parse};

struct Text;

pub(super) fn print(formula: &Formula) -> String {
    write(formula.expression())
}

pub(in crate::formula) fn write(expression: &Expression) -> String {
    Text.write(expression).text
}

impl Notation for Text {
    fn number(&self, number: Number) -> Piece {
        let whole = number.exact().is_none_or(|exact| exact.denominator() == 1);
        Piece::new(number.to_string(), if whole { Level::Atom } else { Level::Product })
    }

    fn pi(&self) -> Piece {
        Piece::atom("pi")
    }

    fn variable(&self, name: &str) -> Piece {
        Piece::atom(if parse::is_plain(name) { name.to_owned() } else { format!("`{}`", name.replace('`', "``")) })
    }

    fn call(&self, function: Function, argument: Piece) -> Piece {
        Piece::atom(format!("{}({})", function.name(), argument.text))
    }

    fn root(&self, radicand: Piece) -> Piece {
        Piece::atom(format!("sqrt({})", radicand.text))
    }

    fn power(&self, base: Piece, exponent: Piece, _: Option<Number>) -> Piece {
        let (base, exponent) = (self.at_least(Level::Atom, base), self.at_least(Level::Atom, exponent));
        Piece::new(format!("{base}^{exponent}"), Level::Power)
    }
}

#[cfg(test)]
mod tests {
    use super::write;
    use crate::expression::{Expression, Function};
    use crate::testing::{parsed, texts};
    use proptest::prelude::*;

    #[test]
    fn text_is_what_one_would_write() {
        for (text, expected) in [
            ("exp(sin(pi*x)+y**2)", "exp(y^2 + sin(pi*x))"),
            ("x*-1/2", "-x/2"),
            ("(x+1)^-1", "1/(x + 1)"),
            ("3*x/(2*y^2)", "3*x/(2*y^2)"),
            ("x^-0.5*2", "2/sqrt(x)"),
            ("1 + x + x^2", "x^2 + x + 1"),
            ("-(x - 1)*y", "-y*(x - 1)"),
            ("(-8)^(1/3)", "(-8)^(1/3)"),
            ("x - -1/2", "x + 1/2"),
            ("`fuel economy`*2 + `a``b`", "`a``b` + 2*`fuel economy`"),
            ("`sin`^2", "`sin`^2"),
            ("1e-7*x", "1e-7*x"),
        ] {
            assert_eq!(write(&parsed(text)), expected);
        }
    }

    #[test]
    fn texts_read_back_as_the_same_expression() {
        for text in texts() {
            let expression = parsed(text);
            let written = write(&expression);
            assert_eq!(parsed(&written), expression, "{text} → {written}");
            assert_eq!(write(&parsed(&written)), written);
        }
    }

    pub(super) fn expressions() -> impl Strategy<Value = Expression> {
        let names = prop::sample::select(vec!["x", "y", "x2", "e", "sin", "two words", "π", "`", "größe"]);
        let leaf = prop_oneof![
            names.prop_map(Expression::variable),
            (-9..=9_i64).prop_map(Expression::integer),
            (-9..=9_i64, 1..=9_i64).prop_map(|(p, q)| Expression::ratio(p, q)),
            any::<f64>().prop_filter("a finite number", |x| x.is_finite()).prop_map(Expression::real),
            (-3.0..3.0).prop_map(Expression::real),
            Just(Expression::pi()),
        ];
        leaf.prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 2..4).prop_map(Expression::sum),
                prop::collection::vec(inner.clone(), 2..4).prop_map(Expression::product),
                (inner.clone(), inner.clone()).prop_map(|(base, exponent)| base.power(exponent)),
                (inner.clone(), -3..4_i64).prop_map(|(base, exponent)| base.powi(exponent)),
                (inner.clone(), -5..6_i64).prop_map(|(base, half)| base.power(Expression::ratio(half, 2))),
                (inner, prop::sample::select(Function::ALL.to_vec())).prop_map(|(x, function)| x.call(function)),
            ]
        })
        .prop_filter("finite numbers", Expression::is_finite)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn what_is_written_reads_back_as_the_same(expression in expressions()) {
            let written = write(&expression);
            let read = crate::Formula::parse(&written, None);
            prop_assert_eq!(read.map(|formula| formula.expression().clone()), Ok(expression), "{}", written);
        }

        #[test]
        fn the_canonical_form_of_a_canonical_form_is_itself(expression in expressions()) {
            prop_assert_eq!(expression.rounded(40), expression);
        }
    }
}
