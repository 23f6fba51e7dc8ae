"""The pictures that the docs show, small: `scripts/pictures` without a directory."""

import base64
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from playwright.async_api import Page, expect

from tests.pages.scenes import Scene, set_scene, show, take_time, views_of
from tests.pages.threads import field_of
from tests.pages.windows import Look, Windows

DOCS = Path(__file__).parents[2] / "docs" / "images"

_QUALITY = 82
_HEIGHT = 620
# An evening at a harbour, said in Arabic.
_EVENING = (
    ("grace", "مساء الخير! متى نبدأ التصوير؟"),
    ("ada", "نبدأ الساعة السادسة والنصف عند الرصيف الشرقي."),
    ("grace", "ممتاز، شكرا!"),
)
# Windows beside each other, on nothing.
_BESIDE = """
<style>
  body { margin: 0; padding: 14px 18px 24px; display: inline-flex; gap: 20px; }
  img { border-radius: 10px; box-shadow: 0 0 0 1px #8884, 0 3px 16px #0003; }
</style>
"""


async def illustrate(directory: Path, windows: Windows) -> int:
    """Take them; gives how many."""
    scene = await set_scene(windows.site)
    async with windows.site.api("grace") as grace, windows.site.api("ada") as ada:
        for handle, body in _EVENING:
            api = grace if handle == "grace" else ada
            await api.send(scene.group, client_id=str(uuid4()), body=body)
    await take_time(windows.site)
    pictures = {
        "two-people": await _two_people(windows, scene),
        "phone-dark": await _phones(windows, scene),
        "right-to-left": await _right_to_left(windows, scene),
        "panels": await _panels(windows, scene),
    }
    for name, picture in pictures.items():
        (directory / f"{name}.webp").write_bytes(picture)
    return len(pictures)


async def _two_people(windows: Windows, scene: Scene) -> bytes:
    talk = views_of(scene)["talk"]
    grace = await _open(windows, "grace", talk, width=350, color_scheme="dark")
    ada = await _open(windows, "ada", talk, width=800)
    await field_of(grace).press_sequentially("I bring the 135!")
    await expect(ada.locator(".thread-typing")).to_contain_text("typing")
    return await _beside(windows, [await _webp(ada), await _webp(grace)])


async def _phones(windows: Windows, scene: Scene) -> bytes:
    views = views_of(scene)
    taken = []
    for view in ("list", "gig", "asked"):
        page = await _open(windows, "ada", views[view], width=350, color_scheme="dark")
        taken.append(await _webp(page))
    return await _beside(windows, taken)


async def _right_to_left(windows: Windows, scene: Scene) -> bytes:
    place = views_of(scene)["group"]
    page = await _open(windows, "ada", place, width=900, dir="rtl")
    return await _beside(windows, [await _webp(page)])


async def _panels(windows: Windows, scene: Scene) -> bytes:
    views = views_of(scene)
    taken = []
    for view in ("notifications", "preferences", "requests"):
        page = await _open(windows, "ada", views[view], width=350)
        taken.append(await _webp(page))
    return await _beside(windows, taken)


async def _open(windows: Windows, handle: str, place: str, **look: object) -> Page:
    chosen = Look(height=_HEIGHT, reduced_motion="reduce")
    chosen.update(look)  # type: ignore[typeddict-item]
    page = await windows.open_as(handle, **chosen)
    await page.locator(".dev-hint button").click()
    await page.mouse.move(0, 0)
    await show(page, place)
    return page


async def _webp(page: Page, *, is_bare: bool = False) -> bytes:
    session = await page.context.new_cdp_session(page)
    if is_bare:
        clear = {"color": {"r": 0, "g": 0, "b": 0, "a": 0}}
        await session.send("Emulation.setDefaultBackgroundColorOverride", clear)
    answer = await session.send(
        "Page.captureScreenshot", {"format": "webp", "quality": _QUALITY}
    )
    return base64.b64decode(answer["data"])


async def _beside(windows: Windows, taken: Sequence[bytes]) -> bytes:
    """Put pictures of windows beside each other, so that they stand on any page."""
    context = await windows.new_context()
    page = await context.new_page()
    data = [base64.b64encode(each).decode() for each in taken]
    images = "".join(
        f'<img height="{_HEIGHT}" src="data:image/webp;base64,{each}">' for each in data
    )
    await page.set_content(_BESIDE + images)
    box = await page.locator("body").bounding_box()
    assert box is not None, "nothing is there"
    await page.set_viewport_size(
        {"width": int(box["width"]), "height": int(box["height"])}
    )
    picture = await _webp(page, is_bare=True)
    await context.close()
    return picture
