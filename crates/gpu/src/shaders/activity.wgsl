// Mean absolute values of edges: the share of a part of the batch. A thread owns an edge and walks its rows in order,
// as in the gradient of coefficients.
override K: u32;

@group(0) @binding(0) var<uniform> d: Shape;
@group(0) @binding(1) var<uniform> control: Control;
@group(0) @binding(2) var<storage, read> first: array<u32>;
@group(0) @binding(3) var<storage, read> values: array<f32>;
@group(0) @binding(4) var<storage, read> coefficients: array<f32>;
@group(0) @binding(5) var<storage, read> weights: array<f32>;     // [row]
@group(0) @binding(6) var<storage, read_write> parts: array<f32>; // [part][input][sum]

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>,
        @builtin(num_workgroups) n: vec3<u32>) {
  let edge = owned(l, w, n);
  let q = edge.x;
  let output = edge.y;
  if (q >= d.inputs || output >= d.sums) { return; }
  var sum = 0.0;
  let end = min(d.rows, (w.z + 1u) * d.chunk);
  for (var row = w.z * d.chunk; row < end; row++) {
    let share = row_share(row);
    if (share != 0.0) { sum += share * abs(edge_value(row * d.inputs + q, q, output)); }
  }
  parts[(w.z * d.inputs + q) * d.sums + output] = sum;
}
