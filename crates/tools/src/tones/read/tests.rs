use super::{super::sounds::Kind, *};

fn times(prompt: &str) -> Vec<(Kind, f64)> {
    read(prompt).sounds.iter().map(|sound| (sound.kind, (sound.at * 100.0).round() / 100.0)).collect()
}

/// What is heard, and how long; everything was understood.
#[track_caller]
fn lengths(prompt: &str) -> Vec<(Kind, f64)> {
    let score = read(prompt);
    assert_eq!(score.unknown, [""; 0], "{prompt}");
    score.sounds.iter().map(|sound| (sound.kind, sound.seconds)).collect()
}

#[test]
fn sounds_follow_one_another_unless_they_are_joined() {
    assert_eq!(
        times("two beeps, then a bell with rain"),
        [(Kind::Beep, 0.0), (Kind::Beep, 0.42), (Kind::Bell, 0.72), (Kind::Rain, 0.72)]
    );
    let notes = times("c4 e4 g4");
    assert_eq!(notes.iter().map(|(_, at)| *at).collect::<Vec<_>>(), [0.0, 0.5, 1.0]);
    assert!(times("c4 and e4 and g4").iter().all(|(_, at)| *at == 0.0));
}

#[test]
fn properties_hold_for_the_sound_that_comes_next_alone() {
    let score = read("a long low quiet hum then a beep");
    let [hum, beep] = &score.sounds[..] else { panic!("{score:?}") };
    assert_eq!((hum.seconds, hum.pitch, hum.loudness), (4.0, 0.5, 0.3));
    assert_eq!((beep.pitch, beep.loudness, beep.at), (1.0, 1.0, 4.0));
}

#[test]
fn lengths_are_of_the_sound_before_for_or_of_the_next() {
    let prompt = "a beep for 2 seconds then silence for 1 second then a beep";
    assert_eq!(lengths(prompt), [(Kind::Beep, 2.0), (Kind::Silence, 1.0), (Kind::Beep, 0.3)]);
    assert_eq!(times(prompt).last(), Some(&(Kind::Beep, 3.0)));
    assert_eq!(lengths("a two second beep and a bell"), [(Kind::Beep, 2.0), (Kind::Bell, 2.5)]);
    assert_eq!(
        lengths("two beeps of 3 seconds, then a bell"),
        [(Kind::Beep, 3.0), (Kind::Beep, 3.0), (Kind::Bell, 2.5)]
    );
    assert_eq!(lengths("two 3 second beeps"), [(Kind::Beep, 3.0); 2]);
    assert_eq!(lengths("rain, 10 seconds"), [(Kind::Rain, 10.0)]);
    assert_eq!(
        times("two beeps for 1 second then a click"),
        [(Kind::Beep, 0.0), (Kind::Beep, 1.12), (Kind::Click, 2.12)]
    );
}

#[test]
fn lengths_are_said_in_every_way() {
    for (prompt, seconds) in [
        ("a minute of rain", 60.0),
        ("rain for 2 minutes", 120.0),
        ("half a second of rain", 0.5),
        ("rain for half a minute", 30.0),
        ("rain for one and a half seconds", 1.5),
        ("rain for a second and a half", 1.5),
        ("rain for a minute and 30 seconds", 90.0),
        ("1 minute 5 seconds of rain", 65.0),
        ("1.5 seconds of rain", 1.5),
        ("rain for 3/4 second", 0.75),
        ("rain for 500ms", 0.5),
        ("rain 2 s", 2.0),
        ("twenty five seconds of rain", 25.0),
        ("rain for a couple of seconds", 2.0),
    ] {
        assert_eq!(lengths(prompt), [(Kind::Rain, seconds)], "{prompt}");
    }
}

#[test]
fn what_had_no_effect_is_told_and_sticks_to_nothing() {
    let plain = Sound { kind: Kind::Beep, seconds: 0.3, pitch: 1.0, loudness: 1.0, at: 0.0 };
    for (prompt, unknown) in [
        ("a loud dog and a beep", vec!["loud", "dog"]),
        ("a loud dog for 2 seconds then a beep", vec!["loud", "dog", "2", "seconds"]),
        ("three low dogs, a beep", vec!["three", "low", "dogs"]),
        ("a beep and a loud dog", vec!["loud", "dog"]),
        ("half a beep", vec!["half"]),
        ("a purring beep, loud", vec!["purring", "loud"]),
        ("a long 0.3 second beep", vec!["long"]),
        ("a quick beep for 300 ms", vec!["quick"]),
    ] {
        let score = read(prompt);
        assert_eq!(
            (score.sounds, score.unknown),
            (vec![plain.clone()], unknown.into_iter().map(str::to_owned).collect())
        );
    }
    let score = read("three loud, strange beeps");
    assert!(score.sounds.len() == 3 && score.sounds.iter().all(|sound| sound.loudness > 1.0), "{score:?}");
    assert_eq!(times("a bell then a dog and a beep")[1], (Kind::Beep, 2.5));
}

#[test]
fn what_names_no_sound_is_kept_and_numbers_end() {
    let score = read("a purring cat");
    assert!(score.sounds.is_empty() && score.unknown == ["purring", "cat"]);
    let score = read("99999999999999 beeps");
    assert!(score.sounds.len() == MOST && score.most > MOST);
    assert!(read(&format!("beep for {} hours", "9".repeat(400))).seconds().is_finite());
}
