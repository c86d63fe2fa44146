@group(0) @binding(5) var<uniform> control: Control;
@group(0) @binding(6) var<storage, read> weights: array<f32>;      // [row]
@group(0) @binding(7) var<storage, read> by_activity: array<f32>;  // [input][sum]
@group(0) @binding(8) var<storage, read> coefficients: array<f32>; // [input][G + k, then the base][sum]
