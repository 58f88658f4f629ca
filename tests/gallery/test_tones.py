"""tintype/tones: sounds that last, sound and are pitched as the prompt says."""

from __future__ import annotations

import io
import wave
from array import array

from gallery import Gallery

MODEL = "tintype/tones"


def heard(gallery: Gallery, **body) -> tuple[dict, array]:
    answer = gallery.call(MODEL, output_format="wav", **body)
    with wave.open(io.BytesIO(gallery.bytes(answer["audio"]))) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 44100)
        samples = array("h", sound.readframes(sound.getnframes()))
    assert abs(len(samples) / 44100 - answer["audio"]["duration"]) < 0.001
    return answer, samples


def crossings(samples: array) -> float:
    """Rising crossings of zero a second: the frequency of a plain tone."""
    rising = sum(1 for before, after in zip(samples, samples[1:]) if before < 0 <= after)
    return rising / (len(samples) / 44100)


def test_a_beep_has_its_pitch_and_a_high_one_twice_of_it(gallery: Gallery):
    _, beep = heard(gallery, prompt="a long beep")
    _, high = heard(gallery, prompt="a long high beep")
    assert abs(crossings(beep) - 880) < 10
    assert abs(crossings(high) - 1760) < 20


def test_sounds_follow_one_another_and_their_times_are_told(gallery: Gallery):
    answer, samples = heard(gallery, prompt="a beep, then a purring pause, then a beep")
    assert [sound["sound"] for sound in answer["sounds"]] == ["beep", "silence", "beep"]
    assert answer["not_understood"] == ["purring"]
    start = int(answer["sounds"][1]["start"] * 44100) + 50
    end = start + int(answer["sounds"][1]["duration"] * 44100) - 100
    assert max(samples[start:end]) == 0 and max(samples[end + 1000 :]) > 10000


def test_the_same_seed_gives_the_same_bytes(gallery: Gallery):
    rain = [gallery.bytes(gallery.call(MODEL, prompt="rain", seed=seed, output_format="wav")["audio"]) for seed in (1, 1, 2)]
    assert rain[0] == rain[1] != rain[2]


def test_mp3_is_what_comes_unless_another_form_is_asked_for(gallery: Gallery):
    audio = gallery.call(MODEL, prompt="c4 and e4 and g4")["audio"]
    assert audio["content_type"] == "audio/mpeg" and abs(audio["duration"] - 0.5) < 0.1
    assert gallery.bytes(audio)[:2] in (b"ID", b"\xff\xfb")


def test_a_prompt_that_names_no_sound_or_too_long_a_one_is_explained(gallery: Gallery):
    [unknown] = gallery.refused(MODEL, prompt="a purring cat")
    assert unknown["loc"] == ["body", "prompt"] and "bell" in unknown["msg"]
    [long] = gallery.refused(MODEL, prompt="100 long drones")
    assert long["ctx"]["max_duration"] == 60
