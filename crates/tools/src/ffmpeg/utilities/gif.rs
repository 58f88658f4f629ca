//! To GIF and from it.

use tintype_engine::RunError;

use super::super::{
    call::Work,
    desk::Desk,
    failure,
    input::{File, Input, Kind},
    job::Job,
    made::{Still, answer},
    probe::{Media, even},
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
        let size = media.video.as_ref().map_or((2, 2), |video| (even(video.width), even(video.height)));
        let rate = pace(desk, file, &media)?;
        let seen = vision::of(0, &media);
        let job = Job::new().lasting(media.duration).input(file);
        if format == "webm" {
            let graph =
                if clear { shown(&seen, &rate, size) + ",format=yuva420p" } else { on_black(&seen, &rate, size) };
            let how = match quality {
                "low" => ["-b:v", "0", "-crf", "42"],
                "high" => ["-b:v", "0", "-crf", "20"],
                "lossless" => ["-b:v", "0", "-lossless", "1"],
                _ => ["-b:v", "0", "-crf", "31"],
            };
            let job = job.graph(graph + "[seen]").map("[seen]").words(["-c:v", "libvpx-vp9", "-row-mt", "1"]);
            // The alternate reference frames of VP9 and its alpha do not go together.
            let job = job.words(["-cpu-used", "4", "-auto-alt-ref", "0"]).words(how);
            desk.run(&job.words(["-r", &rate]).to("out.webm"))?;
            return desk.video_answer("out.webm");
        }
        let crf = match quality {
            "low" => "30",
            "high" => "16",
            _ => "22",
        };
        let job = job.graph(on_black(&seen, &rate, size) + "[seen]").map("[seen]").words(["-r", &rate]);
        let job = job.words(["-c:v", "libx264", "-preset", "fast", "-crf", crf]);
        desk.run(&job.words(["-pix_fmt", "yuv420p", "-movflags", "+faststart"]).to("out.mp4"))?;
        desk.video_answer("out.mp4")
    })
}

/// The frames at an even pace.
fn shown(seen: &str, rate: &str, (width, height): (u32, u32)) -> String {
    format!("{seen}fps={rate}:start_time=0,scale={width}:{height}")
}

/// What is clear becomes black.
fn on_black(seen: &str, rate: &str, (width, height): (u32, u32)) -> String {
    format!(
        "color=c=black:s={width}x{height}:r={rate}[black];{},format=rgba[shown];\
         [black][shown]overlay=shortest=1:format=rgb,format=yuv420p",
        shown(seen, rate, (width, height))
    )
}

/// Frames of the video: a GIF may hold a picture for minutes, in steps of hundredths of a second.
const MOST_FRAMES: u64 = 30_000;

/// Each frame of a GIF has a time of its own. At the pace of their greatest common part all of them are there, each for
/// exactly its time, and every player can show them.
fn pace(desk: &mut Desk<'_>, file: File, media: &Media) -> Result<String, RunError> {
    if media.container != "gif" {
        return Ok(vision::rate(media.video.as_ref().map_or(25.0, |video| video.fps.min(100.0))));
    }
    let index = media.video.as_ref().map_or(0, |video| video.index);
    let job = Job::new().input(file).map(format!("0:{index}"));
    desk.run(&job.words(["-c", "copy", "-f", "framecrc"]).to("times.txt"))?;
    let text = desk.read("times.txt")?;
    let times = lengths(&String::from_utf8_lossy(&text));
    let (step, total) = (times.iter().copied().fold(0, common).max(1), times.iter().sum::<u64>());
    let least = total.div_ceil(MOST_FRAMES).max(1);
    if step < least {
        desk.note(&format!("the GIF would be more than {MOST_FRAMES} frames: its times are rounded to {least}/100 s"));
    }
    Ok(format!("100/{}", step.max(least)))
}

/// The fourth of the columns of each frame; lines of the head begin with a mark.
fn lengths(text: &str) -> Vec<u64> {
    let length = |line: &str| line.split(',').nth(3)?.trim().parse().ok().filter(|length| *length > 0);
    text.lines().filter(|line| !line.starts_with('#')).filter_map(length).collect()
}

/// The greatest common divisor.
fn common(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { common(other, one % other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_the_greatest_common_part_of_all_times() {
        let text = "#tb 0: 1/100\n0, 0, 0, 10, 132, 0xe04e27da\n0, 10, 10, 50, 100, 0x07fe217b, F=0x0\n";
        assert_eq!(lengths(text), [10, 50]);
        let step = |times: &[u64]| times.iter().copied().fold(0, common);
        assert_eq!((step(&[10, 50]), step(&[7, 14, 3]), step(&[])), (10, 1, 0));
    }
}
