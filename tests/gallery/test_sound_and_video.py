"""Tools for sound and video, and the voice, through a server."""

from __future__ import annotations

import io
import subprocess
import wave
from pathlib import Path

import pytest

from gallery import Gallery, data_uri


def make(folder: Path, name: str, *words: str) -> bytes:
    """A file that FFmpeg makes from nothing."""
    path = folder / name
    subprocess.run(["ffmpeg", "-v", "error", "-y", *words, str(path)], check=True)
    return path.read_bytes()


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> str:
    picture = ["-f", "lavfi", "-i", "testsrc=size=160x90:rate=10:duration=2"]
    tone = ["-f", "lavfi", "-i", "sine=frequency=440:duration=2"]
    made = make(tmp_path_factory.mktemp("video"), "v.mp4", *picture, *tone, "-pix_fmt", "yuv420p", "-shortest")
    return data_uri(made, "video/mp4")


@pytest.fixture(scope="session")
def tone(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = make(tmp_path_factory.mktemp("tone"), "t.wav", "-f", "lavfi", "-i", "sine=frequency=880:duration=1")
    return data_uri(made, "audio/wav")


def test_a_track_of_a_video_and_one_of_sound_become_a_video(gallery: Gallery, video: str, tone: str) -> None:
    tracks = [
        {"id": "1", "type": "video", "keyframes": [{"url": video, "timestamp": 0, "duration": 1500}]},
        {"id": "2", "type": "audio", "keyframes": [{"url": tone, "timestamp": 500, "duration": 1000}]},
    ]
    answer = gallery.call("fal-ai/ffmpeg-api/compose", tracks=tracks)
    assert gallery.bytes(answer["thumbnail_url"]).startswith(b"\xff\xd8")
    # What was made is an address, and can be what comes next.
    media = gallery.call("fal-ai/ffmpeg-api/metadata", media_url=answer["video_url"])["media"]
    assert media["media_type"] == "video" and media["codec"] == "h264"
    assert media["resolution"] == {"width": 160, "height": 90, "aspect_ratio": "16:9"}
    assert media["duration"] == pytest.approx(1.5, abs=0.1) and media["audio"]["codec"] == "aac"


def test_a_video_of_an_answer_says_what_it_is(gallery: Gallery, video: str) -> None:
    answer = gallery.call("fal-ai/workflow-utilities/trim-video", video_url=video, start_time=0.5, duration=1)
    made = answer["video"]
    assert (made["width"], made["height"], made["fps"], made["num_frames"]) == (160, 90, 10, 10)
    assert made["content_type"] == "video/mp4" and made["file_size"] == len(gallery.bytes(made))
    assert answer["original_duration"] == pytest.approx(2, abs=0.1)


def test_sound_is_measured_and_drawn(gallery: Gallery, tone: str) -> None:
    answer = gallery.call("fal-ai/ffmpeg-api/waveform", media_url=tone, points_per_second=4)
    assert answer["points"] == len(answer["waveform"]) == 4 and max(answer["waveform"]) == 1
    loud = gallery.call("fal-ai/ffmpeg-api/loudnorm", audio_url=tone, integrated_loudness=-20, print_summary=True)
    assert loud["summary"]["output_integrated"] == pytest.approx(-20, abs=2)


def test_frames_of_a_video_are_pictures(gallery: Gallery, video: str) -> None:
    answer = gallery.call("fal-ai/workflow-utilities/extract-nth-frame", video_url=video, frame_interval=10)
    assert answer["frame_count"] == len(answer["images"]) == 2
    assert gallery.image(answer["images"][0]).size == (160, 90)
    gif = gallery.call("fal-ai/workflow-utilities/video-to-gif", video_url=video, width=80, duration=1)["image"]
    assert gallery.image(gif).n_frames > 5


def test_what_is_no_video_is_refused_by_its_field(gallery: Gallery, tone: str) -> None:
    for bad in (tone, data_uri(b"#EXTM3U\n/etc/passwd\n", "video/mp4"), data_uri(b"", "video/mp4")):
        [found] = gallery.refused("fal-ai/workflow-utilities/reverse-video", video_url=bad)
        assert found["loc"] == ["body", "video_url"] and found["type"] == "unsupported_video_format", found
        assert "mp4" in found["ctx"]["supported_formats"]
    [found] = gallery.refused("fal-ai/ffmpeg-api/merge-audios", audio_urls=[tone])
    assert found["type"] == "sequence_too_short"


def test_a_text_is_spoken_with_the_time_of_each_word(gallery: Gallery) -> None:
    text = "Hello big world. Übermorgen!"
    answer = gallery.call("tintype/voice", text=text, voice="de", output_format="wav")
    with wave.open(io.BytesIO(gallery.bytes(answer["audio"]))) as spoken:
        seconds = spoken.getnframes() / spoken.getframerate()
    assert answer["audio"]["duration"] == pytest.approx(seconds, abs=0.001)
    words = answer["words"]
    assert [word["text"] for word in words] == ["Hello", "big", "world", "Übermorgen"]
    assert all(one["end"] <= two["start"] + 1e-6 for one, two in zip(words, words[1:]))
    assert words[-1]["end"] <= seconds and answer["characters"] == len(text)


def test_speech_comes_in_the_format_that_was_asked_for(gallery: Gallery) -> None:
    for format, start in [("mp3", (b"ID3", b"\xff\xf3", b"\xff\xfb")), ("flac", (b"fLaC",)), ("opus", (b"OggS",))]:
        answer = gallery.call("tintype/voice", text="Good morning.", output_format=format)
        assert gallery.bytes(answer["audio"]).startswith(start), format
    slow = gallery.call("tintype/voice", text="Good morning.", speed=0.5, output_format="wav", sync_mode=True)
    quick = gallery.call("tintype/voice", text="Good morning.", speed=2, output_format="wav", sync_mode=True)
    assert slow["audio"]["url"].startswith("data:audio/wav")
    assert slow["audio"]["duration"] > 1.5 * quick["audio"]["duration"]


def test_a_voice_that_is_not_there_is_refused_with_those_that_are(gallery: Gallery) -> None:
    [found] = gallery.refused("tintype/voice", text="x", voice="../../etc/passwd")
    assert found["loc"] == ["body", "voice"] and found["type"] == "one_of" and "en-us" in found["ctx"]["expected"]
    voices = gallery.call("tintype/voice/voices")
    assert {"voice": "de", "name": "German"} in voices["voices"] and "f3" in voices["variants"]
