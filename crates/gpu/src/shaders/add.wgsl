// Adds parts in order: sum[j] = Σ parts[part][j], beside what is there from earlier tiles if ACCUMULATE.
override ACCUMULATE: u32;

@group(0) @binding(0) var<uniform> d: Shape; // count elements, splits parts
@group(0) @binding(1) var<uniform> control: Control;
@group(0) @binding(2) var<storage, read> parts: array<f32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>,
        @builtin(num_workgroups) n: vec3<u32>) {
  let id = linear(w, n) * 256u + l;
  if (id >= d.count) { return; }
  var sum = 0.0;
  if (ACCUMULATE == 1u && control.first == 0u) { sum = result[id]; }
  for (var part = 0u; part < d.splits; part++) { sum += parts[part * d.count + id]; }
  result[id] = sum;
}
