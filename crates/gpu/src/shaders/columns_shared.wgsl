const SHARED = true;
override SIZE: u32; // (G + k)·WG
var<workgroup> columns: array<f32, SIZE>;

fn place(row: u32, l: u32, column: u32) -> u32 {
  return row * WG + l;
}
