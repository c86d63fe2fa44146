// Nodes from sums: sum nodes as they are, then product nodes. A thread for each (row, node).
@group(0) @binding(0) var<uniform> d: Shape;
@group(0) @binding(1) var<storage, read> sums: array<f32>;    // [row][sum]
@group(0) @binding(2) var<storage, read> factors: array<u32>; // [product + 1]: where the factors of each begin
@group(0) @binding(3) var<storage, read_write> nodes: array<f32>; // [row][node]

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>,
        @builtin(num_workgroups) n: vec3<u32>) {
  let id = linear(w, n) * 256u + l;
  if (id >= d.rows * d.nodes) { return; }
  let row = id / d.nodes;
  let node = id % d.nodes;
  if (node < d.sum_nodes) {
    nodes[id] = sums[row * d.sums + node];
    return;
  }
  let product = node - d.sum_nodes;
  var value = 1.0;
  for (var s = factors[product]; s < factors[product + 1u]; s++) { value *= sums[row * d.sums + s]; }
  nodes[id] = value;
}
