@group(0) @binding(6) var<uniform> control: Control;
@group(0) @binding(7) var<storage, read> weights: array<f32>;     // [row]
@group(0) @binding(8) var<storage, read> by_activity: array<f32>; // [input][sum]
@group(0) @binding(9) var<storage, read> values: array<f32>;      // [row][input][k + 2]
