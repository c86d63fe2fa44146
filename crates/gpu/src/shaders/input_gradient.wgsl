// Derivatives by the inputs of a layer. LANES threads share a (row, input), each with every LANES-th sum; their parts
// are added along a fixed tree. The head of the text says what pulls at an edge.
override K: u32;
override LANES: u32;

@group(0) @binding(0) var<uniform> d: Shape;
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read> slopes: array<f32>;
@group(0) @binding(3) var<storage, read> coefficients: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;           // [row][sum]
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;     // [row][input]

var<workgroup> parts: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>,
        @builtin(num_workgroups) n: vec3<u32>) {
  let id = linear(w, n) * (256u / LANES) + l / LANES;
  let valid = id < d.rows * d.inputs;
  var sum = 0.0;
  if (valid) {
    let row = id / d.inputs;
    let input = id % d.inputs;
    let block = input * (d.bases + 1u);
    let at = (block + first[id]) * d.sums;
    let e = id * (K + 2u);
    for (var output = l % LANES; output < d.sums; output += LANES) {
      var part = slopes[e + K + 1u] * coefficients[(block + d.bases) * d.sums + output];
      for (var m = 0u; m <= K; m++) { part += slopes[e + m] * coefficients[at + m * d.sums + output]; }
      sum += part * pull(row, id, input, output);
    }
  }
  parts[l] = sum;
  workgroupBarrier();
  for (var step = LANES >> 1u; step > 0u; step = step >> 1u) {
    if (l % LANES < step) { parts[l] += parts[l + step]; }
    workgroupBarrier();
  }
  if (valid && l % LANES == 0u) { dx[id] = parts[l]; }
}
