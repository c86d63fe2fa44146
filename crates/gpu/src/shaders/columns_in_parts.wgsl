const SHARED = false;

fn place(row: u32, l: u32, column: u32) -> u32 {
  return column + row * d.sums;
}
