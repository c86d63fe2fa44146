// Sums that keep what rounding takes.

// The same number, but no compiler knows: no batch has 2³¹ rows. Mesa and Metal reassociate sums, so that for them what
// rounding took is zero.
fn opaque(x: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(x) ^ (d.rows >> 31u));
}

// A sum in two parts, rounded and what that took, with another term (Dekker 1971).
fn plus(sum: vec2<f32>, term: f32) -> vec2<f32> {
  let swap = abs(sum.x) < abs(term);
  let large = select(sum.x, term, swap);
  let small = select(term, sum.x, swap);
  let rounded = opaque(large + small);
  return vec2<f32>(rounded, sum.y + (small - opaque(rounded - large)));
}
