// The derivative by an edge at a row is that by its sum.
fn pull(row: u32, sample: u32, input: u32, output: u32) -> f32 {
  return dy[row * d.sums + output];
}
