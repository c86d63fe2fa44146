//! What users meet: good files of every dialect, each way a file can be bad, and round trips of made-up tables.

use super::*;
use crate::error::QuoteProblem;
use proptest::prelude::*;

fn parse(text: &str) -> Result<Table, TableError> {
    Table::parse(text.as_bytes(), &CsvOptions::default())
}

fn numbers(table: &Table, column: usize) -> &[f64] {
    match &table.columns[column] {
        Column::Numbers(numbers) => numbers,
        Column::Text(cells) => panic!("text: {cells:?}"),
    }
}

fn text(table: &Table, column: usize) -> Vec<Option<&str>> {
    match &table.columns[column] {
        Column::Text(cells) => cells.iter().map(Option::as_deref).collect(),
        Column::Numbers(numbers) => panic!("numbers: {numbers:?}"),
    }
}

#[test]
fn columns_are_numbers_or_text_with_missing_cells() {
    let table = parse("mpg,name,year\n 18.5 ,ford,70\n?, chevy ,\n-1e3,NA,82\n").unwrap();
    assert_eq!(table.names, ["mpg", "name", "year"]);
    assert_eq!(table.rows, 3);
    let mpg = numbers(&table, 0);
    assert_eq!((mpg[0], mpg[1].is_nan(), mpg[2]), (18.5, true, -1000.0));
    assert_eq!(text(&table, 1), [Some("ford"), Some("chevy"), None]);
    let year = numbers(&table, 2);
    assert_eq!((year[0], year[1].is_nan(), year[2]), (70.0, true, 82.0));
}

#[test]
fn one_word_makes_a_column_text_and_keeps_its_numbers_as_written() {
    let table = parse("a,b,c\n1.50,2,3\n1e400,nan,x\n\"1,000\",4,5\n").unwrap();
    assert_eq!(text(&table, 0), [Some("1.50"), Some("1e400"), Some("1,000")]);
    assert_eq!(text(&table, 1), [Some("2"), Some("nan"), Some("4")]);
    assert_eq!(text(&table, 2), [Some("3"), Some("x"), Some("5")]);
}

#[test]
fn a_column_of_missing_cells_is_numbers() {
    let table = parse("a,b\n1,\n2,NaN\n").unwrap();
    assert!(numbers(&table, 1).iter().all(|number| number.is_nan()));
}

#[test]
fn quoted_fields_hold_delimiters_quotes_and_line_ends() {
    let table = parse("\"a, b\",c\r\n\"x\r\ny\",\"say \"\"hi\"\"\"\r\n\"z\",\"2\"\r\n").unwrap();
    assert_eq!(table.names, ["a, b", "c"]);
    assert_eq!(text(&table, 0), [Some("x\r\ny"), Some("z")]);
    assert_eq!(text(&table, 1), [Some("say \"hi\""), Some("2")]);
}

#[test]
fn byte_order_mark_line_ends_and_blank_lines_do_not_matter() {
    let expected = parse("a,b\n1,2\n3,4\n").unwrap();
    for text in
        ["\u{feff}a,b\n1,2\n3,4", "a,b\r\n1,2\r\n3,4\r\n", "a,b\r1,2\r3,4\r", "\n\na,b\n\n1,2\n\r\n3,4\n\n"]
    {
        assert_eq!(parse(text).unwrap(), expected, "{text:?}");
    }
}

#[test]
fn dialect_is_an_option() {
    let options =
        CsvOptions { delimiter: ';', header: false, missing_markers: vec!["-".into()], comment: Some('#') };
    let table = Table::parse(b"# made by hand\n1;-;\n#2;3;4\n5;6;x\n# end", &options).unwrap();
    assert_eq!(table.names, ["column1", "column2", "column3"]);
    assert_eq!(numbers(&table, 0), [1.0, 5.0]);
    assert!(numbers(&table, 1)[0].is_nan());
    assert_eq!(text(&table, 2), [Some(""), Some("x")]);
}

#[test]
fn empty_files_and_files_without_rows_are_refused() {
    for text in ["", "\n\r\n", "\u{feff}"] {
        assert_eq!(parse(text).unwrap_err(), TableError::Empty, "{text:?}");
    }
    assert_eq!(parse("a,b\n\n").unwrap_err(), TableError::NoRows { columns: 2 });
    let options = CsvOptions { comment: Some('#'), ..CsvOptions::default() };
    assert_eq!(Table::parse(b"# a,b\n# 1,2", &options).unwrap_err(), TableError::Empty);
}

#[test]
fn ragged_rows_are_named_by_the_line_they_begin_on() {
    let error = |line, found| TableError::Ragged { line, expected: 2, found };
    assert_eq!(parse("a,b\n1,2\n3\n").unwrap_err(), error(3, 1));
    assert_eq!(parse("a,b\r\n\r\n1,2\r\n\r\n3,4,5\r\n").unwrap_err(), error(5, 3));
    assert_eq!(parse("a,b\n\"1\n\n\",2\n\"3\n\"\n").unwrap_err(), error(5, 1));
    let options = CsvOptions { comment: Some('#'), ..CsvOptions::default() };
    assert_eq!(Table::parse(b"a,b\n#1\n# 2\n3", &options).unwrap_err(), error(4, 1));
}

