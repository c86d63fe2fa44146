// Threads that own edges: WG in a workgroup, OT sums side by side.
override OT: u32;
override WG: u32;

// The input and the sum of a thread; beyond those of the layer where it owns none.
fn owned(l: u32, w: vec3<u32>, n: vec3<u32>) -> vec2<u32> {
  let output_tiles = (d.sums + OT - 1u) / OT;
  let group = linear(w, n);
  return vec2<u32>((group / output_tiles) * (WG / OT) + l / OT, (group % output_tiles) * OT + l % OT);
}
