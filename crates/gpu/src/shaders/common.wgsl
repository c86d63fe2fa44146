// What all shaders share: the shape of a layer at a number of rows, and the words of a submission.

struct Shape {
  rows: u32,         // rows of the tile
  inputs: u32,
  sums: u32,         // columns of edges
  bases: u32,        // G + k
  cells: u32,        // cells of each table
  nodes: u32,        // sum nodes and product nodes
  sum_nodes: u32,
  offset: u32,       // of the layer in the slab
  forward_chunk: u32, // inputs of a part of the forward sum
  splits: u32,       // parts of the batch in the gradient of coefficients
  chunk: u32,        // rows of each
  count: u32,        // elements of an element-wise pass
};

struct Control {
  row_scale: f32,    // what a row of weight 1 counts in the mean
  delta: f32,        // of Huber's loss
  loss: u32,         // number of the loss
  weighted: u32,     // whether rows have weights
  first: u32,        // whether this tile begins a batch
  labels: u32,       // whether targets are one column of class labels
  partials: u32,     // partial sums of the loss
  squares: u32,      // partial sums of the squared gradient
  keep: u32,         // 0 never, 1 always, 2 if no loss was as low: keep the parameters before this step
  slot: u32,         // where the outcome of this step goes
  first_decay: f32,  // β₁, 1 − β₁, β₂, 1 − β₂
  first_gain: f32,
  second_decay: f32,
  second_gain: f32,
  epsilon: f32,
  decay: f32,        // 1 − ηλ
  rate: f32,         // η/(1 − β₁ᵗ)
  scale: f32,        // 1/(1 − β₂ᵗ)
  row_share: f32,    // what a row of weight 1 counts in a mean over the rows
  penalties: u32,    // partial sums of the penalty
};

// A penalty (`Penalty` of the engine) on a layer.
struct Terms {
  l1: f32,           // strengths
  entropy: f32,
  coefficient: f32,
  diagonals: u32,    // of the matrices
  of_forms: u32,     // where the partial sums of forms begin
  of_activity: u32,  // where the value of the activities is
  pad0: u32,
  pad1: u32,
};

// Words of the status: see `judge`.
const LOSS: u32 = 0u;
const FACTOR: u32 = 1u;
const FAULTS: u32 = 2u;
const FROZEN: u32 = 3u;
const LOWEST: u32 = 4u;
const KEEP: u32 = 5u;
const PENALTY: u32 = 6u;

const FAULT_LOSS: u32 = 1u;
const FAULT_GRADIENT: u32 = 2u;
const FAULT_UPDATE: u32 = 4u;

// `x != x` is false for NaN on some drivers.
fn is_finite(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

fn linear(group: vec3<u32>, groups: vec3<u32>) -> u32 {
  return group.y * groups.x + group.x;
}

// e^x for x ≤ 0. What drivers call exp may be wrong by many units in the last place; this is right to two.
fn exp_down(x: f32) -> f32 {
  let y = max(x, -87.0);
  let n = floor(y * 1.44269504 + 0.5);
  let r = (y - n * 0.693359375) + n * 2.12194440e-4;
  let p = 1.0 + r * (1.0 + r * (0.5 + r * (0.166666667 + r * (0.0416666667 + r * (0.00833333333 + r * 0.00138888889)))));
  return p * bitcast<f32>(u32(i32(n) + 127) << 23u);
}
