// Clears the gradient of parameters that are not to move. A thread for each of them.
@group(0) @binding(0) var<uniform> d: Shape; // count indices
@group(0) @binding(1) var<storage, read> still: array<u32>;
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>,
        @builtin(num_workgroups) n: vec3<u32>) {
  let id = linear(w, n) * 256u + l;
  if (id < d.count) { gradient[still[id]] = 0.0; }
}
