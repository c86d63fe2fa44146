// Penalties on the coefficients of a layer: cᵀ·M·c and Σ |c| for the spline of each edge, a square for its base weight.
// A thread for each coefficient. What a slope gets is divided by the factor that the gradient slab is multiplied by.
@group(0) @binding(0) var<uniform> d: Shape;
@group(0) @binding(1) var<uniform> terms: Terms;
@group(0) @binding(2) var<storage, read> coefficients: array<f32>;   // [input][G + k, then the base][sum]
@group(0) @binding(3) var<storage, read> forms: array<f32>;          // [form][G + k rows of diagonals, then the base]
@group(0) @binding(4) var<storage, read> form_of: array<u32>;        // [input]: where its form begins
@group(0) @binding(5) var<storage, read> status: array<u32>;
@group(0) @binding(6) var<storage, read_write> slopes: array<f32>;   // as coefficients
@group(0) @binding(7) var<storage, read_write> penalties: array<f32>; // [workgroup]

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>,
        @builtin(num_workgroups) n: vec3<u32>) {
  let group = linear(w, n);
  let id = group * 256u + l;
  let rows = d.bases + 1u;
  let count = d.inputs * rows * d.sums;
  var value = 0.0;
  if (id < count) {
    let row = (id / d.sums) % rows;
    let form = form_of[id / d.sums / rows];
    let c = coefficients[id];
    var product = 0.0;
    var slope = 0.0;
    if (row == d.bases) {
      product = forms[form + d.bases * terms.diagonals] * c;
    } else {
      let reach = terms.diagonals / 2u;
      for (var j = 0u; j < terms.diagonals; j++) {
        let other = i32(row + j) - i32(reach);
        if (other >= 0 && other < i32(d.bases)) {
          product += forms[form + row * terms.diagonals + j] * coefficients[id + j * d.sums - reach * d.sums];
        }
      }
      slope = terms.coefficient * sign(c);
      value = terms.coefficient * abs(c);
    }
    value += c * product;
    slopes[id] += (slope + 2.0 * product) / bitcast<f32>(status[FACTOR]);
  }
  let sum = total(l, value);
  if (l == 0u && group * 256u < count) { penalties[terms.of_forms + group] = sum; }
}
