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
        reverse_pieces(desk, file, media, frames / fps)
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

/// All frames of a long video do not fit into memory: it is turned piece by piece, and the pieces follow one another
/// from the last to the first. The pictures are written without loss in between.
fn reverse_pieces(desk: &mut Desk<'_>, file: File, media: &Media, seconds: f64) -> Result<(), RunError> {
    let lossless = ["-an", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-pix_fmt", "yuv420p"];
    let fps = vision::rate(media.video.as_ref().map_or(25.0, |video| video.fps));
    let cut = format!("{}{},{EVEN},fps={fps}[seen]", vision::of(0, media), vision::SQUARE);
    let every = format!("{seconds:.6}");
    let keys = format!("expr:gte(t,n_forced*{seconds:.6})");
    let job = Job::new().lasting(media.duration).input(file).graph(cut).map("[seen]").words(lossless);
    let job = job.words(["-force_key_frames", &keys, "-f", "segment", "-segment_time", &every]);
    desk.run(&job.words(["-reset_timestamps", "1"]).to("piece%04d.mkv"))?;
    let mut list = String::new();
    for number in 0.. {
        let piece = format!("piece{number:04}.mkv");
        if !desk.has(&piece) {
            break;
        }
        let turned = format!("turned{number:04}.mkv");
        desk.run(&Job::new().own(&piece).words(["-vf", "reverse"]).words(lossless).to(&turned))?;
        desk.drop(&piece)?;
        list.insert_str(0, &format!("file {turned}\n"));
    }
    desk.write("pieces.txt", format!("ffconcat version 1.0\n{list}"))?;
    let mut job = Job::new().lasting(media.duration).words(["-f", "concat"]).own("pieces.txt");
    if media.audio.is_some() {
        job = job
            .input(file)
            .graph(format!("{}{}[heard]", sound::of(1, media), backwards(media)))
            .map("0:v")
            .map("[heard]");
    }
    desk.run(&job.into_mp4("out.mp4"))
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
        let ffmpeg = Ffmpeg::find().unwrap();
        let asked = Asked { field: "video_url".to_owned(), url: "URL".to_owned(), kind: Kind::Video };
        let mut looker = Looker;
        let mut desk = Desk::lay(vec![asked], vec![Bytes::new()], ffmpeg, &mut looker).unwrap();
        let picture = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=2.3"];
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
        let (whole, pieces) = (turned(1e9), turned(64.0 * 48.0 * 1.5 * 7.0));
        assert_eq!((whole.1, whole.2), (23, true));
        assert_eq!((pieces.1, pieces.2), (23, true));
        let far = whole.0.iter().zip(&pieces.0).filter(|(one, other)| one.abs_diff(**other) > 12).count();
        assert!(whole.0.len() == pieces.0.len() && far == 0, "{far} colours differ");
    }
}
