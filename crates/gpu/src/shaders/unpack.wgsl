// The gradient slab of a layer from that of its coefficients: dP = w_s·dC, dw_s = Σ dC·P. A thread for each edge.
@group(0) @binding(0) var<uniform> d: Shape;
@group(0) @binding(1) var<storage, read> slopes: array<f32>;     // [input][G + k, then the base][sum]
@group(0) @binding(2) var<storage, read> parameters: array<f32>; // the slab
@group(0) @binding(3) var<storage, read> status: array<u32>;
@group(0) @binding(4) var<storage, read_write> gradient: array<f32>; // the slab

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>,
        @builtin(num_workgroups) n: vec3<u32>) {
  let edge = linear(w, n) * 256u + l;
  let edges = d.inputs * d.sums;
  if (edge >= edges) { return; }
  let factor = bitcast<f32>(status[FACTOR]);
  let base_weights = d.offset + edges * d.bases;
  let weight = parameters[base_weights + edges + edge];
  let column = edge / d.sums * (d.bases + 1u) * d.sums + edge % d.sums;
  let points = d.offset + edge * d.bases;
  var by_weight = 0.0;
  for (var r = 0u; r < d.bases; r++) {
    let slope = slopes[column + r * d.sums] * factor;
    gradient[points + r] = slope * weight;
    by_weight += slope * parameters[points + r];
  }
  gradient[base_weights + edge] = slopes[column + d.bases * d.sums] * factor;
  gradient[base_weights + edges + edge] = by_weight;
}
