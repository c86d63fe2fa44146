// Partial sums of the squared gradient: 4,096 parameters a workgroup.
@group(0) @binding(0) var<uniform> d: Shape; // count parameters
@group(0) @binding(1) var<storage, read> gradient: array<f32>;
@group(0) @binding(2) var<storage, read_write> status: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>,
        @builtin(num_workgroups) n: vec3<u32>) {
  let group = linear(w, n);
  var sum = 0.0;
  for (var i = 0u; i < 16u; i++) {
    let id = group * 4096u + i * 256u + l;
    if (id < d.count) {
      let g = gradient[id];
      if (!is_finite(g)) { atomicOr(&status[FAULTS], FAULT_GRADIENT); }
      sum += g * g;
    }
  }
  let squares = total(l, sum);
  if (l == 0u && group * 4096u < d.count) { partials[group] = squares; }
}
