//! Loudness after EBU R128.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tintype_engine::{Detail, RunError};

use super::super::{
    call::Work,
    desk::Desk,
    input::{File, Input, Kind},
    job::Job,
    made::answer,
    probe::Media,
    sound::{self, Coding},
};

/// The names under which callers hand in what they measured, and FFmpeg's.
const MEASURED: [(&str, &str, (f64, f64)); 4] = [
    ("measured_i", "measured_I", (-99.0, 0.0)),
    ("measured_lra", "measured_LRA", (0.0, 99.0)),
    ("measured_tp", "measured_TP", (-99.0, 99.0)),
    ("measured_thresh", "measured_thresh", (-99.0, 0.0)),
];

pub(in super::super) fn loudnorm(input: &mut Input<'_>) -> Work {
    let file = input.file("audio_url", Kind::Audio);
    let loudness = input.number("integrated_loudness", -70.0, -5.0).unwrap_or(-18.0);
    let range = input.number("loudness_range", 1.0, 50.0).unwrap_or(7.0);
    let peak = input.number("true_peak", -9.0, 0.0).unwrap_or(-0.1);
    let offset = input.number("offset", -99.0, 99.0).unwrap_or(0.0);
    let linear = input.flag("linear", false);
    let dual_mono = input.flag("dual_mono", false);
    let summary = input.flag("print_summary", false);
    let measured = MEASURED.map(|(field, option, within)| (field, option, input.number(field, within.0, within.1)));
    for (field, _, value) in measured {
        if linear && value.is_none() && !input.has(field) {
            let message =
                "Field required: linear mode needs what was measured. `print_summary` without `linear` tells it";
            input.reject(Detail::new(field, "missing", message));
        }
    }
    let target = format!("loudnorm=I={loudness}:LRA={range}:TP={peak}:dual_mono={dual_mono}");
    Box::new(move |desk| {
        let media = desk.look(file)?;
        let known: Vec<(&str, f64)> =
            measured.iter().filter_map(|(_, option, value)| value.map(|value| (*option, value))).collect();
        let known = if linear {
            known
        } else {
            let first = pass(desk, &media, file, &target, None)?;
            first.measured()
        };
        let known: Vec<String> = known.iter().map(|(option, value)| format!(":{option}={value}")).collect();
        let known = known.concat();
        let filter = format!("{target}{known}:offset={offset}:linear={linear}");
        let coding = Coding::like(&media);
        let told = pass(desk, &media, file, &filter, Some(&coding))?;
        let mut output = answer("audio", desk.sound(&coding.file(), &coding)?);
        if summary {
            output.fields = Map::from_iter([("summary".to_owned(), told.summary())]);
        }
        Ok(output)
    })
}

/// What the filter reports when it is done: numbers as text.
#[derive(Debug, Deserialize)]
struct Report {
    input_i: String,
    input_tp: String,
    input_lra: String,
    input_thresh: String,
    output_i: String,
    output_tp: String,
    output_lra: String,
    output_thresh: String,
    normalization_type: String,
    target_offset: String,
}

impl Report {
    fn summary(&self) -> Value {
        // Silence is infinitely quiet, which JSON cannot say.
        let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
        json!({
            "input_integrated": number(&self.input_i),
            "input_true_peak": number(&self.input_tp),
            "input_lra": number(&self.input_lra),
            "input_threshold": number(&self.input_thresh),
            "output_integrated": number(&self.output_i),
            "output_true_peak": number(&self.output_tp),
            "output_lra": number(&self.output_lra),
            "output_threshold": number(&self.output_thresh),
            "normalization_type": self.normalization_type,
            "target_offset": number(&self.target_offset),
        })
    }

    /// What a second pass is told; nothing, when there was nothing to hear.
    fn measured(&self) -> Vec<(&'static str, f64)> {
        let told = [&self.input_i, &self.input_lra, &self.input_tp, &self.input_thresh];
        let known = MEASURED.iter().zip(told).filter_map(|((_, option, within), text)| {
            text.parse().ok().filter(|value| (within.0..=within.1).contains(value)).map(|value| (*option, value))
        });
        let known: Vec<_> = known.collect();
        if known.len() == MEASURED.len() { known } else { Vec::new() }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the loudness filter reported nothing")]
struct NoReport;

/// One pass over the sound: with a coding it is written, without only measured.
fn pass(
    desk: &mut Desk<'_>,
    media: &Media,
    file: File,
    filter: &str,
    coding: Option<&Coding>,
) -> Result<Report, RunError> {
    // The filter works at 192 kHz and hands that on.
    let rate = media.audio.as_ref().map_or(48_000, |audio| audio.sample_rate);
    let layout = match media.audio.as_ref().map_or(2, |audio| audio.channels) {
        1 => "mono",
        6 => "5.1",
        8 => "7.1",
        _ => "stereo",
    };
    // Some files do not say where their channels sound, and the filter hands that on as well.
    let after = format!("aresample={rate},aformat=channel_layouts={layout}");
    let graph = format!("{}{filter}:print_format=json,{after}[even]", sound::of(0, media));
    let job = Job::new().lasting(media.duration).talkative().input(file).graph(graph);
    let job = match coding {
        Some(coding) => job.into_sound("[even]", coding),
        None => job.map("[even]").words(["-f", "null", "-"]),
    };
    let said = desk.run_and_hear(&job)?;
    let report = said.rfind('{').and_then(|start| said[start..].split_inclusive('}').next());
    let report = report.and_then(|report| serde_json::from_str(report).ok());
    report.ok_or_else(|| RunError::Computation(Box::new(NoReport)))
}
