//! Sound taken out, joined, mixed and cut.

use tintype_engine::{Detail, Output, Place};

use super::super::{
    call::Work,
    failure,
    input::{Input, Kind},
    job::Job,
    sound::{self, Coding},
};

const MAX_FILES: usize = 50;

pub(in super::super) fn extract_audio(input: &mut Input<'_>) -> Work {
    // What is asked for is a video, and what is used is its sound.
    let file = input.file("video_url", Kind::Video);
    let format = input.choice("audio_format", &["mp3", "wav", "aac", "flac"], "mp3");
    let bitrate = input.choice("audio_bitrate", &["128k", "192k", "256k", "320k"], "192k");
    Box::new(move |desk| {
        let media = desk.look(file)?;
        let Some(audio) = &media.audio else { return Err(failure::refuse(failure::silent(desk.asked(file)))) };
        let coding = match format {
            "wav" => Coding::wav(),
            "aac" => Coding::aac(bitrate),
            "flac" => Coding::flac(),
            _ => Coding::mp3(bitrate),
        };
        let job = Job::new().lasting(media.duration).input(file);
        desk.run(&job.into_sound(&format!("0:{}", audio.index), &coding))?;
        desk.sound_answer(&coding.file(), &coding)
    })
}

pub(in super::super) fn merge_audio(input: &mut Input<'_>) -> Work {
    let files = input.files("audio_urls", Kind::Audio, 2, MAX_FILES);
    let gaps = input.numbers("gaps", (0, MAX_FILES - 1), (0.0, 3600.0));
    if !gaps.is_empty() && !files.is_empty() && gaps.len() + 1 != files.len() {
        let message =
            format!("List should have {} items, one between each two sounds, not {}", files.len() - 1, gaps.len());
        input.reject(Detail::new("gaps", "value_error", message));
    }
    Box::new(move |desk| {
        let (mut graph, mut order, mut total, mut job) = (String::new(), String::new(), 0.0, Job::new());
        for (number, file) in files.iter().enumerate() {
            let media = desk.look(*file)?;
            graph.extend([format!("{}{}[heard{number}];", sound::of(number, &media), sound::ALIKE)]);
            order.extend([format!("[heard{number}]")]);
            total += media.duration;
            job = job.input(*file);
            if let Some(gap) = gaps.get(number).filter(|gap| **gap > 0.0) {
                graph.extend([format!("{};", sound::silence(*gap, &format!("gap{number}")))]);
                order.extend([format!("[gap{number}]")]);
                total += gap;
            }
        }
        let count = order.matches('[').count();
        let coding = Coding::mp3("192k");
        let job = job.lasting(total).graph(format!("{graph}{order}concat=n={count}:v=0:a=1[heard]"));
        desk.run(&job.into_sound("[heard]", &coding))?;
        desk.sound_answer(&coding.file(), &coding)
    })
}

pub(in super::super) fn amix(input: &mut Input<'_>) -> Work {
    let files = input.files("audio_urls", Kind::Audio, 2, MAX_FILES);
    let duration = input.choice("duration", &["longest", "shortest", "first"], "longest");
    let transition = input.number("dropout_transition", 0.0, 600.0).unwrap_or(2.0);
    let normalize = input.flag("normalize", true);
    let mut weights = input.numbers("weights", (0, MAX_FILES), (0.0, 1000.0));
    let last = weights.last().copied().unwrap_or(1.0);
    weights.resize(files.len(), last);
    Box::new(move |desk| {
        let (mut graph, mut order, mut lengths, mut job) = (String::new(), String::new(), Vec::new(), Job::new());
        for (number, file) in files.iter().enumerate() {
            let media = desk.look(*file)?;
            graph.extend([format!("{}{}[heard{number}];", sound::of(number, &media), sound::ALIKE)]);
            order.extend([format!("[heard{number}]")]);
            lengths.push(media.duration);
            job = job.input(*file);
        }
        let total = match duration {
            "shortest" => lengths.iter().copied().fold(f64::MAX, f64::min),
            "first" => lengths[0],
            _ => lengths.iter().copied().fold(0.0, f64::max),
        };
        let weights: Vec<String> = weights.iter().map(ToString::to_string).collect();
        let mix = format!(
            "{order}amix=inputs={}:duration={duration}:dropout_transition={transition}:normalize={}:weights={}[heard]",
            files.len(),
            u8::from(normalize),
            weights.join(" ")
        );
        let coding = Coding::mp3("192k");
        desk.run(&job.lasting(total).graph(graph + &mix).into_sound("[heard]", &coding))?;
        desk.sound_answer(&coding.file(), &coding)
    })
}

pub(in super::super) fn split_audio(input: &mut Input<'_>) -> Work {
    let file = input.file("audio_url", Kind::Audio);
    let points = input.numbers("split_points", (1, MAX_FILES), (0.0, 14400.0));
    if points.windows(2).any(|two| two[0] >= two[1]) || points.first().is_some_and(|first| *first <= 0.0) {
        let message = "Points should be greater than 0, and each greater than the one before";
        input.reject(Detail::new("split_points", "value_error", message));
    }
    Box::new(move |desk| {
        let media = desk.look(file)?;
        if let Some(late) = points.last().filter(|point| **point >= media.duration) {
            return Err(failure::refuse(failure::too_short(desk.asked(file), media.duration, *late)));
        }
        let coding = Coding::like(&media);
        let bounds: Vec<f64> = [0.0].into_iter().chain(points).chain([media.duration]).collect();
        let mut output = Output::default();
        for two in bounds.windows(2) {
            let (from, to) = (two[0], two[1]);
            // What lies behind the last point is taken whole, should it be longer than the file says.
            let end = if to < media.duration { format!(":end={to:.6}") } else { String::new() };
            let graph = format!("{}atrim=start={from:.6}{end},asetpts=PTS-STARTPTS[heard]", sound::of(0, &media));
            let job = Job::new().lasting(to - from).input(file).graph(graph);
            desk.run(&job.into_sound("[heard]", &coding))?;
            output.files.push((Place::Item("audio"), desk.sound(&coding.file(), &coding)?));
        }
        Ok(output)
    })
}
