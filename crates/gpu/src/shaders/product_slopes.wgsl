// Derivatives by sums from those by nodes. A factor has the product of the others. A thread for each (row, sum).
@group(0) @binding(0) var<uniform> d: Shape;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read> factors: array<u32>;
@group(0) @binding(3) var<storage, read> product_of: array<u32>; // [sum]
@group(0) @binding(4) var<storage, read> by_nodes: array<f32>;   // [row][node]
@group(0) @binding(5) var<storage, read_write> by_sums: array<f32>; // [row][sum]

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>,
        @builtin(num_workgroups) n: vec3<u32>) {
  let id = linear(w, n) * 256u + l;
  if (id >= d.rows * d.sums) { return; }
  let row = id / d.sums;
  let sum = id % d.sums;
  if (sum < d.sum_nodes) {
    by_sums[id] = by_nodes[row * d.nodes + sum];
    return;
  }
  let product = product_of[sum];
  var others = by_nodes[row * d.nodes + d.sum_nodes + product];
  for (var s = factors[product]; s < factors[product + 1u]; s++) {
    if (s != sum) { others *= sums[row * d.sums + s]; }
  }
  by_sums[id] = others;
}
