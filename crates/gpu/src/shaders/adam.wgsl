// Adam and AdamW (`AdamRule`), a thread for each parameter. A frozen status moves nothing.
@group(0) @binding(0) var<uniform> d: Shape; // count parameters
@group(0) @binding(1) var<uniform> control: Control;
@group(0) @binding(2) var<storage, read> gradient: array<f32>;
@group(0) @binding(3) var<storage, read_write> status: array<atomic<u32>>;
@group(0) @binding(4) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(5) var<storage, read_write> first: array<f32>;
@group(0) @binding(6) var<storage, read_write> second: array<f32>;
@group(0) @binding(7) var<storage, read_write> kept: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>,
        @builtin(num_workgroups) n: vec3<u32>) {
  let id = linear(w, n) * 256u + l;
  if (id >= d.count || atomicLoad(&status[FROZEN]) == 1u) { return; }
  let x = parameters[id];
  if (atomicLoad(&status[KEEP]) == 1u) { kept[id] = x; }
  let g = gradient[id];
  let m = control.first_decay * first[id] + control.first_gain * g;
  let v = control.second_decay * second[id] + control.second_gain * (g * g);
  // What never had a gradient stays as it is.
  if (g == 0.0 && first[id] == 0.0 && second[id] == 0.0) { return; }
  let moved = control.decay * x - control.rate * m / (sqrt(v * control.scale) + control.epsilon);
  if (!(is_finite(moved) && is_finite(m) && is_finite(v))) {
    atomicOr(&status[FAULTS], FAULT_UPDATE);
    return;
  }
  parameters[id] = moved;
  first[id] = m;
  second[id] = v;
}
