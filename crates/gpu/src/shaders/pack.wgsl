// Coefficients of a layer from the slab: w_s·P, and w_b below. A thread for each coefficient.
@group(0) @binding(0) var<uniform> d: Shape;
@group(0) @binding(1) var<storage, read> parameters: array<f32>; // the slab
@group(0) @binding(2) var<storage, read_write> coefficients: array<f32>; // [input][G + k, then the base][sum]

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>,
        @builtin(num_workgroups) n: vec3<u32>) {
  let id = linear(w, n) * 256u + l;
  let edges = d.inputs * d.sums;
  if (id >= edges * (d.bases + 1u)) { return; }
  let output = id % d.sums;
  let row = (id / d.sums) % (d.bases + 1u);
  let edge = id / d.sums / (d.bases + 1u) * d.sums + output;
  let base_weights = d.offset + edges * d.bases;
  if (row == d.bases) {
    coefficients[id] = parameters[base_weights + edge];
  } else {
    coefficients[id] = parameters[d.offset + edge * d.bases + row] * parameters[base_weights + edges + edge];
  }
}
