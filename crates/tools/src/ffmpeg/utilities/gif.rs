//! To GIF and from it.

use super::super::{
    call::Work,
    failure,
    input::{Input, Kind},
    job::Job,
    made::{Still, answer},
    probe::even,
    vision,
};

const MAX_SECS: f64 = 15.0;
const USUAL_SECS: f64 = 10.0;
const USUAL_WIDTH: u32 = 800;

pub(in super::super) fn video_to_gif(input: &mut Input<'_>) -> Work {
    let file = input.file("video_url", Kind::Video);
    let start = input.number("start_time", 0.0, 1800.0).unwrap_or(0.0);
    let length = input.number("duration", 0.01, MAX_SECS).unwrap_or(USUAL_SECS);
    let fps = input.number("fps", 1.0, 50.0).unwrap_or(10.0);
    let width = input.whole("width", 16, 1920);
    let (colors, dither) = match input.choice("quality", &["low", "medium", "high"], "medium") {
        "low" => (64, "bayer:bayer_scale=5"),
        "high" => (256, "sierra2_4a"),
        _ => (128, "bayer:bayer_scale=3"),
    };
    Box::new(move |desk| {
        let media = desk.look(file)?;
        if start >= media.duration {
            return Err(failure::refuse(failure::too_short(desk.asked(file), media.duration, start)));
        }
        let (wide, high) = media.video.as_ref().map_or((16, 16), |video| (video.width, video.height));
        let width = width.map_or(wide.min(USUAL_WIDTH), |width| width as u32);
        let height = (f64::from(high) * f64::from(width) / f64::from(wide)).round().max(1.0) as u32;
        let cut = ["-ss".to_owned(), format!("{start:.6}"), "-t".to_owned(), format!("{length:.6}")];
        let graph = format!(
            "{}{},fps={fps},scale={width}:{height}:flags=lanczos,split[one][two];\
             [one]palettegen=max_colors={colors}:stats_mode=diff[palette];[two][palette]paletteuse=dither={dither}[seen]",
            vision::of(0, &media),
            vision::SQUARE
        );
        let job =
            Job::new().lasting(length.min(media.duration - start)).input_as(&cut, file).graph(graph).map("[seen]");
        desk.run(&job.words(["-loop", "0"]).to("out.gif"))?;
        Ok(answer("image", Still::Gif.made(desk.read("out.gif")?, (width, height))))
    })
}

pub(in super::super) fn gif_to_video(input: &mut Input<'_>) -> Work {
    let file = input.file("gif_url", Kind::Video);
    let format = input.choice("output_format", &["webm", "mp4"], "webm");
    let clear = input.flag("preserve_transparency", true);
    let quality = input.choice("quality", &["low", "medium", "high", "lossless"], "medium");
    if quality == "lossless" && format == "mp4" {
        let message = "Lossless quality is there for webm alone: choose another quality, or webm";
        input.reject(tintype_engine::Detail::new("quality", "feature_not_supported", message));
    }
    Box::new(move |desk| {
        let media = desk.look(file)?;
        let (width, height) = media.video.as_ref().map_or((2, 2), |video| (even(video.width), even(video.height)));
        let seen = vision::of(0, &media);
        let job = Job::new().lasting(media.duration).input(file);
        if format == "webm" {
            let pixels = if clear { "yuva420p" } else { "yuv420p" };
            let graph = if clear {
                format!("{seen}scale={width}:{height},format={pixels}[seen]")
            } else {
                format!("{}scale={width}:{height},format={pixels}[seen]", on_black(&seen, width, height))
            };
            let how = match quality {
                "low" => ["-b:v", "0", "-crf", "42"],
                "high" => ["-b:v", "0", "-crf", "20"],
                "lossless" => ["-b:v", "0", "-lossless", "1"],
                _ => ["-b:v", "0", "-crf", "31"],
            };
            let job = job.graph(graph).map("[seen]").words(["-c:v", "libvpx-vp9", "-row-mt", "1", "-cpu-used", "4"]);
            // The alternate reference frames of VP9 and its alpha do not go together.
            desk.run(&job.words(["-auto-alt-ref", "0"]).words(how).to("out.webm"))?;
            return desk.video_answer("out.webm");
        }
        let crf = match quality {
            "low" => "30",
            "high" => "16",
            _ => "22",
        };
        let graph = format!("{}scale={width}:{height}[seen]", on_black(&seen, width, height));
        let job = job.graph(graph).map("[seen]").words(["-c:v", "libx264", "-preset", "fast", "-crf", crf]);
        desk.run(&job.words(["-pix_fmt", "yuv420p", "-movflags", "+faststart"]).to("out.mp4"))?;
        desk.video_answer("out.mp4")
    })
}

/// What is clear becomes black.
fn on_black(seen: &str, width: u32, height: u32) -> String {
    format!(
        "color=c=black:s={width}x{height}[black];{seen}scale={width}:{height},format=rgba[shown];\
         [black][shown]scale2ref[ground][above];[ground][above]overlay=shortest=1:format=rgb,"
    )
}
