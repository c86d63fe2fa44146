// The k + 1 basis functions that may differ from zero at each input value, and the base function; their derivatives.
// A thread for each (row, input).
override K: u32;
override BASE: u32; // 0 SiLU, 1 identity, 2 zero

@group(0) @binding(0) var<uniform> d: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;          // [row][input]
@group(0) @binding(2) var<storage, read> tables: array<f32>;     // records of cells
@group(0) @binding(3) var<storage, read> table_of: array<u32>;   // [input]: where its table begins
@group(0) @binding(4) var<storage, read_write> first: array<u32>;  // [row][input]: the first of the k + 1 bases
@group(0) @binding(5) var<storage, read_write> values: array<f32>; // [row][input][k + 2]
@group(0) @binding(6) var<storage, read_write> slopes: array<f32>; // [row][input][k + 2]

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>,
        @builtin(num_workgroups) n: vec3<u32>) {
  let id = linear(w, n) * 256u + l;
  if (id >= d.rows * d.inputs) { return; }
  let v = x[id];
  let record = 5u + (K + 1u) * (K + 1u);
  let table = table_of[id % d.inputs];
  var low = 0u;
  var high = d.cells;
  while (high - low > 1u) {
    let middle = (low + high) >> 1u;
    if (tables[table + middle * record] <= v) { low = middle; } else { high = middle; }
  }
  let cell = table + low * record;
  let inverse_width = tables[cell + 2u];
  let u = (v - tables[cell + 1u]) * inverse_width + tables[cell + 3u];
  first[id] = u32(tables[cell + 4u]);
  let at = id * (K + 2u);
  for (var slot = 0u; slot <= K; slot++) {
    var value = 0.0 * u;
    var slope = 0.0 * u;
    for (var step = 0u; step <= K; step++) {
      slope = slope * u + value;
      value = value * u + tables[cell + 5u + (K - step) * (K + 1u) + slot];
    }
    values[at + slot] = value;
    slopes[at + slot] = slope * inverse_width;
  }
  var base = vec2<f32>(0.0, 0.0);
  if (BASE == 0u) {
    let z = exp_down(-abs(v));
    let near = 1.0 / (1.0 + z);
    let far = z / (1.0 + z);
    let sigmoid = select(far, near, v >= 0.0);
    base = vec2<f32>(v * sigmoid, sigmoid * (1.0 + v * select(near, far, v >= 0.0)));
  } else if (BASE == 1u) {
    base = vec2<f32>(v, 1.0);
  }
  values[at + K + 1u] = base.x;
  slopes[at + K + 1u] = base.y;
}
