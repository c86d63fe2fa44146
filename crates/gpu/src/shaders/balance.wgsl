// The penalty on the mean absolute values of a layer's edges, in one workgroup: l1·Σ a + entropy·S, with the entropy
// S = −Σ p·ln p of their parts p; and its derivatives by them.
@group(0) @binding(0) var<uniform> d: Shape;
@group(0) @binding(1) var<uniform> terms: Terms;
@group(0) @binding(2) var<storage, read> activity: array<f32>;
@group(0) @binding(3) var<storage, read> status: array<u32>;
@group(0) @binding(4) var<storage, read_write> by_activity: array<f32>;
@group(0) @binding(5) var<storage, read_write> penalties: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) l: u32) {
  let edges = d.inputs * d.sums;
  var share = 0.0;
  for (var edge = l; edge < edges; edge += 256u) { share += activity[edge]; }
  let sum = total(l, share);
  // Edges that do nothing must not make 0/0, whose comparisons not every driver gets right.
  let whole = max(sum, 1.2e-38);
  share = 0.0;
  for (var edge = l; edge < edges; edge += 256u) {
    let part = activity[edge] / whole;
    if (part > 0.0) { share -= part * log(part); }
  }
  let disorder = total(l, share);
  // The gradient slab is multiplied by the factor of the loss.
  let factor = bitcast<f32>(status[FACTOR]);
  for (var edge = l; edge < edges; edge += 256u) {
    var slope = 0.0;
    let part = activity[edge] / whole;
    if (part > 0.0) { slope = terms.l1 - terms.entropy * (log(part) + disorder) / whole; }
    by_activity[edge] = slope / factor;
  }
  if (l == 0u) { penalties[terms.of_activity] = terms.l1 * sum + terms.entropy * disorder; }
}
