//! How loud a sound is over time, as points to draw.

use std::io::{self, Read};

use serde_json::json;
use tintype_engine::{Detail, Output, RunError};

use super::super::{
    call::Work,
    input::{Input, Kind},
    job::Job,
    made::round,
    sound,
};

/// Enough for what can be drawn.
const RATE: usize = 8000;
const MAX_POINTS: f64 = 200_000.0;

pub(in super::super) fn waveform(input: &mut Input<'_>) -> Work {
    let file = input.file("media_url", Kind::Audio);
    let per_second = input.number("points_per_second", 0.1, 100.0).unwrap_or(4.0);
    let precision = input.whole("precision", 1, 6).unwrap_or(2) as i32;
    let window = input.whole("smoothing_window", 1, 101).unwrap_or(3) as usize;
    if window.is_multiple_of(2) {
        let message = format!("Input should be an odd number, got {window}");
        input.reject(Detail::new("smoothing_window", "value_error", message).found(&json!(window)));
    }
    Box::new(move |desk| {
        let media = desk.look(file)?;
        let graph =
            format!("{}aresample={RATE},aformat=channel_layouts=mono:sample_fmts=s16[heard]", sound::of(0, &media));
        let job = Job::new().lasting(media.duration).input(file).graph(graph).map("[heard]");
        desk.run(&job.words(["-f", "s16le"]).to("out.raw"))?;
        let (raw, bytes) = desk.open("out.raw")?;
        let samples = bytes as usize / 2;
        let duration = samples as f64 / RATE as f64;
        let count = (duration * per_second).round().clamp(1.0, MAX_POINTS) as usize;
        let loudest = loudest(raw, samples, count).map_err(|error| RunError::Computation(Box::new(error)))?;
        let points = smooth(&loudest, window);
        let most = points.iter().copied().fold(0.0, f64::max);
        let scale = 10f64.powi(precision);
        let rounded = |point: &f64| if most > 0.0 { (point / most * scale).round() / scale } else { 0.0 };
        let waveform: Vec<f64> = points.iter().map(rounded).collect();
        let fields = [
            ("waveform", json!(waveform)),
            ("duration", json!(round(duration))),
            ("points", json!(count)),
            ("precision", json!(precision)),
        ];
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Output { files: Vec::new(), fields, units: Some(1.0) })
    })
}

/// The loudest sample of each of `count` equal parts. Hours of sound are read in order, and never held.
fn loudest(mut raw: impl Read, samples: usize, count: usize) -> io::Result<Vec<f64>> {
    let mut part = |number: usize| {
        let (from, to) = (number * samples / count, (number + 1) * samples / count);
        let mut two = [0; 2];
        let mut most = 0_u16;
        for _ in from..to {
            raw.read_exact(&mut two)?;
            most = most.max(i16::from_le_bytes(two).unsigned_abs());
        }
        Ok(f64::from(most))
    };
    (0..count).map(&mut part).collect()
}

/// Each point becomes the mean of a window around it; at the ends, of what there is of it.
fn smooth(points: &[f64], window: usize) -> Vec<f64> {
    let reach = window / 2;
    let mean = |number: usize| {
        let around = &points[number.saturating_sub(reach)..(number + reach + 1).min(points.len())];
        around.iter().sum::<f64>() / around.len() as f64
    };
    (0..points.len()).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_the_loudest_of_their_part_and_smoothed() {
        let samples = [0, -4, 1, 2, 0, 0].map(i16::to_le_bytes).concat();
        assert_eq!(loudest(&samples[..], 6, 3).unwrap(), [4.0, 2.0, 0.0]);
        assert!(loudest(&samples[..], 7, 3).is_err());
        assert_eq!(smooth(&[3.0, 0.0, 3.0], 3), [1.5, 2.0, 1.5]);
        assert_eq!(loudest(&[][..], 0, 1).unwrap(), [0.0]);
    }
}
