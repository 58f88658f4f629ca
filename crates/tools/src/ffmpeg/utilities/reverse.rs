//! A video that runs backwards.

use tintype_engine::RunError;

use super::{
    super::{
        call::Work,
        desk::Desk,
        input::{File, Input, Kind},
        job::Job,
        probe::{Media, Video},
        sound, vision,
    },
    video::EVEN,
};

/// What a turned piece may take in memory.
const REVERSED_BYTES: f64 = (1u64 << 30) as f64;

pub(in super::super) fn reverse(input: &mut Input<'_>) -> Work {
    let file = input.file("video_url", Kind::Video);
    Box::new(move |desk| {
        let media = desk.look(file)?;
        reverse_within(desk, file, &media, REVERSED_BYTES)?;
        desk.video_answer("out.mp4")
    })
}

fn reverse_within(desk: &mut Desk<'_>, file: File, media: &Media, bytes: f64) -> Result<(), RunError> {
    let (width, height) = media.video.as_ref().map_or((2, 2), Video::even);
    let fps = media.video.as_ref().map_or(25.0, |video| video.fps);
    let frames = (bytes / (f64::from(width) * f64::from(height) * 1.5)).floor().max(1.0);
    if media.duration * fps <= frames {
        reverse_whole(desk, file, media, frames)
    } else {
        reverse_pieces(desk, file, media, frames)
    }
}

/// All frames in memory at once. A file may hold more, and larger ones, than it says: those beyond `most` are left out.
fn reverse_whole(desk: &mut Desk<'_>, file: File, media: &Media, most: f64) -> Result<(), RunError> {
    let seen =
        format!("{}{},{EVEN},format=yuv420p,trim=end_frame={most},reverse[seen]", vision::of(0, media), vision::SQUARE);
    let heard = media.audio.as_ref().map(|_| format!(";{}{}[heard]", sound::of(0, media), backwards(media)));
    let mut job = Job::new().lasting(media.duration).input(file);
    job = job.graph(seen + heard.as_deref().unwrap_or_default()).map("[seen]");
    if heard.is_some() {
        job = job.map("[heard]");
    }
    desk.run(&job.into_mp4("out.mp4"))
}

/// The sound, turned. It is held whole: of a file that lies about its length, as much as it says.
fn backwards(media: &Media) -> String {
    format!("aformat=sample_fmts=fltp:channel_layouts=stereo,atrim=duration={:.6},areverse", media.duration + 1.0)
}

/// All frames of a long video do not fit into memory: it is turned piece by piece, from the last to the first. What lies
/// on disk in between is nearly as small as what is made.
fn reverse_pieces(desk: &mut Desk<'_>, file: File, media: &Media, frames: f64) -> Result<(), RunError> {
    /// Ahead of the first frame of a piece, so that rounding does not lose it.
    const HAIR: f64 = 0.0005;
    let fps = media.video.as_ref().map_or(25.0, |video| video.fps);
    let (rate, span) = (vision::rate(fps), frames / fps);
    let graph = format!(
        "{}{},{EVEN},fps={rate}:start_time=0,format=yuv420p,trim=end_frame={frames},reverse[seen]",
        vision::of(0, media),
        vision::SQUARE
    );
    let mut list = String::new();
    for number in (0..(media.duration / span).ceil() as u32).rev() {
        let start = (f64::from(number) * span - HAIR).max(0.0);
        let cut = ["-ss".to_owned(), format!("{start:.6}"), "-t".to_owned(), format!("{span:.6}")];
        let name = format!("turned{number:05}.mkv");
        let job = Job::new().input_as(&cut, file).graph(&graph).map("[seen]").words(["-an", "-c:v", "libx264"]);
        desk.run(&job.words(["-preset", "veryfast", "-crf", "12"]).to(&name))?;
        // A sound that lasts longer than the pictures leaves nothing to be seen at the end.
        if desk.probe(&name).is_ok_and(|piece| piece.duration > 0.0) {
            list.extend(["file ", &name, "\n"]);
        }
    }
    desk.write("pieces.txt", format!("ffconcat version 1.0\n{list}"))?;
    let mut job = Job::new().lasting(media.duration).words(["-f", "concat"]).own("pieces.txt");
    let mut graph = format!("[0:v]setpts=N/({rate})/TB[seen]");
    if media.audio.is_some() {
        graph.extend([format!(";{}{}[heard]", sound::of(1, media), backwards(media))]);
        job = job.input(file);
    }
    job = job.graph(graph).map("[seen]");
    if media.audio.is_some() {
        job = job.map("[heard]");
    }
    desk.run(&job.words(["-r", &rate]).into_mp4("out.mp4"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tintype_engine::{Cancelled, Step, Watch};
    use tintype_programs::ffmpeg::Ffmpeg;

    use super::{super::super::input::Asked, *};

    struct Looker;

    impl Watch for Looker {
        fn note(&mut self, _: &str) {}

        fn step(&mut self, _: Step<'_>) -> Result<(), Cancelled> {
            Ok(())
        }
    }

    #[test]
    fn a_video_turned_in_pieces_is_the_one_turned_as_a_whole() {
        turned_alike("10", 23, 7.0);
        turned_alike("30000/1001", 69, 31.0);
    }

    /// At so many frames a second, of which there are `count`, so many in a piece.
    fn turned_alike(rate: &str, count: u64, frames: f64) {
        let ffmpeg = Ffmpeg::find().unwrap();
        let asked = Asked { field: "video_url".to_owned(), url: "URL".to_owned(), kind: Kind::Video };
        let mut looker = Looker;
        let mut desk = Desk::lay(vec![asked], vec![Bytes::new()], ffmpeg, &mut looker).unwrap();
        let picture = ["-f", "lavfi", "-i", &format!("testsrc=size=64x48:rate={rate}:duration=2.3")];
        let tone = ["-f", "lavfi", "-i", "sine=duration=2.3"];
        desk.run(&Job::new().words(picture).words(tone).into_mp4("in0.mp4")).unwrap();
        desk.write("in0", desk.read("in0.mp4").unwrap()).unwrap();
        let media = desk.look(File(0)).unwrap();
        let mut turned = |bytes: f64| {
            reverse_within(&mut desk, File(0), &media, bytes).unwrap();
            let middle = ["-vf", "scale=1:1,format=rgb24", "-f", "rawvideo"];
            desk.run(&Job::new().own("out.mp4").map("0:v").words(middle).to("colours.raw")).unwrap();
            let told = desk.probe("out.mp4").unwrap();
            (desk.read("colours.raw").unwrap(), told.frames(), told.audio.is_some())
        };
        let (whole, pieces) = (turned(1e9), turned(64.0 * 48.0 * 1.5 * frames));
        assert_eq!((whole.1, whole.2), (count, true));
        assert_eq!((pieces.1, pieces.2), (count, true));
        let far = whole.0.iter().zip(&pieces.0).filter(|(one, other)| one.abs_diff(**other) > 12).count();
        assert!(whole.0.len() == pieces.0.len() && far == 0, "{far} colours differ");
    }
}