#[test]
fn columns_need_names_of_their_own() {
    assert_eq!(parse("\na, ,c\n1,2,3\n").unwrap_err(), TableError::EmptyName { line: 2, column: 2 });
    let expected = TableError::DuplicateName { line: 1, name: "x".into(), first: 1, second: 3 };
    assert_eq!(parse("x,y, x\n1,2,3\n").unwrap_err(), expected);
}

#[test]
fn infinite_numbers_are_refused_by_line_and_column() {
    for found in ["inf", "-Infinity", "1e400"] {
        let expected = TableError::Infinite { line: 4, column: 2, name: "b".into(), found: found.into() };
        assert_eq!(parse(&format!("a,b\n1,2\n\n3, {found}\n4,inf\n")).unwrap_err(), expected);
    }
    let error = parse("a,b\n1,inf\n").unwrap_err();
    assert_eq!(error.to_string(), "line 2, column \"b\": \"inf\" is not a finite number");
}

#[test]
fn bad_encoding_and_bad_quotes_are_refused_with_their_line() {
    let error = Table::parse(b"a,b\n1,2\n3,\xFF\n", &CsvOptions::default()).unwrap_err();
    assert_eq!(error, TableError::Utf8 { line: 3 });
    let error = parse("a,b\n1,\"2\n3,4\n").unwrap_err();
    assert_eq!(error, TableError::Quote { line: 2, problem: QuoteProblem::Unclosed });
}

fn same(left: &Column, right: &Column) -> bool {
    match (left, right) {
        (Column::Numbers(left), Column::Numbers(right)) => {
            let equal = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
            left.len() == right.len() && left.iter().zip(right).all(equal)
        }
        (left, right) => left == right,
    }
}

/// Cells as written, and the column that they are.
fn column(rows: usize) -> impl Strategy<Value = (Vec<String>, Column)> {
    let finite = prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::SUBNORMAL;
    let numbers = prop::collection::vec(prop::option::of(finite), rows).prop_map(|cells| {
        let written = cells.iter().map(|cell| cell.map_or_else(|| "NA".into(), |number| number.to_string()));
        (written.collect(), Column::Numbers(cells.iter().map(|cell| cell.unwrap_or(f64::NAN)).collect()))
    });
    // One word in front makes it text; '#' at the start of a row would be a comment.
    let word = "w[ ,;\"\r\né\ta-z0-9]{0,6}z";
    let words = prop::collection::vec(prop::option::of(word), rows - 1).prop_map(|mut cells| {
        cells.insert(0, Some("word".into()));
        (cells.iter().map(|cell| cell.clone().unwrap_or_default()).collect(), Column::Text(cells))
    });
    prop_oneof![numbers, words]
}

prop_compose! {
    fn tables()(rows in 1usize..9, width in 1usize..5)(
        columns in prop::collection::vec(column(rows), width),
        rows in Just(rows),
    ) -> (Vec<(Vec<String>, Column)>, usize) {
        (columns, rows)
    }
}

proptest! {
    #[test]
    fn written_tables_are_read_back(
        (columns, rows) in tables(),
        delimiter in prop::sample::select(vec![b',', b';', b'\t']),
        crlf: bool,
        bom: bool,
    ) {
        let names: Vec<String> = (0..columns.len()).map(|i| format!("name {i}, \"{i}\"")).collect();
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .quote_style(csv::QuoteStyle::NonNumeric)
            .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
            .from_writer(if bom { b"\xEF\xBB\xBF".to_vec() } else { Vec::new() });
        writer.write_record(&names).unwrap();
        for row in 0..rows {
            writer.write_record(columns.iter().map(|(cells, _)| &cells[row])).unwrap();
        }
        let options = CsvOptions { delimiter: delimiter.into(), ..CsvOptions::default() };
        let table = Table::parse(&writer.into_inner().unwrap(), &options).unwrap();
        prop_assert_eq!(&table.names, &names);
        prop_assert_eq!(table.rows, rows);
        for ((_, expected), found) in columns.iter().zip(&table.columns) {
            prop_assert!(same(expected, found), "{:?} {:?}", expected, found);
        }
    }

    #[test]
    fn any_bytes_give_a_table_of_full_columns_or_an_error(
        bytes in prop::collection::vec(prop::sample::select(b"a1,\"\r\n #\xC3\xA9.\xEF\xBB\xBF".to_vec()), 0..60),
        header: bool,
        comment: bool,
    ) {
        let options = CsvOptions { header, comment: comment.then_some('#'), ..CsvOptions::default() };
        if let Ok(table) = Table::parse(&bytes, &options) {
            prop_assert!(table.rows > 0 && table.names.len() == table.columns.len());
            for column in &table.columns {
                let length = match column { Column::Numbers(c) => c.len(), Column::Text(c) => c.len() };
                prop_assert_eq!(length, table.rows);
            }
        }
    }
}
