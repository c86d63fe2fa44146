// Losses: their derivative by the outputs, and partial sums of their value, one for each workgroup.
@group(0) @binding(0) var<uniform> d: Shape; // rows, nodes
@group(0) @binding(1) var<uniform> control: Control;
@group(0) @binding(2) var<storage, read> outputs: array<f32>; // [row][node]
@group(0) @binding(3) var<storage, read> targets: array<f32>; // [row][node], or [row] of labels
@group(0) @binding(4) var<storage, read> weights: array<f32>; // [row]
@group(0) @binding(5) var<storage, read_write> dy: array<f32>; // [row][node]
@group(0) @binding(6) var<storage, read_write> partials: array<f32>; // [workgroup]

// The share of a row in the mean.
fn share(row: u32) -> f32 {
  if (control.weighted == 0u) { return control.row_scale; }
  return control.row_scale * weights[row];
}

// ln(1 + z) for z in [0, 1], without losing the digits of a small z.
fn log_1p(z: f32) -> f32 {
  if (z < 0.03125) { return z * (1.0 - z * (0.5 - z * (0.33333333 - z * (0.25 - z * 0.2)))); }
  return log(1.0 + z);
}

// What follows from `y`, or NaN if that is not finite: `max` and `sign` may lose it, and compilers a product with 0.
fn of_finite(y: f32, value: f32) -> f32 {
  return select(bitcast<f32>(bitcast<u32>(y) | 0x7fc00000u), value, is_finite(y));
}

// Value and slope of a loss that is a mean over elements.
fn element(y: f32, target_value: f32) -> vec2<f32> {
  let e = y - target_value;
  switch control.loss {
    case 0u, 4u: { return vec2<f32>(e * e, 2.0 * e); }
    case 1u: { return vec2<f32>(abs(e), sign(e)); }
    case 2u: {
      if (abs(e) <= control.delta) { return vec2<f32>(0.5 * e * e, e); }
      return vec2<f32>(control.delta * (abs(e) - 0.5 * control.delta), control.delta * sign(e));
    }
    default: {
      let small = exp_down(-abs(y));
      let sigmoid = select(small, 1.0, y >= 0.0) / (1.0 + small);
      return vec2<f32>(max(y, 0.0) - target_value * y + log_1p(small), sigmoid - target_value);
    }
  }
}

@compute @workgroup_size(256)
fn elements(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>,
            @builtin(num_workgroups) n: vec3<u32>) {
  let group = linear(w, n);
  let id = group * 256u + l;
  var value = 0.0;
  if (id < d.rows * d.nodes) {
    let weight = share(id / d.nodes);
    var slope = 0.0;
    if (weight != 0.0) {
      let y = outputs[id];
      let found = element(y, targets[id]);
      value = of_finite(y, weight * found.x);
      slope = of_finite(y, weight * found.y);
    }
    dy[id] = slope;
  }
  let sum = total(l, value);
  if (l == 0u && group * 256u < d.rows * d.nodes) { partials[group] = sum; }
}

// Softmax cross-entropy, a thread for each row; outputs are taken relative to the largest.
@compute @workgroup_size(256)
fn entropy(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>,
           @builtin(num_workgroups) n: vec3<u32>) {
  let group = linear(w, n);
  let row = group * 256u + l;
  var value = 0.0;
  if (row < d.rows) {
    let weight = share(row);
    let begin = row * d.nodes;
    var largest = outputs[begin];
    var lost = 0.0;
    for (var c = 0u; c < d.nodes; c++) {
      let y = outputs[begin + c];
      largest = max(largest, y);
      if (!is_finite(y)) { lost = y; }
    }
    var sum = 0.0;
    for (var c = 0u; c < d.nodes; c++) { sum += exp_down(outputs[begin + c] - largest); }
    var mass = 1.0;
    var expected = 0.0;
    if (control.labels == 1u) {
      // The label of a row without weight may be any number.
      if (weight != 0.0) { expected = outputs[begin + u32(targets[row])] - largest; }
    } else {
      mass = 0.0;
      for (var c = 0u; c < d.nodes; c++) {
        mass += targets[begin + c];
        expected += targets[begin + c] * (outputs[begin + c] - largest);
      }
    }
    for (var c = 0u; c < d.nodes; c++) {
      var slope = 0.0;
      if (weight != 0.0) {
        var t = 0.0;
        if (control.labels == 1u) { t = select(0.0, 1.0, c == u32(targets[row])); } else { t = targets[begin + c]; }
        slope = of_finite(lost, weight * (exp_down(outputs[begin + c] - largest) / sum * mass - t));
      }
      dy[begin + c] = slope;
    }
    if (weight != 0.0) { value = of_finite(lost, weight * (mass * log(sum) - expected)); }
  }
  let part = total(l, value);
  if (l == 0u && group * 256u < d.rows) { partials[group] = part; }
}
