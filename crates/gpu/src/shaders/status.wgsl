// What a step came to, in one workgroup: the loss of a tile and of all tiles before it; whether a step may be done.
@group(0) @binding(0) var<uniform> control: Control;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> status: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read_write> outcomes: array<vec4<u32>>; // [slot]: loss, squares, faults

// What a thread has of so many partial sums.
fn share(l: u32, count: u32) -> f32 {
  var sum = 0.0;
  for (var i = l; i < count; i += 256u) { sum += partials[i]; }
  return sum;
}

// Adds the partial sums of a tile to the loss. The factor is what the gradient lacks: rmse is the root of mse.
@compute @workgroup_size(256)
fn tally(@builtin(local_invocation_index) l: u32) {
  let tile = total(l, share(l, control.partials));
  if (l != 0u) { return; }
  var loss = tile;
  if (control.first == 0u) { loss += bitcast<f32>(atomicLoad(&status[LOSS])); }
  atomicStore(&status[LOSS], bitcast<u32>(loss));
  var factor = 1.0;
  // Without a loss there is no slope either, whatever its factor.
  if (control.loss == 4u) { factor = select(1.0, 0.5 / sqrt(loss), loss > 0.0 || !is_finite(loss)); }
  atomicStore(&status[FACTOR], bitcast<u32>(factor));
}

// Adds up the partial sums of the penalty.
@compute @workgroup_size(256)
fn collect(@builtin(local_invocation_index) l: u32) {
  let penalty = total(l, share(l, control.penalties));
  if (l == 0u) { atomicStore(&status[PENALTY], bitcast<u32>(penalty)); }
}

// Writes the outcome of a step, and freezes the parameters for good at the first that is not finite.
@compute @workgroup_size(256)
fn judge(@builtin(local_invocation_index) l: u32) {
  let squares = total(l, share(l, control.squares));
  if (l != 0u) { return; }
  var loss = bitcast<f32>(atomicLoad(&status[LOSS]));
  if (control.loss == 4u) { loss = sqrt(loss); }
  loss += bitcast<f32>(atomicLoad(&status[PENALTY]));
  var faults = atomicExchange(&status[FAULTS], 0u);
  if (!is_finite(loss)) { faults |= FAULT_LOSS; }
  if (!is_finite(squares)) { faults |= FAULT_GRADIENT; }
  if (faults != 0u) { atomicStore(&status[FROZEN], 1u); }
  let frozen = atomicLoad(&status[FROZEN]) == 1u;
  let lowest = loss < bitcast<f32>(atomicLoad(&status[LOWEST]));
  let keep = !frozen && (control.keep == 1u || (control.keep == 2u && lowest));
  atomicStore(&status[KEEP], select(0u, 1u, keep));
  if (keep) { atomicStore(&status[LOWEST], bitcast<u32>(loss)); }
  outcomes[control.slot] = vec4<u32>(bitcast<u32>(loss), bitcast<u32>(squares), faults, 0u);
}
