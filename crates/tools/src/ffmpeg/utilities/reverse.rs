//! A video that runs backwards.

use tintype_engine::RunError;
use tintype_programs::ffmpeg::MAX_MADE;

use super::{
    super::{
        call::Work,
        desk::Desk,
        failure,
        input::{File, Input, Kind},
        job::Job,
        probe::{Media, Video},
        sound, vision,
    },
    video::EVEN,
};

/// What turning may take.
#[derive(Clone, Copy)]
struct Room {
    /// Bytes of the pictures of one piece, in memory.
    memory: f64,
    /// Bytes of all pieces, on disk.
    disk: u64,
}

/// Pieces are kept better than what is made of them, and so are larger.
const ROOM: Room = Room { memory: (1u64 << 30) as f64, disk: 4 * MAX_MADE };

pub(in super::super) fn reverse(input: &mut Input<'_>) -> Work {
    let file = input.file("video_url", Kind::Video);
    Box::new(move |desk| {
        let media = desk.look(file)?;
        reverse_within(desk, file, &media, ROOM)?;
        desk.video_answer("out.mp4")
    })
}

fn reverse_within(desk: &mut Desk<'_>, file: File, media: &Media, room: Room) -> Result<(), RunError> {
    let (width, height) = media.video.as_ref().map_or((2, 2), Video::even);
    let fps = media.video.as_ref().map_or(25.0, |video| video.fps);
    let frames = (room.memory / (f64::from(width) * f64::from(height) * 1.5)).floor().max(1.0);
    if media.duration * fps <= frames {
        reverse_whole(desk, file, media, frames)
    } else {
        reverse_pieces(desk, file, media, frames, room.disk)
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
/// on disk in between is nearly as small as what is made, and at most one piece beyond `most` bytes.
fn reverse_pieces(desk: &mut Desk<'_>, file: File, media: &Media, frames: f64, most: u64) -> Result<(), RunError> {
    /// Ahead of the first frame of a piece, so that rounding does not lose it.
    const HAIR: f64 = 0.0005;
    let fps = media.video.as_ref().map_or(25.0, |video| video.fps);
    let (rate, span) = (vision::rate(fps), frames / fps);
    let graph = format!(
        "{}{},{EVEN},fps={rate}:start_time=0,format=yuv420p,trim=end_frame={frames},reverse[seen]",
        vision::of(0, media),
        vision::SQUARE
    );
    let (mut list, mut bytes) = (String::new(), 0);
    for number in (0..(media.duration / span).ceil() as u32).rev() {
        let start = (f64::from(number) * span - HAIR).max(0.0);
        let cut = ["-ss".to_owned(), format!("{start:.6}"), "-t".to_owned(), format!("{span:.6}")];
        let name = format!("turned{number:05}.mkv");
        let job = Job::new().input_as(&cut, file).graph(&graph).map("[seen]").words(["-an", "-c:v", "libx264"]);
        let seen = desk.run_and_count(&job.words(["-preset", "veryfast", "-crf", "12"]).to(&name))?;
        bytes += desk.bytes(&name)?;
        if bytes > most {
            return Err(failure::overflow(Some(desk.asked(file)), most));
        }
        // A sound that lasts longer than the pictures leaves nothing to be seen at the end.
        if seen > 0 {
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
        turned_alike("10", 23, 7.0, "2.3");
        turned_alike("30000/1001", 69, 31.0, "2.3");
    }

    #[test]
    fn a_piece_of_one_picture_stays_and_those_of_sound_alone_go() {
        turned_alike("10", 23, 11.0, "5");
    }

    #[test]
    fn pieces_that_take_too_much_disk_are_refused_at_their_video() {
        let mut looker = Looker;
        let mut desk = laid(&mut looker, "10", "2.3");
        let media = desk.look(File(0)).unwrap();
        let room = Room { memory: 64.0 * 48.0 * 1.5 * 7.0, disk: 4000 };
        let Err(RunError::Invalid(found)) = reverse_within(&mut desk, File(0), &media, room) else { panic!("made") };
        let detail = &found.0[0];
        assert_eq!((detail.kind.as_str(), detail.loc.last()), ("file_too_large", Some(&"video_url".into())));
        assert!(desk.has("turned00003.mkv") && !desk.has("turned00000.mkv"), "it stops on the way");
    }

    /// A desk with a video of 2.3 seconds, at so many frames a second, and a tone of so many seconds.
    fn laid<'a>(looker: &'a mut Looker, rate: &str, tone: &str) -> Desk<'a> {
        let asked = Asked { field: "video_url".to_owned(), url: "URL".to_owned(), kind: Kind::Video };
        let mut desk = Desk::lay(vec![asked], vec![Bytes::new()], Ffmpeg::find().unwrap(), looker).unwrap();
        let picture = ["-f", "lavfi", "-i", &format!("testsrc=size=64x48:rate={rate}:duration=2.3")];
        let tone = ["-f", "lavfi", "-i", &format!("sine=duration={tone}")];
        desk.run(&Job::new().words(picture).words(tone).into_mp4("in0.mp4")).unwrap();
        desk.write("in0", desk.read("in0.mp4").unwrap()).unwrap();
        desk
    }

    /// At so many frames a second, of which there are `count`, so many in a piece; with so many seconds of sound.
    fn turned_alike(rate: &str, count: u64, frames: f64, tone: &str) {
        let mut looker = Looker;
        let mut desk = laid(&mut looker, rate, tone);
        let media = desk.look(File(0)).unwrap();
        let mut turned = |memory: f64| {
            reverse_within(&mut desk, File(0), &media, Room { memory, ..ROOM }).unwrap();
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
