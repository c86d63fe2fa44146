// Sums of a layer. A workgroup takes OT outputs and 256/OT rows over a part of the inputs; bases are staged in
// workgroup memory, QC inputs at a time. The next layer magnifies what rounding takes here, so it is kept; and bases
// that add up to 1 scale differences of coefficients, since far outside of a grid they are large and cancel.
override K: u32;
override UNITY: u32;  // whether bases add up to 1
override OT: u32;
override QC: u32;
override STAGE: u32;  // 256/OT·QC
override STAGED: u32; // STAGE·(K + 2)

@group(0) @binding(0) var<uniform> d: Shape;
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read> coefficients: array<f32>; // [input][G + k, then the base][sum]
@group(0) @binding(4) var<storage, read_write> y: array<f32>;      // [part][row][sum]

var<workgroup> rows_first: array<u32, STAGE>;
var<workgroup> rows_values: array<f32, STAGED>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let samples = 256u / OT;
  let sample = l / OT;
  let output = w.x * OT + l % OT;
  let row0 = w.y * samples;
  let begin = w.z * d.forward_chunk;
  let end = min(d.inputs, begin + d.forward_chunk);
  let valid = row0 + sample < d.rows && output < d.sums;
  var sum = vec2<f32>(0.0, 0.0);
  for (var q0 = begin; q0 < end; q0 += QC) {
    for (var t = l; t < STAGE; t += 256u) {
      let row = min(row0 + t / QC, d.rows - 1u);
      let q = min(q0 + t % QC, d.inputs - 1u);
      let sample_of = row * d.inputs + q;
      rows_first[t] = first[sample_of];
      for (var m = 0u; m < K + 2u; m++) { rows_values[t * (K + 2u) + m] = values[sample_of * (K + 2u) + m]; }
    }
    workgroupBarrier();
    if (valid) {
      let count = min(QC, end - q0);
      for (var i = 0u; i < count; i++) {
        let t = sample * QC + i;
        let block = (q0 + i) * (d.bases + 1u);
        let at = (block + rows_first[t]) * d.sums + output;
        let e = t * (K + 2u);
        var pivot = 0.0;
        if (UNITY == 1u) {
          pivot = coefficients[at];
          sum = plus(sum, pivot);
        }
        var part = 0.0;
        for (var m = UNITY; m <= K; m++) {
          part += rows_values[e + m] * (coefficients[at + m * d.sums] - pivot);
        }
        sum = plus(sum, part);
        sum = plus(sum, rows_values[e + K + 1u] * coefficients[(block + d.bases) * d.sums + output]);
      }
    }
    workgroupBarrier();
  }
  if (valid) { y[(w.z * d.rows + row0 + sample) * d.sums + output] = sum.x + sum.y; }
}
