//! Every so manieth frame of a video, as pictures.

use serde_json::{Map, json};
use tintype_engine::{Detail, Output, Place};

use super::super::{
    call::Work,
    failure,
    input::{Input, Kind},
    job::Job,
    made::Still,
    vision,
};

/// All frames of an answer together, before they are packed.
const FRAMES_BYTES: u64 = 1 << 30;

pub(in super::super) fn extract_nth_frame(input: &mut Input<'_>) -> Work {
    let file = input.file("video_url", Kind::Video);
    let interval = input.whole("frame_interval", 1, 100_000).unwrap_or(12);
    let most = input.whole("max_frames", 1, 1000).unwrap_or(100);
    let quality = input.whole("quality", 1, 100).unwrap_or(95);
    let still = match input.choice("output_format", &["png", "jpg", "jpeg", "webp"], "png") {
        "jpg" | "jpeg" => Still::Jpeg,
        "webp" => Still::Webp,
        _ => Still::Png,
    };
    Box::new(move |desk| {
        let media = desk.look(file)?;
        let size = media.video.as_ref().map_or((2, 2), |video| (video.width, video.height));
        let room = (FRAMES_BYTES / (u64::from(size.0) * u64::from(size.1) * 3)).max(1);
        if media.frames().div_ceil(interval).min(most) > room {
            let message =
                format!("Frames of {} by {} pixels are too large for so many: at most {room}", size.0, size.1);
            let detail = Detail::new("max_frames", "less_than_equal", message).with("le", room).found(&json!(most));
            return Err(failure::refuse(detail));
        }
        let most = most.min(room).to_string();
        let graph = format!("{}select='not(mod(n,{interval}))',{}[seen]", vision::of(0, &media), vision::SQUARE);
        let job = Job::new().input(file).graph(graph).map("[seen]").words(["-fps_mode", "vfr", "-frames:v", &most]);
        let job = match still {
            // FFmpeg counts from 2, the best, to 31.
            Still::Jpeg => job.words(["-q:v".to_owned(), (2 + (100 - quality) * 29 / 99).to_string()]),
            Still::Webp => job.words(["-c:v", "libwebp", "-quality"]).words([quality.to_string()]),
            _ => job,
        };
        desk.run(&job.to(&format!("frame%05d.{}", still.extension())))?;
        let frames = desk.numbered(|number| format!("frame{number:05}.{}", still.extension()))?;
        let fields = Map::from_iter([("frame_count".to_owned(), json!(frames.len()))]);
        let files = frames.into_iter().map(|frame| (Place::Item("images"), still.made(frame, size))).collect();
        Ok(Output { files, fields, units: None })
    })
}
