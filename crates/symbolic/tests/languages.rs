//! Formats that are programs, run by the language they are written in, at 1,000 points of the domain of every formula. A
//! language that the machine lacks is skipped, and named, unless `KANODE_REQUIRE_LANGUAGES` is 1. `KANODE_PYTHON` is the
//! Python that has NumPy and SymPy.

mod common;

use common::{FORMULAS, points, same_values};
use kanode_symbolic::Formula;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// Whether a command runs; says that the test of this thread is skipped if it does not.
fn runs(program: &str, arguments: &[&str]) -> bool {
    let found = Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success());
    if !found {
        let required = std::env::var_os("KANODE_REQUIRE_LANGUAGES").is_some_and(|value| value == "1");
        assert!(!required, "no `{program} {}`, but KANODE_REQUIRE_LANGUAGES=1", arguments.join(" "));
        let thread = std::thread::current();
        let (command, name) = (arguments.join(" "), thread.name().unwrap_or("a test"));
        // What macros print of a test that passes nobody sees.
        writeln!(std::io::stdout(), "skipped: no `{program} {command}` for {name}").expect("stdout is open");
    }
    found
}

fn python() -> String {
    std::env::var("KANODE_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

fn output(program: &str, arguments: &[&str], folder: &Path) -> String {
    let output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Writes each formula as a file of its own with the points, lets `run` make a program that prints all values, and
/// compares.
fn check(format: &str, extension: &str, run: impl FnOnce(&Path, &[Formula]) -> String) {
    let folder = tempfile::tempdir().unwrap();
    // SymPy computes exactly, where the rounding of such large arguments is all that counts.
    let large = (format != "sympy").then_some(&"j0(1e9*(x + 2)) - j1(1e9*(y + 2))");
    let texts = FORMULAS.iter().chain(large);
    let formulas: Vec<Formula> = texts.map(|text| Formula::parse(text, None).unwrap()).collect();
    for (place, formula) in formulas.iter().enumerate() {
        fs::write(folder.path().join(format!("f{place}.{extension}")), formula.print(format).unwrap())
            .unwrap();
        let lines: Vec<String> = points(formula)
            .chunks(formula.variables().len())
            .map(|row| row.iter().map(f64::to_string).collect::<Vec<_>>().join(" "))
            .collect();
        fs::write(folder.path().join(format!("f{place}.txt")), lines.join("\n") + "\n").unwrap();
    }
    let printed = run(folder.path(), &formulas);
    let mut values =
        printed.lines().map(|line| line.trim().parse::<f64>().unwrap_or_else(|_| panic!("{line}")));
    for formula in &formulas {
        let points = points(formula);
        let mut expected = vec![0.0; points.len() / formula.variables().len()];
        formula.evaluate(&points, &mut expected);
        let found: Vec<f64> = values.by_ref().take(expected.len()).collect();
        same_values(&expected, &found, &formula.print(format).unwrap());
    }
    assert_eq!(values.count(), 0);
}

#[test]
fn javascript_computes_the_formulas() {
    if !runs("node", &["--version"]) {
        return;
    }
    check("javascript", "js", |folder, formulas| {
        let script = format!(
            "const {{ readFileSync }} = require('fs')
             for (let i = 0; i < {}; i++) {{
               const formula = new Function(readFileSync(`f${{i}}.js`, 'utf8') + ';return formula')()
               const rows = readFileSync(`f${{i}}.txt`, 'utf8').trim().split('\\n')
               console.log(rows.map(row => formula(...row.split(' ').map(Number))).join('\\n'))
             }}",
            formulas.len()
        );
        output("node", &["-e", &script], folder)
    });
}

#[test]
fn numpy_computes_the_formulas() {
    if !runs(&python(), &["-c", "import numpy"]) {
        return;
    }
    check("python", "py", |folder, formulas| {
        let script = format!(
            "import numpy as np
for i in range({}):
    names = {{}}
    exec(open(f'f{{i}}.py').read(), names)
    x = np.loadtxt(f'f{{i}}.txt', ndmin=2)
    values = names['formula'](*x.T)
    assert names['formula'](*x[0]) == values[0]
    print('\\n'.join(repr(float(value)) for value in values))
",
            formulas.len()
        );
        output(&python(), &["-c", &script], folder)
    });
}

#[test]
fn sympy_computes_the_formulas() {
    if !runs(&python(), &["-c", "import sympy"]) {
        return;
    }
    check("sympy", "py", |folder, formulas| {
        // With 30 digits, so that this is the exact value.
        let script = format!(
            "import sympy, mpmath
mpmath.mp.dps = 30
for i in range({}):
    names = {{}}
    exec(open(f'f{{i}}.py').read(), names)
    formula = names['formula']
    symbols = list(dict.fromkeys(value for value in names.values() if isinstance(value, sympy.Symbol)))
    call = sympy.lambdify(symbols, formula, 'mpmath')
    for line in open(f'f{{i}}.txt'):
        print(repr(float(call(*map(mpmath.mpf, line.split())))))
",
            formulas.len()
        );
        output(&python(), &["-c", &script], folder)
    });
}

#[test]
fn c_computes_the_formulas() {
    if !runs("cc", &["--version"]) {
        return;
    }
    check("c", "c", |folder, formulas| {
        let mut main = "#include <stdio.h>\n".to_owned();
        let mut body = String::new();
        let mut arguments: Vec<String> =
            ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-o", "all", "main.c"]
                .map(String::from)
                .to_vec();
        for (place, formula) in formulas.iter().enumerate() {
            let width = formula.variables().len();
            let (types, values) = (vec!["double"; width].join(", "), indexed("x[", "]", width));
            writeln!(main, "double formula{place}({types});").unwrap();
            let reads = vec!["%lf"; width].join(" ");
            let places = indexed("x + ", "", width);
            writeln!(
                body,
                "file = fopen(\"f{place}.txt\", \"r\"); while (fscanf(file, \"{reads}\", {places}) == {width}) \
                 printf(\"%.17g\\n\", formula{place}({values})); fclose(file);"
            )
            .unwrap();
            let wrapped = format!("#define formula formula{place}\n#include \"f{place}.c\"\n");
            fs::write(folder.join(format!("w{place}.c")), wrapped).unwrap();
            arguments.push(format!("w{place}.c"));
        }
        write!(main, "int main(void) {{ double x[8]; FILE *file;\n{body}return 0; }}\n").unwrap();
        fs::write(folder.join("main.c"), main).unwrap();
        arguments.push("-lm".to_owned());
        output("cc", &arguments.iter().map(String::as_str).collect::<Vec<_>>(), folder);
        output("./all", &[], folder)
    });
}

#[test]
fn rust_computes_the_formulas() {
    if !runs("rustc", &["--version"]) {
        return;
    }
    check("rust", "rs", |folder, formulas| {
        let (mut main, mut body) = (String::new(), String::new());
        for (place, formula) in formulas.iter().enumerate() {
            writeln!(main, "mod f{place};").unwrap();
            let values = indexed("x[", "]", formula.variables().len());
            writeln!(
                body,
                "for line in std::fs::read_to_string(\"f{place}.txt\").unwrap().lines() {{
                     let x: Vec<f64> = line.split(' ').map(|x| x.parse().unwrap()).collect();
                     println!(\"{{:e}}\", f{place}::formula({values}));
                 }}"
            )
            .unwrap();
        }
        fs::write(folder.join("main.rs"), format!("{main}fn main() {{\n{body}}}\n")).unwrap();
        output("rustc", &["--edition", "2024", "-D", "warnings", "-o", "all", "main.rs"], folder);
        output("./all", &[], folder)
    });
}

fn indexed(before: &str, after: &str, count: usize) -> String {
    (0..count).map(|place| format!("{before}{place}{after}")).collect::<Vec<_>>().join(", ")
}
