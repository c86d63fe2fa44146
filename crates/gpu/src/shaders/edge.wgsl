// What an edge gives at a row of the tile, and what a row counts in a mean over the batch.
fn edge_value(sample: u32, input: u32, output: u32) -> f32 {
  let block = input * (d.bases + 1u);
  let at = sample * (K + 2u);
  let points = (block + first[sample]) * d.sums + output;
  var value = values[at + K + 1u] * coefficients[(block + d.bases) * d.sums + output];
  for (var m = 0u; m <= K; m++) { value += values[at + m] * coefficients[points + m * d.sums]; }
  return value;
}

fn row_share(row: u32) -> f32 {
  if (control.weighted == 0u) { return control.row_share; }
  return control.row_share * weights[row];
}
