//! Times arkan for bench/peers, with the options of our own program:
//! `--layers 21,64,64,24 --batch 64 --grid 5 --threads 2 --mode forward --repeat 3 --seconds 0.3` prints the median
//! milliseconds of a call as JSON. Its step is its own, plain gradient descent: it has Adam, but no way to hand
//! gradients to it.

use std::{collections::HashMap, env, hint::black_box, time::Instant};

use arkan::{KanConfig, KanNetwork};

/// `count` numbers in [-1, 1], the same each time (a linear congruential generator, Knuth's constants).
fn numbers(count: usize, mut state: u64) -> Vec<f32> {
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect()
}

/// Median milliseconds of a call, of at least `repeat` and as many as begin within `seconds`.
fn median_ms(repeat: usize, seconds: f64, mut call: impl FnMut()) -> f64 {
    call();
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < repeat || start.elapsed().as_secs_f64() < seconds {
        let began = Instant::now();
        call();
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    let given: HashMap<&str, &str> =
        words.chunks_exact(2).map(|pair| (pair[0].trim_start_matches("--"), pair[1].as_str())).collect();
    let number = |name: &str| -> usize { given[name].parse().expect(name) };
    let layers: Vec<usize> = given["layers"].split(',').map(|n| n.parse().expect("layers")).collect();
    let (batch, threads) = (number("batch"), number("threads"));
    let (inputs, outputs) = (layers[0], layers[layers.len() - 1]);

    let config = KanConfig {
        input_dim: inputs,
        output_dim: outputs,
        hidden_dims: layers[1..layers.len() - 1].to_vec(),
        grid_size: number("grid"),
        spline_order: 3,
        grid_range: (-1.0, 1.0),
        input_mean: vec![0.0; inputs],
        input_std: vec![1.0; inputs],
        ..Default::default()
    };
    let mut network = KanNetwork::new(config);
    let mut workspace = network.create_workspace(batch);
    let x = numbers(batch * inputs, 1);
    let y = numbers(batch * outputs, 2);
    let mut out = vec![0.0f32; batch * outputs];
    let repeat = number("repeat");
    let seconds: f64 = given["seconds"].parse().expect("seconds");
    let ms = match given["mode"] {
        "forward" if batch == 1 => median_ms(repeat, seconds, || {
            network.forward_single(black_box(&x), &mut out, &mut workspace);
        }),
        // Its documentation advises the parallel pass from 32 samples on; the faster of the two counts.
        "forward" => {
            let alone = median_ms(repeat, seconds, || {
                network.forward_batch(black_box(&x), &mut out, &mut workspace);
            });
            if threads == 1 {
                alone
            } else {
                alone.min(median_ms(repeat, seconds, || {
                    network.forward_batch_parallel(black_box(&x), &mut out);
                }))
            }
        }
        "step" => median_ms(repeat, seconds, || {
            black_box(network.train_step(black_box(&x), &y, None, 1e-3, &mut workspace));
        }),
        other => panic!("there is no mode {other}"),
    };
    println!("{{\"medianMs\": {ms}}}");
}
