"""The picture and text tools, called as users call them."""

from __future__ import annotations

import fal_client
import pytest
from PIL import Image
from support.clients import pointed_at, sync_client
from support.server import Server

from gallery import Gallery, picture, plain

NEW = "fal-ai/workflow-utilities"
OLD = "fal-ai/workflowutils"


def test_a_picture_is_compressed_and_stored(gallery: Gallery):
    noise = Image.effect_noise((400, 300), 60).convert("RGB")
    answer = gallery.call(f"{NEW}/compress-image", image_url=picture(noise), max_width=200, quality=60)
    image = gallery.image(answer["image"])
    assert (image.format, image.size) == ("JPEG", (200, 150))
    assert answer["image"]["content_type"] == "image/jpeg"
    assert answer["compressed_size"] == answer["image"]["file_size"] < answer["original_size"]


def test_the_answer_of_one_tool_is_the_input_of_the_next(gallery: Gallery):
    red, blue = picture(plain(40, 40, "red")), picture(plain(40, 40, "blue"))
    joined = gallery.call(f"{NEW}/concat-image", image_urls=[red, blue])["image"]["url"]
    right = gallery.call(f"{NEW}/crop-image", image_url=joined, x_percent=50, width_percent=50)["image"]
    image = gallery.image(right)
    assert image.size == (40, 40) and image.convert("RGB").getpixel((20, 20)) == (0, 0, 255)


def test_transparency_comes_through(gallery: Gallery):
    veil = picture(plain(20, 20, (0, 255, 0, 128)))
    grid = gallery.call(
        f"{NEW}/image-grid", image_urls=[veil] * 3, spacing=4, background_color="transparent", output_format="webp"
    )
    image = gallery.image(grid["image"]).convert("RGBA")
    assert image.size == (44, 44)
    assert image.getpixel((5, 5)) == (0, 255, 0, 128) and image.getpixel((43, 43))[3] == 0


def test_words_are_written_on_a_picture(gallery: Gallery):
    ground = picture(plain(300, 100, "black"))
    answer = gallery.call(f"{NEW}/add-text-to-image", image_url=ground, text="Grüße", font_size=60, sync_mode=True)
    assert answer["image"]["url"].startswith("data:image/png;base64,")
    image = gallery.image(answer["image"]).convert("L")
    left, top, right, bottom = image.getbbox()
    assert 100 < right - left < 250 and 30 < bottom - top < 80, image.getbbox()


@pytest.mark.parametrize("name", ["grow-mask", "grow_mask"])
def test_masks_go_by_both_spellings(gallery: Gallery, name: str):
    mask = plain(60, 60, "black")
    mask.paste((255, 255, 255), (20, 20, 40, 40))
    answer = gallery.call(f"{OLD}/{name}", image_url=picture(mask), pixels=5)
    assert gallery.image(answer["image"]).convert("L").getbbox() == (15, 15, 45, 45)


def test_edges_are_found(gallery: Gallery):
    square = plain(60, 60, "black")
    square.paste((255, 255, 255), (20, 20, 40, 40))
    edges = gallery.image(gallery.call(f"{OLD}/canny", image_url=picture(square))["image"]).convert("L")
    left, top, right, bottom = edges.getbbox()
    assert 18 <= left <= 20 and 39 <= right - 1 <= 41, edges.getbbox()
    assert edges.getpixel((30, 30)) == 0


def test_sizes_are_told_and_changed(gallery: Gallery):
    image = picture(plain(200, 100, "red"))
    assert gallery.call(f"{OLD}/image-size", image_url=image) == {"image_size": {"width": 200, "height": 100}}
    small = gallery.call(f"{OLD}/resize-image", image_url=image, width=50, height=50, mode="pad")
    assert gallery.image(small["image"]).size == (50, 50)


def test_texts_are_joined_split_and_replaced(gallery: Gallery):
    assert gallery.call("fal-ai/text-concat", text1="a ", text2="ü") == {"results": "a ü"}
    assert gallery.call(f"{NEW}/merge-text", texts=["a", "b"], separator="-") == {"text": "a-b"}
    assert gallery.call(f"{NEW}/split-text", text="a-b", separator="-") == {"text1": "a", "text2": "b", "texts": ["a", "b"]}
    replaced = gallery.call(f"{OLD}/regex-replace", text="Hello, World!", pattern="W.*d", replace="you")
    assert replaced == {"text": "Hello, you!"}


def test_bad_input_is_named(gallery: Gallery):
    (missing,) = gallery.refused(f"{NEW}/crop-image")
    assert (missing["type"], missing["loc"]) == ("missing", ["body", "image_url"])
    (format,) = gallery.refused(f"{NEW}/crop-image", image_url="data:image/png;base64,aGVsbG8=")
    assert format["type"] == "unsupported_image_format" and "png" in format["ctx"]["supported_formats"]
    (beyond,) = gallery.refused(f"{NEW}/crop-image", image_url=picture(plain(2, 2, "red")), x_percent=101)
    assert (beyond["type"], beyond["ctx"]) == ("less_than_equal", {"le": 100})


def test_a_picture_that_unfolds_to_gigabytes_is_refused(gallery: Gallery):
    bomb = picture(Image.new("1", (9000, 9000)))
    (large,) = gallery.refused(f"{NEW}/compress-image", image_url=bomb)
    assert large["type"] == "image_too_large" and large["ctx"]["max_width"] == 8192


def test_looks_are_given(gallery: Gallery):
    image = picture(plain(16, 16, (200, 100, 0)))
    (grey,) = gallery.call("fal-ai/post-processing/desaturate", image_url=image, desaturate_method="average")["images"]
    assert gallery.image(grey).convert("RGB").getpixel((8, 8)) == (100, 100, 100)
    (dark,) = gallery.call("fal-ai/post-processing/color-correction", image_url=image, brightness=-50)["images"]
    assert gallery.image(dark).convert("RGB").getpixel((8, 8)) == (100, 50, 0)


def test_a_queued_call_answers_as_a_direct_one(server: Server, gallery: Gallery):
    red = picture(plain(8, 8, "red"))
    with pointed_at(server.url):
        answer = sync_client().subscribe(f"{NEW}/crop-image", {"image_url": red, "width_percent": 50})
        assert gallery.image(answer["image"]).size == (4, 8)
        with pytest.raises(fal_client.FalClientHTTPError) as refused:
            sync_client().subscribe(f"{NEW}/crop-image", {"image_url": "data:,"})
        assert refused.value.status_code == 422
