//! What a studio does to sound.

use super::super::{
    call::Work,
    input::{Input, Kind},
    job::Job,
    sound::{self, Coding, decibels},
};

const BITRATES: [&str; 4] = ["128k", "192k", "256k", "320k"];

pub(in super::super) fn compressor(input: &mut Input<'_>) -> Work {
    let file = input.file("audio_url", Kind::Audio);
    let threshold = decibels(input.number("threshold", -60.0, 0.0).unwrap_or(-18.0));
    let ratio = input.number("ratio", 1.0, 20.0).unwrap_or(3.0);
    let attack = input.number("attack", 0.01, 2000.0).unwrap_or(5.0);
    let release = input.number("release", 0.01, 9000.0).unwrap_or(50.0);
    let makeup = decibels(input.number("makeup", 0.0, 36.0).unwrap_or(8.0));
    // FFmpeg's knee begins at 1, which is a hard one.
    let knee = input.number("knee", 0.0, 8.0).unwrap_or(2.83).max(1.0);
    let bitrate = input.choice("output_bitrate", &BITRATES, "192k");
    Box::new(move |desk| {
        let media = desk.look(file)?;
        let graph = format!(
            "{}acompressor=threshold={threshold:.6}:ratio={ratio}:attack={attack}:release={release}:\
             makeup={makeup:.6}:knee={knee}[heard]",
            sound::of(0, &media)
        );
        let coding = Coding::mp3(bitrate);
        let job = Job::new().lasting(media.duration).input(file).graph(graph);
        desk.run(&job.into_sound("[heard]", &coding))?;
        desk.sound_answer(&coding.file(), &coding)
    })
}

/// Longer rooms do not exist.
const MAX_RESPONSE_SECS: f64 = 30.0;

pub(in super::super) fn impulse_response(input: &mut Input<'_>) -> Work {
    let file = input.file("audio_url", Kind::Audio);
    let response = input.file("impulse_response_url", Kind::Audio);
    let dry = input.number("dry_level", 0.0, 1.0).unwrap_or(0.7);
    let wet = input.number("wet_level", 0.0, 1.0).unwrap_or(0.3);
    let loudness = input.number("loudness_i", -70.0, -5.0).unwrap_or(-18.0);
    let range = input.number("loudness_lra", 1.0, 50.0).unwrap_or(8.0);
    let peak = input.number("loudness_tp", -9.0, 0.0).unwrap_or(-1.5);
    let bitrate = input.choice("output_bitrate", &BITRATES, "192k");
    Box::new(move |desk| {
        let (media, room) = (desk.look(file)?, desk.look(response)?);
        let echo = room.duration.min(MAX_RESPONSE_SECS);
        // What sounds on in the room does so after the sound has ended.
        let graph = format!(
            "{}{alike},apad=pad_dur={echo:.6},asplit[dry][sent];{}{alike},atrim=duration={echo:.6}[room];\
             [sent][room]afir=dry=1:wet=1[wet];\
             [dry][wet]amix=inputs=2:duration=first:normalize=0:weights={dry} {wet},\
             loudnorm=I={loudness}:LRA={range}:TP={peak},aresample=48000[heard]",
            sound::of(0, &media),
            sound::of(1, &room),
            alike = sound::ALIKE,
        );
        let coding = Coding::mp3(bitrate);
        let job = Job::new().lasting(media.duration + echo).input(file).input(response).graph(graph);
        desk.run(&job.into_sound("[heard]", &coding))?;
        desk.sound_answer(&coding.file(), &coding)
    })
}
