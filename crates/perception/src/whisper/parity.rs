//! What transformers computes with the same tiny random weights (`reference/whisper.py`), stage by stage.

use std::{collections::HashMap, f64::consts::TAU};

use candle_core::{DType, Device, Tensor};

use super::{
    input::{Call, Level},
    mel::Transform,
    transcript::{Chunk, transcribe},
    words::token_times,
    write::Writer,
    *,
};
use crate::{
    audio::Sound,
    parity::{Onlooker, folder, places, pool, reference, worst},
};

fn load(compute: &Compute) -> (Parts, HashMap<String, Tensor>) {
    let Whisper { parts, .. } = Whisper::load_for(Dialect::Whisper, &folder("whisper"), pool(), compute).unwrap();
    (Parts { tries: Tries::SINGLE, ..Arc::into_inner(parts).unwrap() }, reference("whisper"))
}

/// Three tones that come and go.
fn sound(seconds: usize) -> Vec<f32> {
    let at = |n: usize| {
        let time = n as f64 / 16_000.0;
        let tone = |hertz: f64, rate: f64| {
            let on = (TAU * rate * time).sin() > 0.0;
            if on { (TAU * hertz * time).sin() * 0.2 } else { 0.0 }
        };
        (tone(220.0, 0.7) + tone(880.0, 0.31) + tone(3100.0, 1.3)) as f32
    };
    (0..seconds * 16_000).map(at).collect()
}

/// Every tenth, along an axis.
fn tenth(x: &Tensor, axis: usize) -> Tensor {
    let places: Vec<u32> = (0..x.dim(axis).unwrap() as u32).step_by(10).collect();
    x.index_select(&Tensor::new(places, &Device::Cpu).unwrap(), axis).unwrap()
}

fn ids(tensor: &Tensor) -> Vec<u32> {
    tensor.to_vec1::<i64>().unwrap().into_iter().map(|id| id as u32).collect()
}

fn writer<'a>(parts: &'a Parts, follow: &'a [(usize, usize)], spell: &'a dyn Fn(&[u32]) -> String) -> Writer<'a> {
    let Parts { network, config, rules, tries, .. } = parts;
    Writer { network, config, rules, spell, timed: true, follow, tries: tries.clone() }
}

#[test]
fn every_stage_is_what_it_is_in_transformers() {
    let mel = Transform::new(80).unwrap().apply(&sound(30)).unwrap().window(0, 3000).unwrap();
    for (compute, more) in places() {
        let (parts, reference) = load(&compute);
        assert!(worst(&tenth(&mel.squeeze(1).unwrap(), 1), &reference["mel"]) < 2e-3);
        let heard = parts.network.hear(&mel).unwrap();
        assert_eq!(heard.dtype(), compute.dtype);
        let off = worst(&tenth(&heard.squeeze(0).unwrap(), 0), &reference["heard"]);
        assert!(off < 1e-4 * more, "{compute}: {off}");
        let near = |scores: Vec<f32>, n: usize| {
            let off = worst(&Tensor::new(scores, &Device::Cpu).unwrap(), &reference["logits"].get(n).unwrap());
            assert!(off < 2e-4 * more, "token {n} in {compute}: {off}");
        };
        let start = [257, 259, 262, 40, 41, 42];
        let mut text = parts.network.begin(&heard, &[]).unwrap();
        for (n, token) in start.iter().enumerate() {
            near(parts.network.read(&mut text, &[*token]).unwrap(), n);
        }
        let mut text = parts.network.begin(&heard, &[]).unwrap();
        near(parts.network.read(&mut text, &start).unwrap(), 5);
        let language = writer(&parts, &[], &|_| String::new()).language(&heard).unwrap();
        assert_eq!(vec![language.unwrap()], ids(&reference["language"]));
    }
}

#[test]
fn words_are_timed_as_in_transformers() {
    let (parts, reference) = load(&Compute::plain(DType::F64));
    let mel = Transform::new(80).unwrap().apply(&sound(30)).unwrap().window(0, 3000).unwrap();
    let heard = parts.network.hear(&mel).unwrap();
    let follow = parts.rules.alignment_heads.clone().unwrap();
    let written = writer(&parts, &follow, &|_| String::new())
        .write(&heard, &[257, 259, 262], &mut Onlooker::default())
        .unwrap()
        .unwrap();
    // The reference goes on with a second window after this many.
    let first = 25;
    assert_eq!(written.tokens[..first], ids(&reference["word_tokens"])[..first]);
    let found = token_times(&written.attention, 1500, parts.config.median_filter_width);
    let expected: Vec<f32> = reference["word_times"].to_vec1().unwrap();
    for (n, (found, expected)) in found.iter().zip(&expected).take(first).enumerate() {
        assert!((found - f64::from(*expected)).abs() < 0.041, "{n}: {found} is not {expected}");
    }
}

#[test]
fn a_sound_of_more_than_one_window_becomes_the_same_segments() {
    let (parts, reference) = load(&Compute::cpu());
    let call = Call {
        audio_url: String::new(),
        translate: false,
        language: Some("de".into()),
        level: Level::Segment,
        prompt: String::new(),
        merged: None,
    };
    let sound = Sound { rate: 16_000, samples: sound(40) };
    let found = transcribe(&parts, &call, &sound, &mut Onlooker::default()).unwrap();
    let (tokens, times) = (ids(&reference["windows"]), reference["window_times"].to_vec2::<f32>().unwrap());
    let (mut expected, mut first) = (Vec::new(), 0);
    for (length, time) in ids(&reference["window_lengths"]).into_iter().zip(times) {
        let text = parts.vocabulary.text(&tokens[first..first + length as usize]).trim().to_owned();
        first += length as usize;
        if !text.is_empty() {
            expected.push(Chunk { start: time[0].into(), end: time[1].into(), text });
        }
    }
    let told = |chunks: &[Chunk]| {
        chunks.iter().map(|c| (format!("{:.2} {:.2}", c.start, c.end), c.text.clone())).collect::<Vec<_>>()
    };
    assert_eq!(told(&found.chunks), told(&expected));
    assert_eq!((found.text, found.language.as_deref()), (parts.vocabulary.text(&tokens).trim().to_owned(), Some("de")));
}
