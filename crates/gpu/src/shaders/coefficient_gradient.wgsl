// Gradient of the coefficients. A thread owns the column of one (input, sum), adds up its G + k rows over a part of
// the batch, in order and without barriers, and keeps the row of the base in a register. The head of the text says
// whether columns are in workgroup memory or, where they do not fit, among the parts themselves (bits are the same),
// and what pulls at an edge.
override K: u32;

@group(0) @binding(0) var<uniform> d: Shape;
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;          // [row][sum]
@group(0) @binding(4) var<storage, read_write> parts: array<f32>; // [part][input][G + k, then the base][sum]

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>,
        @builtin(num_workgroups) n: vec3<u32>) {
  let edge = owned(l, w, n);
  let q = edge.x;
  let output = edge.y;
  if (q >= d.inputs || output >= d.sums) { return; }
  let column = ((w.z * d.inputs + q) * (d.bases + 1u)) * d.sums + output;
  for (var r = 0u; r < d.bases; r++) { COLUMNS[place(r, l, column)] = 0.0; }
  var base = 0.0;
  let end = min(d.rows, (w.z + 1u) * d.chunk);
  for (var row = w.z * d.chunk; row < end; row++) {
    let sample = row * d.inputs + q;
    let slope = pull(row, sample, q, output);
    let r = first[sample];
    let at = sample * (K + 2u);
    for (var m = 0u; m <= K; m++) { COLUMNS[place(r + m, l, column)] += values[at + m] * slope; }
    base += values[at + K + 1u] * slope;
  }
  if (SHARED) {
    for (var r = 0u; r < d.bases; r++) { parts[column + r * d.sums] = COLUMNS[place(r, l, column)]; }
  }
  parts[column + d.bases * d.sums] = base;
}
