// The derivative by an edge at a row is that by its sum, and its part in that by its mean absolute value.
fn pull(row: u32, sample: u32, input: u32, output: u32) -> f32 {
  let slope = dy[row * d.sums + output];
  let share = row_share(row);
  if (share == 0.0) { return slope; }
  let value = edge_value(sample, input, output);
  let part = share * by_activity[input * d.sums + output];
  if (value > 0.0) { return slope + part; }
  if (value < 0.0) { return slope - part; }
  return slope;
}
