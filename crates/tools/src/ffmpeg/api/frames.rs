//! From a video to a frame, and from images to a video.

use serde_json::Map;
use tintype_engine::{Detail, Output, Place, RunError};

use super::super::{
    call::Work,
    desk::Desk,
    input::{File, Input, Kind},
    job::Job,
    made::Still,
    probe::Video,
    vision,
};

pub(in super::super) fn extract_frame(input: &mut Input<'_>) -> Work {
    let video = input.file("video_url", Kind::Video);
    let which = input.choice("frame_type", &["first", "middle", "last"], "first");
    Box::new(move |desk| {
        let made = frame(desk, video, which)?;
        Ok(Output { files: vec![(Place::Item("images"), made)], fields: Map::new(), units: None })
    })
}

/// Seconds before the end within which the last frame is looked for.
const END: f64 = 1.0;

/// One frame of a video, as a picture of its own.
pub(in super::super) fn frame(desk: &mut Desk<'_>, video: File, which: &str) -> Result<tintype_engine::Made, RunError> {
    let media = desk.look(video)?;
    let name = format!("{which}.png");
    let graph = format!("{}{}[frame]", vision::of(0, &media), vision::SQUARE);
    let (from, more) = match which {
        "middle" => (media.duration / 2.0, ["-frames:v", "1"]),
        // Each frame is written over the one before.
        "last" => ((media.duration - END).max(0.0), ["-update", "1"]),
        _ => (0.0, ["-frames:v", "1"]),
    };
    // Some files say that they are longer than their pictures last; then all of them are gone through.
    for from in [from, 0.0] {
        let seek = if from > 0.0 { vec!["-ss".to_owned(), format!("{from:.6}")] } else { Vec::new() };
        let more = if from == 0.0 && which == "middle" && desk.has(&name) { ["-frames:v", "1"] } else { more };
        let job = Job::new().input_as(&seek, video).graph(&graph).map("[frame]").words(more);
        desk.run(&job.to(&name))?;
        if desk.has(&name) {
            break;
        }
    }
    let size = media.video.as_ref().map_or((0, 0), |video| (video.width, video.height));
    Ok(Still::Png.made(desk.read(&name)?, size))
}

const MAX_IMAGES: usize = 300;
const MAX_SECS: f64 = 1800.0;

pub(in super::super) fn images_to_video(input: &mut Input<'_>) -> Work {
    let images = input.objects("images", (1, MAX_IMAGES), |image| {
        (image.file("url", Kind::Image), image.whole("frames", 1, 100_000).unwrap_or(1))
    });
    let fps = input.number("fps", 1.0, 120.0).unwrap_or(24.0);
    let seconds = images.iter().map(|(_, frames)| *frames as f64).sum::<f64>() / fps;
    if seconds > MAX_SECS {
        let message = format!("The video would last {seconds:.1} seconds, and may last {MAX_SECS}");
        input.reject(Detail::new("images", "video_duration_too_long", message).with("max_duration", MAX_SECS));
    }
    Box::new(move |desk| {
        let mut size = (2, 2);
        let (mut parts, mut labels, mut job) = (Vec::new(), String::new(), Job::new().lasting(seconds));
        let rate = vision::rate(fps);
        for (number, (file, frames)) in images.iter().enumerate() {
            let media = desk.look(*file)?;
            if number == 0 {
                size = media.video.as_ref().map_or(size, Video::even);
            }
            // Of a picture that moves, the first frame is held.
            parts.push(format!(
                "{}trim=end_frame=1,{},format=yuv420p,loop=loop={}:size=1:start=0,setpts=N/({rate})/TB,fps={rate}[held{number}]",
                vision::of(number, &media),
                vision::fit(size, "black"),
                frames - 1
            ));
            labels.extend([format!("[held{number}]")]);
            job = job.input(*file);
        }
        parts.push(format!("{labels}concat=n={}:v=1:a=0[seen]", images.len()));
        desk.run(&job.graph(parts.join(";")).map("[seen]").words(["-r", &rate]).into_mp4("out.mp4"))?;
        desk.video_answer("out.mp4")
    })
}
