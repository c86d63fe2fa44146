// Sums over the 256 threads of a workgroup, along a fixed tree.
var<workgroup> of_threads: array<f32, 256>;

fn total(l: u32, value: f32) -> f32 {
  // An earlier total has been read by all.
  workgroupBarrier();
  of_threads[l] = value;
  workgroupBarrier();
  for (var step = 128u; step > 0u; step = step >> 1u) {
    if (l < step) { of_threads[l] += of_threads[l + step]; }
    workgroupBarrier();
  }
  return of_threads[0];
}
